"""One trace per turn through every hop, made only where somebody collects it."""

import json
import logging

import pytest
from integration.orchestrator.conftest import Request, TalkCall, build, house, talk_config
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.openmetrics.exposition import generate_latest

import linly_mesh.telemetry.tracing
import linly_orchestrator.tracing
from linly_mesh.errors import ConfigurationError
from linly_mesh.rpc.duplex import open_duplex
from linly_mesh.telemetry.logs import CallLog, JsonFormatter
from linly_mesh.telemetry.tracing import ClientTracing, ServerTracing, configure_tracing

__all__ = ["build", "house"]  # fixtures
CALLERS_TRACE = "0af7651916cd43dd8448eb211c80319c"
BROUGHT = (("traceparent", f"00-{CALLERS_TRACE}-b7ad6b7169203331-01"),)
LISTENERS = ([ServerTracing(), CallLog()], [ClientTracing()])


@pytest.fixture
def spans(monkeypatch):
    """Those that are made; not by the global provider, which can be set once in a process."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    for module in (linly_mesh.telemetry.tracing, linly_orchestrator.tracing):
        monkeypatch.setattr(module, "_tracer", provider.get_tracer("test"))
    return exporter.get_finished_spans


async def turn(house, *, metadata=(), turns=1) -> None:
    async with open_duplex(house.stub.Converse, metadata=metadata) as call:
        await call.write(Request(config=talk_config()))
        talk = TalkCall(call)
        for _ in range(turns):
            await talk.text("a secret question")
            await talk.until("turn_ended")
        await talk.end()
        await talk.rest()


def trace_id(span) -> str:
    return trace.format_trace_id(span.context.trace_id)


def named(spans, name: str) -> list:
    return [span for span in spans() if span.name == name]


async def test_each_turn_is_a_trace_of_its_own_that_is_linked_to_the_talk(build, spans):
    house = await build(LISTENERS)
    await turn(house, turns=2)
    first, second = named(spans, "turn")
    (talk,) = named(spans, "linly.talk.v1.TalkService/Converse")
    assert len({trace_id(first), trace_id(second), trace_id(talk)}) == 3
    assert [link.context.span_id for link in first.links] == [talk.context.span_id]


async def test_calls_and_stages_of_a_turn_belong_to_its_trace(build, spans):
    house = await build(LISTENERS)
    await turn(house)
    (one,) = named(spans, "turn")
    for name in ("linly.llm.v1.LlmService/Generate", "llm", "tts"):
        (span,) = named(spans, name)
        assert trace_id(span) == trace_id(one), name
        assert one.start_time <= span.end_time <= one.end_time + 10**7


async def test_the_stage_is_told_of_the_trace(build, spans):
    house = await build(LISTENERS)
    await turn(house)
    (generate,) = named(spans, "linly.llm.v1.LlmService/Generate")
    told = house.llm.metadata[0]["traceparent"].split("-")
    assert told[1] == trace_id(generate)
    assert told[2] == trace.format_span_id(generate.context.span_id)


async def test_a_caller_that_brings_a_trace_finds_its_turns_in_it(build, spans):
    house = await build(LISTENERS)
    await turn(house, metadata=BROUGHT)
    assert {trace_id(span) for span in spans()} == {CALLERS_TRACE}
    assert house.llm.metadata[0]["traceparent"].startswith(f"00-{CALLERS_TRACE}-")


async def test_without_a_collector_a_callers_trace_is_passed_on_all_the_same(build):
    house = await build(LISTENERS)
    await turn(house, metadata=BROUGHT)
    assert house.llm.metadata[0]["traceparent"].startswith(f"00-{CALLERS_TRACE}-")


async def test_without_a_collector_nothing_is_made(build):
    house = await build(LISTENERS)
    await turn(house)
    assert "traceparent" not in house.llm.metadata[0]


async def test_latencies_name_a_trace_as_their_example(build, spans):
    house = await build(LISTENERS)
    await turn(house, metadata=BROUGHT)
    page = generate_latest(house.metrics.registry).decode()
    examples = [line for line in page.splitlines() if CALLERS_TRACE in line]
    assert any(line.startswith("grpc_server_handling_seconds_bucket") for line in examples)
    assert any("request_latency_seconds_bucket" in line for line in examples)


async def test_logs_name_turn_code_and_trace_and_nothing_that_was_said(build, spans, caplog):
    caplog.set_level(logging.INFO)
    house = await build(LISTENERS)
    await turn(house, metadata=BROUGHT)
    lines = [json.loads(JsonFormatter("talk").format(record)) for record in caplog.records]
    (ended,) = (line for line in lines if line["message"] == "turn ended")
    assert (ended["turn"], ended["code"], ended["trace_id"]) == ("t1", "OK", CALLERS_TRACE)
    calls = [line for line in lines if line["message"] == "call ended"]
    assert {(call["method"], call["code"]) for call in calls} == {("Converse", "OK")}
    assert "secret" not in json.dumps(lines)
    assert "Hello" not in json.dumps(lines)  # the reply


def test_an_exporter_that_is_not_installed_is_said(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
    name = "opentelemetry.exporter.otlp.proto.grpc.trace_exporter"
    monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(ConfigurationError, match=r"linly-mesh\[otlp\]"):
        configure_tracing("tts")
