"""What is promised: the targets that the report and the dashboards hold figures against.

Times are bounds of the histograms' buckets, since a quantile read from buckets is exact there.
"""

from dataclasses import dataclass

AVAILABILITY = 0.995
"""Share of turns that succeed, of those that nobody cancelled."""
ALERT = 1.0
"""Seconds: where the P95 of a stage is warned of."""


@dataclass(frozen=True, slots=True)
class LatencyObjective:
    """How long one thing may take."""

    name: str
    """For programs: ``first_audio``, ``asr``."""
    title: str
    """For people."""
    family: str
    """The histogram that measures it."""
    p50: float
    """Seconds that half of the requests may take at most."""
    p95: float
    """Seconds that 95 % may take at most."""
    p99: float
    """Seconds that 99 % may take at most."""

    @property
    def targets(self) -> dict[float, float]:
        """Quantile → seconds."""
        return {0.5: self.p50, 0.95: self.p95, 0.99: self.p99}


def _stage(name: str, title: str) -> LatencyObjective:
    return LatencyObjective(name, title, f"linly_talker_{name}_duration_seconds", 0.3, 0.5, 0.75)


FIRST_AUDIO = LatencyObjective(
    "first_audio", "First audio", "linly_talker_first_audio_seconds", 0.8, 1.5, 3.0
)
STAGES = (
    _stage("asr", "Speech recognition"),
    _stage("llm", "Language model"),
    _stage("tts", "Speech synthesis"),
    _stage("animator", "Animator"),
)
LATENCIES = (FIRST_AUDIO, *STAGES)
"""All that the report has a line for, the person's wait first."""
