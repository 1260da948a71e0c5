"""What this service measures beside what every stage does."""

from linly_mesh.telemetry import buckets
from linly_mesh.telemetry.catalogue import Audience, Family, Kind
from linly_mesh.telemetry.stage import StageMetrics
from linly_mesh.workload import Workload

STAGE = "tts"
DURATION = Family(
    "linly_talker_tts_duration_seconds",
    Kind.HISTOGRAM,
    Audience.PERFORMANCE,
    "Seconds from a clause's last word, or from its turn in its stream if that is later, to its "
    "first audio.",
    ("model",),
    buckets.STAGE,
)
TIME_TO_FIRST_BYTE = Family(
    "linly_talker_tts_time_to_first_byte_seconds",
    Kind.HISTOGRAM,
    Audience.PERFORMANCE,
    "The same under the name that speech synthesis is compared by.",
    ("model",),
    buckets.STAGE,
)
FAMILIES = (DURATION, TIME_TO_FIRST_BYTE)


def metrics(region: str, workload: Workload) -> StageMetrics:
    """Those of the voice."""
    return StageMetrics(STAGE, region, workload, FAMILIES)
