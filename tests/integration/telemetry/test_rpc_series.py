"""Which series there are, whoever calls whatever."""

from contextlib import suppress
from random import Random
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from integration.telemetry.callers import Style, call, settled
from integration.telemetry.echo import KINDS, NAME, SERVICE, Play
from integration.telemetry.truth import world
from prometheus_client import CollectorRegistry, generate_latest

from linly.tts.v1 import tts_pb2, tts_pb2_grpc
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.server import Registration, create_server
from linly_mesh.telemetry.rpc import ClientMetrics, ServerMetrics
from linly_mesh.workload import Workload

OTHER = {"grpc_type": "UNKNOWN", "grpc_service": "other", "grpc_method": "other"}


def series(registry: CollectorRegistry) -> int:
    return sum(len(metric.samples) for metric in registry.collect())


async def test_hostile_method_names_are_one_label(tmp_path):
    random = Random(1)
    async with world(tmp_path, mesh=True) as echo:
        before = series(echo.registry)
        for number in range(300):
            name = "".join(random.choices('abc{}"\\é\n ', k=random.randrange(1, 40)))
            path = random.choice((f"/{name}/{number}", f"/{NAME}/{name}", f"/{NAME}/Unary/{name}"))
            make = random.choice((echo.channel.unary_unary, echo.channel.unary_stream))
            made: Any = make(path)(b"")
            with suppress(grpc.aio.AioRpcError):
                await (made if make == echo.channel.unary_unary else made.read())
            assert await made.code() is grpc.StatusCode.UNIMPLEMENTED
        await settled(echo)
        assert series(echo.registry) == before
        for side in ("server", "client"):
            found = echo.exposed(side)
            assert found["started", "other", ""] == 300
            assert found["handled", "other", "UNIMPLEMENTED"] == 300
            assert found["running", "other", ""] == 0
            sample = echo.registry.get_sample_value(f"grpc_{side}_started_total", OTHER)
            assert sample == 300


async def test_more_calls_make_no_more_series(tmp_path):
    async with world(tmp_path, mesh=True) as echo:
        counts = {series(echo.registry)}
        for method in KINDS:
            for ending in ("ok", "abort", "raise"):
                await call(echo, Play(method, ending=ending), Style())
                counts.add(series(echo.registry))
        assert len(counts) == 1


class Refusal(grpc.aio.ServerInterceptor):
    """Authorization as an interceptor does it: with a handler of its own."""

    def __init__(self, *, raising: bool) -> None:
        self._raising = raising

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        if self._raising:
            raise RuntimeError("no")

        async def refuse(request: Any, context: Any) -> None:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "no")

        return grpc.unary_unary_rpc_method_handler(refuse)


@pytest.mark.parametrize(("raising", "code"), [(False, "PERMISSION_DENIED"), (True, "UNKNOWN")])
async def test_denied_calls_of_every_kind(tmp_path, raising, code):
    registry = CollectorRegistry()
    chain = [ServerMetrics(registry, [SERVICE]), Refusal(raising=raising)]
    server = grpc.aio.server(interceptors=chain)
    server.add_insecure_port(f"unix:{tmp_path}/s")
    await server.start()
    async with open_channel(f"unix:{tmp_path}/s") as channel:
        for method in KINDS:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await channel.unary_unary(f"/{NAME}/{method}")(b"")
            assert caught.value.code().name == code
    await server.stop(None)
    for method, kind in KINDS.items():
        labels = {"grpc_service": NAME, "grpc_method": method}
        labels["grpc_type"] = {
            (False, False): "UNARY",
            (True, False): "CLIENT_STREAMING",
            (False, True): "SERVER_STREAMING",
            (True, True): "BIDI_STREAMING",
        }[kind]
        assert registry.get_sample_value("grpc_server_started_total", labels) == 1
        labels["grpc_code"] = code
        assert registry.get_sample_value("grpc_server_handled_total", labels) == 1


async def test_many_channels_share_one_registry(tmp_path):
    async with world(tmp_path, mesh=True) as echo:
        registry = CollectorRegistry()
        metrics = ClientMetrics(registry, [SERVICE])
        for _ in range(4):
            async with open_channel(f"unix:{tmp_path}/echo", metrics=metrics) as channel:
                method = channel.unary_unary(f"/{NAME}/Unary", StringValue.SerializeToString)
                await method(StringValue(), metadata=echo.stage(Play("Unary")))
        assert generate_latest(registry)  # which refuses duplicates
        labels = {"grpc_type": "UNARY", "grpc_service": NAME, "grpc_method": "Unary"}
        assert registry.get_sample_value("grpc_client_started_total", labels) == 4
        with pytest.raises(ValueError, match="Duplicated timeseries"):
            ClientMetrics(registry, [SERVICE])


async def test_a_server_of_the_mesh(tmp_path):
    registry = CollectorRegistry()
    service = tts_pb2.DESCRIPTOR.services_by_name["TtsService"]
    registration = Registration(
        service, tts_pb2_grpc.TtsServiceServicer(), tts_pb2_grpc.add_TtsServiceServicer_to_server
    )
    metrics = ServerMetrics(registry, [service])
    server = create_server("tts", [registration], workload=Workload(), metrics=metrics)
    server.add_insecure_port(f"unix:{tmp_path}/s")
    await server.start()
    client = ClientMetrics(registry, [service])
    async with open_channel(f"unix:{tmp_path}/s", metrics=client) as channel:
        stub = tts_pb2_grpc.TtsServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.ListVoices(tts_pb2.ListVoicesRequest())
    await server.stop(None)
    labels = {
        "grpc_type": "UNARY",
        "grpc_service": service.full_name,
        "grpc_method": "ListVoices",
        "grpc_code": "INTERNAL",  # what the mesh makes of an exception, and the caller sees
    }
    for side in ("server", "client"):
        assert registry.get_sample_value(f"grpc_{side}_handled_total", labels) == 1
