"""What the orchestrator measures of talks, from the events that leave it."""

import pytest
from google.rpc.status_pb2 import Status

from linly.talk.v1 import talk_pb2
from linly_mesh.rpc.convert import to_duration
from linly_mesh.workload import Workload
from linly_orchestrator.metrics import TalkMetrics

FIGURES = {
    "first_audio": 0.7,
    "first_frame": 0.75,
    "endpointing": 0.48,
    "overhead": 0.005,
    "av_offset": 0.03,
}


@pytest.fixture
def metrics() -> TalkMetrics:
    return TalkMetrics("eu", Workload())


def ended(code: int = 0, **figures: float) -> talk_pb2.ConverseResponse:
    metrics = talk_pb2.TurnMetrics(frames_dropped=2)
    for name, seconds in figures.items():
        getattr(metrics, name).CopyFrom(to_duration(seconds))
    turn = talk_pb2.TurnEnded(status=Status(code=code), metrics=metrics)
    return talk_pb2.ConverseResponse(turn_ended=turn)


def read(metrics: TalkMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"linly_talker_{name}", labels)


def test_a_turn_is_measured_by_what_its_client_is_told(metrics):
    metrics.left(ended(**FIGURES))
    for name, seconds in FIGURES.items():
        assert read(metrics, f"{name}_seconds_sum") == pytest.approx(seconds)
        assert read(metrics, f"{name}_seconds_count") == 1
    assert read(metrics, "request_latency_seconds_sum", model="talk") == pytest.approx(0.7)
    assert read(metrics, "frames_dropped_total") == 2


def test_a_turn_that_failed_is_no_latency(metrics):
    metrics.left(ended(code=14, **FIGURES))
    for name in FIGURES:
        assert read(metrics, f"{name}_seconds_count") == 0


def test_an_interruption_is_measured_although_its_turn_did_not_succeed(metrics):
    metrics.left(ended(code=1, interrupt=0.004))
    assert read(metrics, "interrupt_seconds_sum") == pytest.approx(0.004)


def test_what_a_turn_did_not_have_is_not_counted_as_0(metrics):
    metrics.left(ended(first_audio=0.3))
    assert read(metrics, "first_frame_seconds_count") == 0


def test_events_in_the_middle_of_a_turn_are_passed_over(metrics):
    metrics.left(talk_pb2.ConverseResponse(audio=talk_pb2.SpeechAudio()))
    assert read(metrics, "first_audio_seconds_count") == 0


def test_open_talks_are_those_of_the_region(metrics):
    metrics.sessions.set(3)
    assert read(metrics, "concurrent_sessions", region="eu") == 3
