"""Seconds to protobuf and back."""

from google.protobuf.duration_pb2 import Duration

from linly.common.v1 import common_pb2
from linly_mesh.timing import Timing


def to_duration(seconds: float) -> Duration:
    """Seconds as a Duration, to the nanosecond."""
    nanos = round(seconds * 1e9)
    duration = Duration()
    duration.FromNanoseconds(nanos)
    return duration


def to_seconds(duration: Duration) -> float:
    """A Duration as seconds."""
    return duration.seconds + duration.nanos / 1e9


def stage_timing(timing: Timing) -> common_pb2.StageTiming:
    """A Timing as its message; what is None stays unset."""
    message = common_pb2.StageTiming()
    for name in ("queue_wait", "compute", "first_output"):
        value = getattr(timing, name)
        if value is not None:
            getattr(message, name).CopyFrom(to_duration(value))
    return message
