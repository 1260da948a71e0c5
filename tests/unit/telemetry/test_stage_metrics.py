"""What a stage counts of its work, in the definitions of the catalogue."""

import pytest
from prometheus_client import generate_latest

from linly_asr.metrics import metrics as asr_metrics
from linly_llm.engine import Finished, FinishReason
from linly_llm.metrics import LlmMetrics
from linly_mesh.telemetry.stage import StageMetrics
from linly_mesh.timing import Timing
from linly_mesh.workload import Workload
from linly_tts.metrics import metrics as tts_metrics


@pytest.fixture
def workload() -> Workload:
    return Workload()


def read(metrics: StageMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_requests_are_the_units_that_have_ended_by_status(workload):
    metrics = StageMetrics("tts", "eu", workload)
    for end in ("finish", "finish", "fail", "cancel"):
        unit = workload.unit()
        unit.begin()
        getattr(unit, end)()
    ended = {
        status: read(
            metrics, "linly_talker_requests_total", model="tts", status=status, region="eu"
        )
        for status in ("success", "error", "cancelled")
    }
    assert ended == {"success": 2, "error": 1, "cancelled": 1}
    assert read(metrics, "linly_talker_cancelled_total", stage="tts") == 1


def test_what_waits_and_what_is_worked_on_are_told_apart(workload):
    metrics = StageMetrics("llm", "eu", workload)
    workload.unit()
    workload.unit().begin()
    workload.unit().begin()
    assert read(metrics, "linly_talker_queue_depth", model="llm") == 1
    assert read(metrics, "linly_talker_batch_size", model="llm") == 2


def test_every_series_exists_from_the_start(workload):
    page = generate_latest(StageMetrics("asr", "eu", workload).registry).decode()
    for status in ("success", "error", "cancelled"):
        assert f'_requests_total{{model="asr",region="eu",status="{status}"}} 0.0' in page
    assert 'linly_talker_request_latency_seconds_count{model="asr"} 0.0' in page


def test_a_first_output_is_a_latency_and_the_wait_before_it_a_wait(workload):
    metrics = asr_metrics("eu", workload)
    metrics.gave(Timing(queue_wait=0.2, compute=0.3, first_output=0.5))
    for name in ("request_latency", "asr_duration"):
        assert read(metrics, f"linly_talker_{name}_seconds_sum", model="asr") == 0.5
        assert read(metrics, f"linly_talker_{name}_seconds_count", model="asr") == 1
    assert read(metrics, "linly_talker_queue_wait_seconds_sum", model="asr") == 0.2


def test_a_figure_that_does_not_exist_is_not_counted_as_0(workload):
    metrics = asr_metrics("eu", workload)
    metrics.gave(None)
    metrics.gave(Timing(first_output=0.1))
    assert read(metrics, "linly_talker_asr_duration_seconds_count", model="asr") == 1
    assert read(metrics, "linly_talker_queue_wait_seconds_count", model="asr") == 0


def test_speech_is_measured_under_both_of_its_names(workload):
    metrics = tts_metrics("eu", workload)
    metrics.gave(Timing(first_output=0.03))
    for name in ("tts_duration", "tts_time_to_first_byte"):
        assert read(metrics, f"linly_talker_{name}_seconds_sum", model="tts") == 0.03


def test_tokens_are_counted_by_kind(workload):
    metrics = LlmMetrics("eu", workload)
    metrics.finished(Finished(FinishReason.STOP, 20, 7, 1.0))
    metrics.finished(Finished(FinishReason.LENGTH, 10, 3, 1.0))
    name = "linly_talker_llm_tokens_total"
    assert read(metrics, name, model="llm", kind="prompt") == 30
    assert read(metrics, name, model="llm", kind="completion") == 10


def test_a_call_that_was_turned_away_is_counted_by_its_reason(workload):
    metrics = StageMetrics("tts", "eu", workload)
    metrics.rejected("TOO_MANY_STREAMS")
    metrics.rejected("TOO_MANY_STREAMS")
    name = "linly_talker_rejected_total"
    assert read(metrics, name, model="tts", reason="TOO_MANY_STREAMS") == 2
