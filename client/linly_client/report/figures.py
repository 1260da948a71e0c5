"""What a report says, as data; a figure for which there is no data is None, never 0 or 100 %."""

from collections.abc import Sequence
from dataclasses import dataclass

from linly_client.report.objectives import AVAILABILITY, LatencyObjective


@dataclass(frozen=True, slots=True)
class Turns:
    """Turns that ended within a time; None: nobody counted."""

    succeeded: float | None = None
    failed: float | None = None
    cancelled: float | None = None

    @property
    def total(self) -> float | None:
        """All of them."""
        known = [each for each in (self.succeeded, self.failed, self.cancelled) if each is not None]
        return sum(known) if known else None

    @property
    def judged(self) -> float | None:
        """Those that ended by themselves, which alone count for availability."""
        known = [each for each in (self.succeeded, self.failed) if each is not None]
        return sum(known) if known else None

    @property
    def availability(self) -> float | None:
        """Share of them that succeeded; None where there were none."""
        return (self.succeeded or 0.0) / self.judged if self.judged else None

    @property
    def budget_left(self) -> float | None:
        """Share of the failures that the target allows which is left; below 0: overspent."""
        if self.availability is None:
            return None
        return 1 - (1 - self.availability) / (1 - AVAILABILITY)


@dataclass(frozen=True, slots=True)
class Latency:
    """How long one thing took."""

    objective: LatencyObjective
    count: float | None
    """Requests that were timed."""
    quantiles: dict[float, float | None]
    """Quantile → seconds."""

    def met(self, level: float) -> bool | None:
        """Whether a quantile is within its target; None without data."""
        value = self.quantiles[level]
        return None if value is None else value <= self.objective.targets[level]


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour, or the whole period where it is shorter."""

    start: float
    """Seconds since 1970."""
    turns: Turns
    first_audio_p95: float | None
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Course:
    """One line of a plot."""

    name: str
    points: Sequence[tuple[float, float | None]]
    """Seconds since 1970, value."""


@dataclass(frozen=True, slots=True)
class Report:
    """One period."""

    start: float
    """Seconds since 1970."""
    end: float
    """Likewise."""
    observed: float | None
    """Share of the period for which Prometheus has data; None: it has none."""
    turns: Turns
    latencies: Sequence[Latency]
    """The person's wait first, then the stages."""
    worst: Sequence[Hour]
    """The worst first; only such in which there were turns."""
    step: float
    """Seconds between the points of the plots."""
    volume: Sequence[Course]
    """Turns by status in each step."""
    availability: Sequence[Course]
    wait: Sequence[Course]
    """First audio: P50, P95, P99, in seconds."""
    stages: Sequence[Course]
    """P95 of each stage, in seconds."""

    @property
    def verdicts(self) -> list[bool | None]:
        """Each target: met, missed, or without data."""
        available = self.turns.availability
        return [
            None if available is None else available >= AVAILABILITY,
            *(each.met(level) for each in self.latencies for level in each.quantiles),
        ]
