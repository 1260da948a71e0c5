"""What all pages say together: one frame of the view."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from linly_client.report.objectives import FIRST_AUDIO, STAGES
from linly_client.top.pages import Page, Span

_TALK = "orchestrator"
_DURATIONS = {stage.name: stage.family for stage in STAGES} | {_TALK: FIRST_AUDIO.family}
_REQUESTS = "linly_talker_requests_total"
_GPU = "linly_talker_gpu_"
_TAKEN = "memory_reserved_bytes"
_OF_THE_CARD = ("memory_total_bytes", "utilization_ratio", "power_watts", "temperature_celsius")
"""In the order of the fields of a line."""


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """One service; what it does not show is None."""

    name: str
    trouble: str = ""
    """Why its page could not be read; then there is nothing else."""
    ready: bool | None = None
    p95: float | None = None
    """Seconds: of a stage its duration, of the orchestrator the time to first audio."""
    in_flight: float | None = None
    """RPCs that are open."""
    batch: float | None = None
    """Requests that are worked on."""
    queue: float | None = None
    """Requests that wait."""
    rate: float | None = None
    """Requests that ended per second."""
    errors: float | None = None
    """Requests that failed."""
    cpu: float | None = None
    """Percent of one core."""
    memory: float | None = None
    """Bytes."""


@dataclass(frozen=True, slots=True)
class GpuLine:
    """One card."""

    name: str
    taken: float | None
    """Bytes that the services have taken."""
    total: float | None
    """Bytes."""
    utilization: float | None
    """0 to 1."""
    power: float | None
    """Watts."""
    temperature: float | None
    """Degrees Celsius."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A moment."""

    seconds: float | None
    """How far back rates, errors and quantiles go; None: to the start of each service."""
    sessions: float | None
    success: float | None
    """Share of the turns that ended by themselves; None: there were none."""
    first_audio: float | None
    """P95 in seconds."""
    services: Sequence[ServiceLine]
    gpus: Sequence[GpuLine]

    @classmethod
    def between(
        cls,
        before: Mapping[str, Page] | None,
        after: Mapping[str, Page],
        trouble: Mapping[str, str],
    ) -> Self:
        """What has happened between two rounds.

        Args:
            before: pages by service; None: compare with the start of each service.
            after: likewise.
            trouble: why a service's page is missing, in the order of the lines.
        """
        spans = {
            name: Span(None if before is None else before.get(name), page)
            for name, page in after.items()
        }
        talk = spans.get(_TALK)
        return cls(
            seconds=None if before is None else max((s.seconds for s in spans.values()), default=0),
            sessions=after[_TALK].total("linly_talker_concurrent_sessions") if talk else None,
            success=_success(talk) if talk else None,
            first_audio=talk.quantile(0.95, FIRST_AUDIO.family) if talk else None,
            services=[
                _line(name, after[name], spans[name])
                if name in after
                else ServiceLine(name, trouble=why)
                for name, why in trouble.items()
            ],
            gpus=_gpus(after.values()),
        )


def _success(talk: Span) -> float | None:
    good = talk.increase(_REQUESTS, status="success") or 0.0
    ended = good + (talk.increase(_REQUESTS, status="error") or 0.0)
    return good / ended if ended else None


def _line(name: str, page: Page, span: Span) -> ServiceLine:
    ready = page.total("linly_talker_ready")
    return ServiceLine(
        name,
        ready=None if ready is None else ready == 1,
        p95=span.quantile(0.95, _DURATIONS[name]),
        in_flight=page.total("linly_talker_rpc_server_in_flight", grpc_service="linly.*"),
        batch=page.total("linly_talker_batch_size"),
        queue=page.total("linly_talker_queue_depth"),
        rate=span.rate(_REQUESTS),
        errors=span.increase(_REQUESTS, status="error"),
        cpu=page.total("linly_talker_cpu_usage_percent"),
        memory=page.total("linly_talker_memory_allocated_bytes"),
    )


def _gpus(pages: Iterable[Page]) -> list[GpuLine]:
    """Each card once, though every service shows it; memory is that of all services."""
    cards: dict[str, dict[str, float]] = {}
    for page in pages:
        for figure in _OF_THE_CARD:
            for gpu, value in page.by(_GPU + figure, "gpu").items():
                cards.setdefault(gpu, {})[figure] = value
        for gpu, value in page.by(_GPU + _TAKEN, "gpu").items():
            card = cards.setdefault(gpu, {})
            card[_TAKEN] = card.get(_TAKEN, 0.0) + value
    return [
        GpuLine(gpu, card.get(_TAKEN), *(card.get(figure) for figure in _OF_THE_CARD))
        for gpu, card in sorted(cards.items())
    ]
