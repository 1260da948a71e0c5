"""What a talk needs before its first turn."""

import asyncio
from collections.abc import Callable

from linly.animator.v1 import animator_pb2
from linly.common.v1 import common_pb2
from linly.llm.v1 import llm_pb2
from linly.talk.v1 import talk_pb2
from linly_mesh.errors import ServiceError, invalid_argument
from linly_mesh.rpc.convert import to_seconds
from linly_orchestrator.reply import Voice
from linly_orchestrator.stages.animation import Animation
from linly_orchestrator.stages.channels import Stages
from linly_orchestrator.stages.speech import LEAST_AHEAD, Speech

MAX_IMAGE_BYTES = 16 << 20
MAX_TEXT = 100_000
"""Code points of one typed or spoken text."""

_KNOWN_ENCODINGS = frozenset(common_pb2.AudioEncoding.values()) - {0}


def check(config: talk_pb2.TalkConfig) -> None:
    """Refuses what is wrong on its face; the stages refuse what they don't know.

    Raises:
        ServiceError: INVALID_ARGUMENT that names the field.
    """
    if config.HasField("audio_input"):
        audio = config.audio_input
        if audio.encoding not in _KNOWN_ENCODINGS:
            raise invalid_argument("config.audio_input.encoding", "must be a known encoding")
        if not 8_000 <= audio.sample_rate_hertz <= 48_000:
            raise invalid_argument(
                "config.audio_input.sample_rate_hertz", "must be from 8000 to 48000"
            )
    if config.HasField("max_lead") and to_seconds(config.max_lead) <= 0:
        raise invalid_argument("config.max_lead", "must be above 0")
    if config.HasField("max_ahead") and to_seconds(config.max_ahead) < LEAST_AHEAD:
        raise invalid_argument("config.max_ahead", f"must be at least {LEAST_AHEAD:g} s")
    if config.playback_mode not in talk_pb2.PlaybackMode.values():
        raise invalid_argument("config.playback_mode", "must be a known mode")
    if len(config.image) > MAX_IMAGE_BYTES:
        raise invalid_argument("config.image", "must be at most 16 MiB", reason="IMAGE_TOO_LARGE")
    for index, message in enumerate(config.history):
        if message.role not in (llm_pb2.ROLE_USER, llm_pb2.ROLE_ASSISTANT):
            raise invalid_argument(f"config.history[{index}].role", "must be user or assistant")


def check_text(field: str, text: str) -> ServiceError | None:
    """What is wrong with a text that is to be answered or spoken, if anything."""
    if not text.strip():
        return invalid_argument(field, "must not be empty")
    if len(text) > MAX_TEXT:
        return invalid_argument(field, f"must be at most {MAX_TEXT} code points")
    return None


def check_audio(config: talk_pb2.TalkConfig, audio: bytes) -> None:
    """Refuses audio that can't be read as configured."""
    if not config.HasField("audio_input"):
        raise invalid_argument("audio", "config.audio_input must say how to read it")
    if len(audio) > 1 << 20:
        raise invalid_argument("audio", "must be at most 1 MiB")
    linear = config.audio_input.encoding == common_pb2.AUDIO_ENCODING_LINEAR16
    if linear and len(audio) % 2:
        raise invalid_argument("audio", "must be whole samples of 2 bytes")


async def prepare_voice(
    config: talk_pb2.TalkConfig,
    stages: Stages,
    sessions: asyncio.TaskGroup,
    timeout: float | None,
    on_idle: Callable[[animator_pb2.Frames], bool],
) -> tuple[Voice | None, talk_pb2.TalkStarted]:
    """Readies speech and portrait as the talk wants them, and says how to read them.

    Raises:
        StageError: a stage refuses what the talk asks for, or can't be reached.
    """
    started = talk_pb2.TalkStarted()
    if config.HasField("max_ahead"):
        started.max_ahead.CopyFrom(config.max_ahead)
    output = config.output
    wants_portrait = output.HasField("video") or output.blendshapes
    if not wants_portrait and not output.HasField("audio"):
        return None, started
    speech = Speech(stages.tts, stages.limits, config)
    header = await speech.describe(timeout)
    if output.HasField("audio"):
        started.audio.encoding = header.encoding
        started.audio.sample_rate_hertz = header.sample_rate_hertz
    animation: Animation | None = None
    if wants_portrait:
        animation = Animation(stages.animator, stages.limits, config, header, on_idle)
        await animation.create_avatar(timeout)
        started.animation.CopyFrom(await animation.open(sessions, timeout))
        started.avatar_id = animation.avatar_id
        started.notices.extend(animation.notices)
    linear = header.encoding == common_pb2.AUDIO_ENCODING_LINEAR16
    voice = Voice(
        speech=speech,
        bytes_per_second=header.sample_rate_hertz * (2 if linear else 1),
        send_audio=output.HasField("audio"),
        animation=animation,
    )
    return voice, started
