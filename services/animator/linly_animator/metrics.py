"""What this service measures beside what every stage does."""

from linly_animator.engine import FrameBatch
from linly_mesh.telemetry import buckets
from linly_mesh.telemetry.catalogue import Audience, Family, Kind
from linly_mesh.telemetry.stage import StageMetrics
from linly_mesh.workload import Workload

STAGE = "animator"
DURATION = Family(
    "linly_talker_animator_duration_seconds",
    Kind.HISTOGRAM,
    Audience.PERFORMANCE,
    "Seconds from the audio of a frame to the frame, for each first frame of a speech.",
    ("model",),
    buckets.STAGE,
)
FRAMES = Family(
    "linly_talker_face_animator_frames_total",
    Kind.COUNTER,
    Audience.PERFORMANCE,
    "Frames that were rendered and encoded, idle ones among them.",
    ("model",),
)
KEYPOINTS = Family(
    "linly_talker_face_animator_keypoints_per_frame",
    Kind.GAUGE,
    Audience.PERFORMANCE,
    "Landmarks of the face that each frame is moved by.",
    ("model",),
)
FAMILIES = (DURATION, FRAMES, KEYPOINTS)


class AnimatorMetrics(StageMetrics):
    """Those of the animator."""

    def __init__(self, region: str, workload: Workload, keypoints: int) -> None:
        """Makes every series exist; ``keypoints`` is the engine's."""
        super().__init__(STAGE, region, workload, [DURATION])
        self._frames = FRAMES.counter(self.registry).labels(model=STAGE)
        self._keypoints = KEYPOINTS.gauge(self.registry).labels(model=STAGE)
        self._keypoints_per_frame = keypoints

    def gave_frames(self, batch: FrameBatch) -> None:
        """Frames have been made."""
        self._frames.inc(len(batch.frames))
        self._keypoints.set(self._keypoints_per_frame)
        self.gave(batch.timing)
