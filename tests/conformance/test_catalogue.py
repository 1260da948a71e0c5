"""The catalogue of metrics: complete, bounded, and named by one rule."""

import re

import pytest

from linly_mesh.telemetry.catalogue import Kind, declared

FAMILIES = declared()
OURS = re.compile(r"linly_talker_[a-z][a-z0-9_]*")
ECOSYSTEM = re.compile(r"(grpc_(server|client)|process|python_gc)_[a-z_]+")
"""Names that others gave, so that their dashboards fit."""
BOUNDED = {
    *("model", "status", "region", "stage", "reason", "kind", "gpu", "generation"),
    *("grpc_type", "grpc_service", "grpc_method", "grpc_code"),
}
"""Labels that take as many values as a deployment has parts, whatever callers send."""
ASKED_FOR = {
    "linly_talker_requests_total",
    "linly_talker_concurrent_sessions",
    "linly_talker_request_latency_seconds",
    "linly_talker_asr_duration_seconds",
    "linly_talker_llm_duration_seconds",
    "linly_talker_tts_duration_seconds",
    "linly_talker_animator_duration_seconds",
    "linly_talker_first_audio_seconds",
    "linly_talker_first_frame_seconds",
    "linly_talker_llm_time_to_first_token_seconds",
    "linly_talker_tts_time_to_first_byte_seconds",
    "linly_talker_interrupt_seconds",
    "linly_talker_av_offset_seconds",
    "linly_talker_overhead_seconds",
    "linly_talker_queue_depth",
    "linly_talker_queue_wait_seconds",
    "linly_talker_batch_size",
    "linly_talker_rejected_total",
    "linly_talker_cancelled_total",
    "linly_talker_face_animator_keypoints_per_frame",
    "linly_talker_gpu_memory_bytes",
    "linly_talker_gpu_memory_reserved_bytes",
    "linly_talker_gpu_memory_total_bytes",
    "linly_talker_gpu_utilization_ratio",
    "linly_talker_gpu_power_watts",
    "linly_talker_gpu_temperature_celsius",
    "linly_talker_memory_allocated_bytes",
    "linly_talker_cpu_usage_percent",
}
UNITS = ("seconds", "bytes", "ratio", "percent", "watts", "celsius", "total")
COUNTS = {
    *("linly_talker_queue_depth", "linly_talker_batch_size", "linly_talker_concurrent_sessions"),
    *("linly_talker_ready", "linly_talker_worker_processes"),
    "linly_talker_face_animator_keypoints_per_frame",
}
"""Of things, and so without a unit."""


def test_what_the_customer_asked_for_is_there():
    assert {family.name for family in FAMILIES} >= ASKED_FOR


def test_no_name_is_declared_twice():
    names = [family.name for family in FAMILIES]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_is_named_and_labelled_by_the_rules(family):
    ours = OURS.fullmatch(family.name)
    assert ours or ECOSYSTEM.fullmatch(family.name)
    assert set(family.labels) <= BOUNDED
    assert (family.kind is Kind.COUNTER) == family.name.endswith("_total")
    assert bool(family.buckets) == (family.kind is Kind.HISTOGRAM)
    assert family.help[0].isupper() or family.help[0].isdigit()
    assert family.help.endswith(".")
    if ours and family.name not in COUNTS and not family.name.endswith("_in_flight"):
        assert family.name.endswith(UNITS)
