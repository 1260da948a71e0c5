"""What this service measures beside what every stage does."""

from linly_mesh.telemetry import buckets
from linly_mesh.telemetry.catalogue import Audience, Family, Kind
from linly_mesh.telemetry.stage import StageMetrics
from linly_mesh.workload import Workload

STAGE = "asr"
DURATION = Family(
    "linly_talker_asr_duration_seconds",
    Kind.HISTOGRAM,
    Audience.PERFORMANCE,
    "Seconds from the end of an utterance, once it is known, to its final transcript.",
    ("model",),
    buckets.STAGE,
)
FAMILIES = (DURATION,)


def metrics(region: str, workload: Workload) -> StageMetrics:
    """Those of the recogniser."""
    return StageMetrics(STAGE, region, workload, [DURATION])
