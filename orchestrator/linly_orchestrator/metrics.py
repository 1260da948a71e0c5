"""What the orchestrator measures of talks, from the events that leave it."""

from prometheus_client import Gauge, Histogram

from linly.talk.v1 import talk_pb2
from linly_mesh.rpc.convert import to_seconds
from linly_mesh.telemetry import buckets
from linly_mesh.telemetry.catalogue import Audience, Family, Kind
from linly_mesh.telemetry.stage import StageMetrics
from linly_mesh.timing import Timing
from linly_mesh.workload import Workload

STAGE = "talk"
SESSIONS = Family(
    "linly_talker_concurrent_sessions",
    Kind.GAUGE,
    Audience.BUSINESS,
    "Talks that are open.",
    ("region",),
)
FIRST_AUDIO = Family(
    "linly_talker_first_audio_seconds",
    Kind.HISTOGRAM,
    Audience.PERFORMANCE,
    "Seconds from the end of the person's input to the first audio out, endpointing included.",
    buckets=buckets.LATENCY,
)
FIRST_FRAME = Family(
    "linly_talker_first_frame_seconds",
    Kind.HISTOGRAM,
    Audience.PERFORMANCE,
    "Seconds from the end of the person's input to the first frame out.",
    buckets=buckets.LATENCY,
)
ENDPOINTING = Family(
    "linly_talker_endpointing_seconds",
    Kind.HISTOGRAM,
    Audience.PERFORMANCE,
    "Seconds of silence that were waited for to be sure that the person had finished.",
    buckets=buckets.LATENCY,
)
OVERHEAD = Family(
    "linly_talker_overhead_seconds",
    Kind.HISTOGRAM,
    Audience.PERFORMANCE,
    "What remains of the time to first audio without endpointing and the stages' own times.",
    buckets=buckets.OWN,
)
INTERRUPT = Family(
    "linly_talker_interrupt_seconds",
    Kind.HISTOGRAM,
    Audience.PERFORMANCE,
    "Seconds from an interruption to the event that tells the client of it.",
    buckets=buckets.OWN,
)
AV_OFFSET = Family(
    "linly_talker_av_offset_seconds",
    Kind.HISTOGRAM,
    Audience.PERFORMANCE,
    "The latest that a frame of a turn went out after its audio was to be played.",
    buckets=buckets.OWN,
)
FRAMES_DROPPED = Family(
    "linly_talker_frames_dropped_total",
    Kind.COUNTER,
    Audience.PERFORMANCE,
    "Frames that were left out because they would have been late.",
)
FAMILIES = (
    SESSIONS,
    FIRST_AUDIO,
    FIRST_FRAME,
    ENDPOINTING,
    OVERHEAD,
    INTERRUPT,
    AV_OFFSET,
    FRAMES_DROPPED,
)
_SUCCESSFUL = {
    "first_audio": FIRST_AUDIO,
    "first_frame": FIRST_FRAME,
    "endpointing": ENDPOINTING,
    "overhead": OVERHEAD,
    "av_offset": AV_OFFSET,
}
"""Field of TurnMetrics → histogram that takes it when the turn has succeeded."""


class TalkMetrics(StageMetrics):
    """Watches the events of all talks. Figures are those that the client is told as well."""

    def __init__(self, region: str, workload: Workload) -> None:
        """Makes every series exist."""
        super().__init__(STAGE, region, workload)
        self.sessions: Gauge = SESSIONS.gauge(self.registry).labels(region=region)
        """Talks that are open."""
        self._histograms: dict[str, Histogram] = {
            field: family.histogram(self.registry) for field, family in _SUCCESSFUL.items()
        }
        self._interrupt = INTERRUPT.histogram(self.registry)
        self._frames_dropped = FRAMES_DROPPED.counter(self.registry)

    def left(self, event: talk_pb2.ConverseResponse) -> None:
        """An event has been sent to the client."""
        if event.HasField("turn_ended"):
            self._turn_ended(event.turn_ended)

    def _turn_ended(self, ended: talk_pb2.TurnEnded) -> None:
        figures = ended.metrics
        self._frames_dropped.inc(figures.frames_dropped)
        if figures.HasField("interrupt"):
            self._interrupt.observe(to_seconds(figures.interrupt))
        if ended.status.code:
            return
        for field, histogram in self._histograms.items():
            if figures.HasField(field):
                histogram.observe(to_seconds(getattr(figures, field)))
        if figures.HasField("first_audio"):
            self.gave(Timing(first_output=to_seconds(figures.first_audio)))
