# The image of one process. SERVICE chooses which:
#
#     docker build --build-arg SERVICE=asr --tag linly-talker/asr .
#
# asr, llm, tts, animator and orchestrator are the services. mesh is what gives their proxies
# certificates and configurations; the proxies themselves run Envoy's own image.

FROM python:3.11-slim-bookworm AS build
ARG SERVICE
# Where torch comes from, for the language model alone: by default the build for processors. Empty:
# where all else comes from, which on Linux is the build for GPUs.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_CONSTRAINT=/src/requirements/constraints.txt \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/talker
COPY requirements/constraints.txt requirements/
# Before our own code, and so in a layer that a change of it leaves alone: it is the largest part.
RUN if [ "$SERVICE" = llm ]; then \
        /opt/talker/bin/pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} --no-deps torch; \
    fi
COPY protos protos
COPY mesh mesh
COPY services services
COPY orchestrator orchestrator
COPY client client
RUN case "$SERVICE" in \
        asr) package='./services/asr[pocketsphinx]' command=linly-asr ;; \
        llm) package='./services/llm[transformers]' command=linly-llm ;; \
        tts) package='./services/tts[espeak]' command=linly-tts ;; \
        animator) package='./services/animator[portrait]' command=linly-animator ;; \
        orchestrator) package='./orchestrator' command=linly-orchestrator ;; \
        mesh) package='./client' command=talker ;; \
        *) echo "SERVICE is '$SERVICE'; see the head of the Dockerfile" >&2; exit 1 ;; \
    esac \
    && /opt/talker/bin/pip install "$package" \
    && ln -s "$command" /opt/talker/bin/serve

FROM build AS weights
ENV LINLY_CACHE=/opt/cache
RUN mkdir /opt/cache && /opt/talker/bin/python -c \
    'from linly_mesh.weights import declared, fetch; [fetch(each) for each in declared()]' \
    && chmod -R a+rX /opt/cache  # converters write files that only their user may read

FROM python:3.11-slim-bookworm
# One user for all images: an application and its proxy share sockets that only their user may
# open. Its home is the one folder that can be written where the root is read-only.
RUN groupadd --gid 10001 talker \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp \
        --shell /usr/sbin/nologin talker \
    && install --directory --mode 0700 --owner talker --group talker \
        /var/lib/talker /var/lib/talker/authority /var/lib/talker/metrics
COPY --from=build /opt/talker /opt/talker
COPY --from=weights /opt/cache /opt/cache
ENV LINLY_CACHE=/opt/cache \
    PATH=/opt/talker/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /tmp
CMD ["serve"]
