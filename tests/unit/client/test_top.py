"""The live view says what lies between two pages, and nothing that is not there."""

import io
import math

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from rich.console import Console

from linly_client.top.frame import Frame
from linly_client.top.pages import Page, Span, quantile
from linly_client.top.view import view

SERVICES = ("asr", "llm", "tts", "animator", "orchestrator")
UP = dict.fromkeys(SERVICES, "")
NOTHING = Page(0.0, {})


class Service:
    """Shows what it is told to have measured."""

    def __init__(self, name: str, started: float = 100.0) -> None:
        self._model = "talk" if name == "orchestrator" else name
        registry = self._registry = CollectorRegistry()
        family = "first_audio" if name == "orchestrator" else f"{name}_duration"
        self._times = Histogram(
            f"linly_talker_{family}_seconds", "-", buckets=(0.1, 0.5, 1.0), registry=registry
        )
        self._requests = Counter(
            "linly_talker_requests", "-", ("model", "status", "region"), registry=registry
        )
        Gauge("process_start_time_seconds", "-", registry=registry).set(started)
        for status in ("success", "error", "cancelled"):
            self._requests.labels(self._model, status, "local")

    def gauge(self, name: str, value: float, **labels: str) -> "Service":
        gauge = Gauge(f"linly_talker_{name}", "-", tuple(labels), registry=self._registry)
        (gauge.labels(**labels) if labels else gauge).set(value)
        return self

    def took(self, *seconds: float) -> "Service":
        for each in seconds:
            self._times.observe(each)
            self._requests.labels(self._model, "success", "local").inc()
        return self

    def failed(self, number: int = 1) -> "Service":
        self._requests.labels(self._model, "error", "local").inc(number)
        return self

    def page(self, time: float) -> Page:
        return Page.parse(generate_latest(self._registry).decode(), time)


def shown(frame: Frame) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    console.print(view(frame))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("level", "buckets", "expected"),
    [
        (0.5, {0.1: 0, 0.5: 10, 1.0: 10, math.inf: 10}, 0.3),
        (0.95, {0.1: 0, 0.5: 10, 1.0: 10, math.inf: 10}, 0.48),
        (0.5, {0.1: 4, 0.5: 4, 1.0: 8, math.inf: 8}, 0.1),
        (0.25, {0.1: 4, 0.5: 8, math.inf: 8}, 0.05),
        (0.95, {0.1: 0, 0.5: 1, math.inf: 10}, 0.5),
        (0.95, {0.1: 0, 0.5: 0, math.inf: 0}, None),
        (0.95, {math.inf: 3}, None),
        (0.95, {}, None),
    ],
)
def test_a_quantile_is_what_prometheus_says(level, buckets, expected):
    found = quantile(level, buckets)
    assert found == expected if expected is None else found == pytest.approx(expected)


def test_only_what_lies_between_two_pages_counts():
    service = Service("llm").took(0.05, 0.05).failed()
    before = service.page(110.0)
    after = service.took(0.3, 0.3, 0.3, 0.3).failed(2).page(120.0)
    span = Span(before, after)
    assert span.seconds == 10
    assert span.quantile(0.5, "linly_talker_llm_duration_seconds") == pytest.approx(0.3)
    assert span.rate("linly_talker_requests_total") == pytest.approx(0.6)
    assert span.increase("linly_talker_requests_total", status="error") == 2


def test_a_service_that_was_started_anew_is_compared_with_its_own_start():
    before = Service("llm").took(*[0.3] * 50).page(110.0)
    after = Service("llm", started=115.0).took(0.05).page(120.0)
    span = Span(before, after)
    assert span.seconds == 5
    assert span.increase("linly_talker_requests_total") == 1


def test_without_an_earlier_page_it_is_compared_with_its_start():
    span = Span(None, Service("llm", started=100.0).took(0.05, 0.05).page(150.0))
    assert span.seconds == 50
    assert span.rate("linly_talker_requests_total") == pytest.approx(0.04)


def test_two_pages_of_the_same_moment_have_no_rate():
    page = Service("llm").took(0.05).page(150.0)
    assert Span(page, page).rate("linly_talker_requests_total") is None


def test_what_is_not_on_a_page_is_not_0():
    assert Span(None, NOTHING).increase("linly_talker_requests_total") is None
    assert NOTHING.total("linly_talker_queue_depth") is None


def test_labels_choose():
    service = Service("llm")
    service.gauge("rpc_server_in_flight", 3, grpc_service="linly.llm.v1.LlmService")
    page = service.page(110.0)
    assert page.total("linly_talker_rpc_server_in_flight", grpc_service="linly.*") == 3
    assert page.total("linly_talker_rpc_server_in_flight", grpc_service="grpc.*") is None


def test_a_frame_of_a_mesh_at_work():
    pages = {name: Service(name).gauge("ready", 1).page(150.0) for name in SERVICES}
    llm = Service("llm").gauge("ready", 1).gauge("queue_depth", 4, model="llm").took(*[2.0] * 5)
    llm.gauge("batch_size", 8, model="llm").gauge("cpu_usage_percent", 187.4, model="llm")
    llm.gauge("memory_allocated_bytes", 1.5 * 2**30, model="llm").failed()
    talk = Service("orchestrator").gauge("concurrent_sessions", 12, region="local")
    talk.took(0.3, 0.3, 0.3).failed()
    pages |= {"llm": llm.page(150.0), "orchestrator": talk.gauge("ready", 0).page(150.0)}
    lines = shown(Frame.between(None, pages, UP))
    assert lines[0] == "talks open 12   success 75.0 %   first audio P95 480 ms"
    cells = {line.split()[0]: line.split()[1:] for line in lines[3:8]}
    assert " ".join(cells["llm"]) == "yes 1.00 s – 8 4 0.12 1 187% 1.5G"
    assert " ".join(cells["asr"]) == "yes – – – – 0.00 0 – –"
    assert cells["orchestrator"][:3] == ["no", "480", "ms"]
    assert lines[-1] == (
        "P95, req/s, errors: since the services started; orchestrator's P95: first audio"
    )


def test_a_service_that_cannot_be_read_is_down_and_says_why():
    page = Service("asr").gauge("ready", 1).page(150.0)
    frame = Frame.between({}, {"asr": page}, {"asr": "", "llm": "does not run"})
    lines = shown(frame)
    assert lines[0] == "talks open –   success –   first audio P95 –"
    assert lines[4].split() == ["llm", "down", *["–"] * 8]
    assert "llm: does not run" in lines


def test_a_card_that_several_services_show_is_one_line():
    pages = {}
    for name, taken in (("llm", 6), ("tts", 2)):
        service = Service(name).gauge("gpu_utilization_ratio", 0.83, gpu="GPU-1")
        service.gauge("gpu_memory_reserved_bytes", taken * 2**30, model=name, gpu="GPU-1")
        service.gauge("gpu_memory_total_bytes", 80 * 2**30, gpu="GPU-1")
        service.gauge("gpu_power_watts", 312.4, gpu="GPU-1")
        service.gauge("gpu_temperature_celsius", 61, gpu="GPU-1")
        pages[name] = service.page(150.0)
    lines = shown(Frame.between(None, pages, dict.fromkeys(pages, "")))
    [card] = [line for line in lines if line.startswith("GPU")]
    assert card == "GPU-1  83% busy  8.0G ours  80.0G total  312 W  61 °C"


def test_without_a_card_there_is_no_line_for_one():
    pages = {"llm": Service("llm").page(150.0)}
    assert not [line for line in shown(Frame.between(None, pages, {"llm": ""})) if "GPU" in line]


def test_the_widest_frame_fits_80_columns():
    pages = {}
    for name in SERVICES:
        service = Service(name).gauge("ready", 0).took(*[0.9] * 100).failed(9999)
        service.gauge("rpc_server_in_flight", 999, grpc_service="linly.x")
        service.gauge("batch_size", 999).gauge("queue_depth", 9999)
        service.gauge("cpu_usage_percent", 1600).gauge("memory_allocated_bytes", 1000 * 2**20)
        service.gauge("concurrent_sessions", 9999)
        service.gauge("gpu_power_watts", 700, gpu="GPU-0123456789-0123456789")
        pages[name] = service.page(101.0)
    for line in shown(Frame.between(None, pages, UP)):
        assert len(line) <= 80
        assert "…" not in line
