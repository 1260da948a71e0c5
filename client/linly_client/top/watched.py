"""A frame from what Prometheus has seen: all replicas, and no certificate needed."""

from collections.abc import Sequence

from linly_client.report.prometheus import Prometheus
from linly_client.top.frame import Frame, GpuLine, ServiceLine

_WINDOW = 60.0
_REQUESTS = "linly_talker_requests_total"
_DURATIONS = (
    "linly_talker_(asr|llm|tts|animator)_duration_seconds_bucket|"
    "linly_talker_first_audio_seconds_bucket"
)
_BY_SERVICE = {
    "ready": "min by (job) (linly_talker_ready)",
    "p95": (
        "histogram_quantile(0.95, sum by (le, job) "
        f'(rate({{__name__=~"{_DURATIONS}"}}[{_WINDOW:.0f}s])))'
    ),
    "calls": 'sum by (job) (linly_talker_rpc_server_in_flight{grpc_service=~"linly.+"})',
    "batch": "sum by (job) (linly_talker_batch_size)",
    "queue": "sum by (job) (linly_talker_queue_depth)",
    "rate": f"sum by (job) (rate({_REQUESTS}[{_WINDOW:.0f}s]))",
    "errors": f'sum by (job) (increase({_REQUESTS}{{status="error"}}[{_WINDOW:.0f}s]))',
    "good": f'sum by (job) (increase({_REQUESTS}{{status="success"}}[{_WINDOW:.0f}s]))',
    "cpu": "sum by (job) (linly_talker_cpu_usage_percent)",
    "memory": "sum by (job) (linly_talker_memory_allocated_bytes)",
    "sessions": "sum by (job) (linly_talker_concurrent_sessions)",
    "scraped": "max by (job) (up)",
}
_BY_CARD = (
    "sum by (gpu) (linly_talker_gpu_memory_reserved_bytes)",
    "max by (gpu) (linly_talker_gpu_memory_total_bytes)",
    "max by (gpu) (linly_talker_gpu_utilization_ratio)",
    "max by (gpu) (linly_talker_gpu_power_watts)",
    "max by (gpu) (linly_talker_gpu_temperature_celsius)",
)
"""In the order of the fields of a line."""


async def watched_frame(prometheus: Prometheus, services: Sequence[str], now: float) -> Frame:
    """Asks for a frame of the last minute.

    Raises:
        PrometheusError: it can't be asked, or refuses.
    """
    by = {
        figure: await _values(prometheus, expression, "job", now)
        for figure, expression in _BY_SERVICE.items()
    }
    cards = [await _values(prometheus, expression, "gpu", now) for expression in _BY_CARD]
    talk = "orchestrator"
    good, bad = by["good"].get(talk, 0.0), by["errors"].get(talk, 0.0)
    return Frame(
        seconds=_WINDOW,
        sessions=by["sessions"].get(talk),
        success=good / (good + bad) if good + bad else None,
        first_audio=by["p95"].get(talk),
        services=[_line(name, by) for name in services],
        gpus=[
            GpuLine(gpu, *(figures.get(gpu) for figures in cards))
            for gpu in sorted({gpu for figures in cards for gpu in figures})
        ],
    )


def _line(name: str, by: dict[str, dict[str, float]]) -> ServiceLine:
    scraped = by["scraped"].get(name)
    if not scraped:
        trouble = "Prometheus does not know it" if scraped is None else "Prometheus can't read it"
        return ServiceLine(name, trouble=trouble)
    ready = by["ready"].get(name)
    return ServiceLine(
        name,
        ready=None if ready is None else ready == 1,
        p95=by["p95"].get(name),
        in_flight=by["calls"].get(name),
        batch=by["batch"].get(name),
        queue=by["queue"].get(name),
        rate=by["rate"].get(name),
        errors=by["errors"].get(name),
        cpu=by["cpu"].get(name),
        memory=by["memory"].get(name),
    )


async def _values(
    prometheus: Prometheus, expression: str, label: str, now: float
) -> dict[str, float]:
    """By a label; what is not a number is left out."""
    return {
        series.labels[label]: value
        for series in await prometheus.at(expression, now)
        for value in series.points.values()
        if label in series.labels
    }
