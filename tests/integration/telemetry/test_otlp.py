"""Spans of a real process reach a collector, in the trace that its caller brought."""

import asyncio
import os
import signal
import sys

import grpc
from opentelemetry.proto.collector.trace.v1 import (
    trace_service_pb2,
    trace_service_pb2_grpc,
)

from linly.tts.v1 import tts_pb2, tts_pb2_grpc
from linly_mesh.rpc.channel import open_channel

TRACE = "0af7651916cd43dd8448eb211c80319c"
SECRET = "Nobody but the listener is to know."


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps what it is sent."""

    def __init__(self):
        self.received = []

    async def Export(self, request, context):
        self.received += request.resource_spans
        return trace_service_pb2.ExportTraceServiceResponse()


async def speak(address: str) -> None:
    requests = [
        tts_pb2.StreamingSynthesizeRequest(config=tts_pb2.SynthesisConfig()),
        tts_pb2.StreamingSynthesizeRequest(text=tts_pb2.TextInput(text=SECRET)),
    ]
    brought = (("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"),)
    async with open_channel(address) as channel:
        stub = tts_pb2_grpc.TtsServiceStub(channel)
        async for _ in stub.StreamingSynthesize(
            iter(requests), metadata=brought, wait_for_ready=True, timeout=30
        ):
            pass


async def test_a_process_sends_its_spans_to_the_collector_and_no_text(tmp_path):
    collector = Collector()
    server = grpc.aio.server()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    address = f"unix:{tmp_path}/tts.sock"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "linly_tts",
        env={
            **os.environ,
            "TTS_LISTEN": address,
            "TTS_METRICS_LISTEN": "",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        },
    )
    try:
        await speak(address)
        process.send_signal(signal.SIGTERM)  # what was not sent yet is sent at the end
        assert await asyncio.wait_for(process.wait(), 20) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await server.stop(0)
    [resource] = collector.received
    attributes = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert attributes["service.name"] == "tts"
    spans = [span for scope in resource.scope_spans for span in scope.spans]
    assert {(span.name, span.trace_id.hex()) for span in spans} == {
        ("linly.tts.v1.TtsService/StreamingSynthesize", TRACE)
    }
    assert SECRET.encode() not in resource.SerializeToString()
