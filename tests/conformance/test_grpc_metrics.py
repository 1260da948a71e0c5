"""Our RPC metrics beside those of py-grpc-prometheus 0.8.0, driven with the same calls.

py-grpc-prometheus gives the names by which dashboards know RPCs, and is made for gRPC's threaded
API alone. Where its numbers are wrong, ours differ; every such difference is listed here.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from integration.telemetry.echo import NAME, SERVICE
from prometheus_client import CollectorRegistry
from py_grpc_prometheus.prometheus_client_interceptor import PromClientInterceptor
from py_grpc_prometheus.prometheus_server_interceptor import PromServerInterceptor

from linly_mesh.rpc.channel import open_channel
from linly_mesh.telemetry.rpc import FAMILIES, ClientMetrics, ServerMetrics

LEGACY = {
    "grpc_client_completed",
    "grpc_client_completed_latency_seconds",
    "grpc_server_handled_latency_seconds",
}
"""Registered by py-grpc-prometheus whether or not they are wanted, and always empty then."""
PER_MESSAGE = {"grpc_client_msg_recv_handling_seconds", "grpc_client_msg_send_handling_seconds"}
"""Named for messages, but they hold the time to create a call; ours is the message gap."""
BUCKETS_OF_OURS = {"0.001", "0.0025", "30.0", "60.0", "300.0", "1800.0"}
"""Beyond those of the ecosystem."""

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]

CALLS = ("ok", "ok", "ABORTED", "NOT_FOUND", "set", "raise")


def code_of(wanted: str) -> grpc.StatusCode:
    return grpc.StatusCode[wanted] if wanted.isupper() else grpc.StatusCode.UNAVAILABLE


def answer(request: StringValue, context: Any) -> StringValue:
    match request.value:
        case "ok":
            pass
        case "set":
            context.set_code(code_of("set"))
        case "raise":
            raise RuntimeError("as told")
        case code:
            context.abort(code_of(code), "as told")
    return StringValue()


def three(request: StringValue, context: Any) -> Iterator[StringValue]:
    yield from [StringValue()] * 3


async def answer_async(request: StringValue, context: Any) -> StringValue:
    match request.value:
        case "ok":
            pass
        case "set":
            context.set_code(code_of("set"))
        case "raise":
            raise RuntimeError("as told")
        case code:
            await context.abort(code_of(code), "as told")
    return StringValue()


async def three_async(request: StringValue, context: Any) -> Any:
    for _ in range(3):
        yield StringValue()


def service(unary: Any, stream: Any) -> grpc.GenericRpcHandler:
    codec = StringValue.FromString, StringValue.SerializeToString
    return grpc.method_handlers_generic_handler(
        NAME,
        {
            "Unary": grpc.unary_unary_rpc_method_handler(unary, *codec),
            "ListYielding": grpc.unary_stream_rpc_method_handler(stream, *codec),
        },
    )


def stubs(channel: Any) -> tuple[Any, Any]:
    codec = StringValue.SerializeToString, StringValue.FromString
    return (
        channel.unary_unary(f"/{NAME}/Unary", *codec),
        channel.unary_stream(f"/{NAME}/ListYielding", *codec),
    )


@pytest.fixture
def theirs(tmp_path) -> CollectorRegistry:
    registry = CollectorRegistry()
    interceptor = PromServerInterceptor(enable_handling_time_histogram=True, registry=registry)
    server = grpc.server(ThreadPoolExecutor(4), interceptors=[interceptor])
    server.add_generic_rpc_handlers((service(answer, three),))
    address = f"unix:{tmp_path}/theirs"
    server.add_insecure_port(address)
    server.start()
    client = PromClientInterceptor(enable_client_handling_time_histogram=True, registry=registry)
    with grpc.intercept_channel(grpc.insecure_channel(address), client) as channel:
        unary, stream = stubs(channel)
        for wanted in CALLS:
            with suppress(grpc.RpcError):
                unary(StringValue(value=wanted))
        assert len(list(stream(StringValue()))) == 3
    server.stop(None).wait()
    return registry


@pytest.fixture
async def ours(tmp_path) -> CollectorRegistry:
    registry = CollectorRegistry()
    server = grpc.aio.server(interceptors=[ServerMetrics(registry, [SERVICE])])
    server.add_generic_rpc_handlers((service(answer_async, three_async),))
    address = f"unix:{tmp_path}/ours"
    server.add_insecure_port(address)
    await server.start()
    async with open_channel(address, metrics=ClientMetrics(registry, [SERVICE])) as channel:
        unary, stream = stubs(channel)
        for wanted in CALLS:
            with suppress(grpc.RpcError):
                await unary(StringValue(value=wanted))
        assert len([response async for response in stream(StringValue())]) == 3
    await server.stop(None)
    return registry


def samples(registry: CollectorRegistry, method: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.labels.get("grpc_method") == method
        and not sample.name.endswith(("_created", "_sum"))
        and sample.labels.get("le") not in BUCKETS_OF_OURS
    }


def kinds(registry: CollectorRegistry) -> dict[str, str]:
    return {metric.name: metric.type for metric in registry.collect()}


def test_names_and_types(theirs, ours):
    found = {name: kind for name, kind in kinds(ours).items() if name.startswith("grpc_")}
    wanted = kinds(theirs)
    assert set(wanted) - set(found) == LEGACY | PER_MESSAGE
    assert found == {name: kind for name, kind in wanted.items() if name in found}
    assert len(found) == 10


def test_what_is_only_ours_says_so(ours):
    others = {name for name in kinds(ours) if not name.startswith("grpc_")}
    assert all(name.startswith("linly_talker_rpc_") for name in others)
    declared = {family.name.removesuffix("_total") for family in FAMILIES}
    assert set(kinds(ours)) == declared


def test_label_names(theirs, ours):
    def labels(registry: CollectorRegistry) -> dict[str, set[str]]:
        return {
            sample.name: set(sample.labels)
            for metric in registry.collect()
            for sample in metric.samples
            if not sample.name.endswith("_created")
        }

    wanted, found = labels(theirs), labels(ours)
    assert {name: found[name] for name in wanted} == wanted


def test_unary_values(theirs, ours):
    wanted, found = samples(theirs, "Unary"), samples(ours, "Unary")
    # It counts no unary messages; we do.
    counted = {key: value for key, value in found.items() if "_msg_" in key[0]}
    assert {name: value for (name, _), value in counted.items()} == {
        "grpc_server_msg_received_total": len(CALLS),
        "grpc_server_msg_sent_total": CALLS.count("ok"),
        "grpc_client_msg_received_total": CALLS.count("ok"),
        "grpc_client_msg_sent_total": len(CALLS),
    }
    # What has not happened does not exist there; here it is 0.
    counters = {
        key: value
        for key, value in found.items()
        if key[0].startswith("grpc_") and key not in counted and "_bucket" not in key[0]
    }
    assert {key: value for key, value in counters.items() if value} == {
        key: value for key, value in wanted.items() if "_bucket" not in key[0]
    }

    # Every call took less than 10 s here and there, so their largest buckets agree as well.
    def tens(found: Samples) -> Samples:
        return {
            key: value
            for key, value in found.items()
            if key[0]
            in ("grpc_server_handling_seconds_bucket", "grpc_client_handling_seconds_bucket")
            and dict(key[1])["le"] in ("10.0", "+Inf")
        }

    assert tens(found) == tens(wanted)
    buckets = {key for key in wanted if "_bucket" in key[0]}
    assert buckets <= set(found)


def test_streams_are_where_it_is_wrong(theirs, ours):
    wanted, found = samples(theirs, "ListYielding"), samples(ours, "ListYielding")

    def value(of: Samples, name: str, **more: str) -> float | None:
        labels = {
            "grpc_type": "SERVER_STREAMING",
            "grpc_service": NAME,
            "grpc_method": "ListYielding",
            **more,
        }
        return of.get((name, frozenset(labels.items())))

    for side in ("server", "client"):
        # Right there too: what starts, and messages of streams.
        assert value(found, f"grpc_{side}_started_total") == 1
        assert value(wanted, f"grpc_{side}_started_total") == 1
        messages = f"grpc_{side}_msg_{'sent' if side == 'server' else 'received'}_total"
        assert value(found, messages) == value(wanted, messages) == 3
        # Missing there: the end.
        assert value(found, f"grpc_{side}_handled_total", grpc_code="OK") == 1
        assert value(wanted, f"grpc_{side}_handled_total", grpc_code="OK") is None
        assert value(found, f"grpc_{side}_handling_seconds_count") == 1
    assert value(wanted, "grpc_server_handling_seconds_count") is None
