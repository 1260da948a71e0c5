"""Servers that differ in one thing, for ``benchmarks.interceptor``.

Handlers do nothing, so that nothing else hides what an interceptor costs.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import uvloop
from google.protobuf.wrappers_pb2 import BytesValue
from grpc_health.v1 import health_pb2
from prometheus_client import CollectorRegistry
from py_grpc_prometheus.prometheus_server_interceptor import PromServerInterceptor

from linly_mesh.rpc.handlers import behaviour_of, rebuilt, with_writes
from linly_mesh.rpc.interceptor import RpcInterceptor
from linly_mesh.telemetry.rpc import ServerMetrics
from linly_mesh.telemetry.tracing import ServerTracing

SERVICE = health_pb2.DESCRIPTOR.services_by_name["Health"]
"""Any contract will do whose methods are a unary one and a stream."""
UNARY, STREAM = (f"/{SERVICE.full_name}/{method}" for method in ("Check", "Watch"))
CODEC = BytesValue.SerializeToString, BytesValue.FromString
MESSAGES = 150
"""Of 1 KiB in a stream."""
SERVERS = {
    "bare": (),
    "again": (),
    "passing": ("passing",),
    "metrics": ("metrics",),
    "mesh": ("mesh",),
    "mesh+metrics": ("metrics", "mesh"),
    "mesh+metrics+tracing": ("tracing", "mesh"),
}
"""Names of grpc.aio servers with their interceptors; ``mesh`` greets and translates errors,
``tracing`` is ``metrics`` with what would make spans if there were a collector."""
THREADED = "sync", "sync+py-grpc-prometheus"
"""Names of servers with threads."""
_THREADS = 16
_KIBIBYTE = BytesValue(value=b"x" * 1024)


class _Passing(grpc.aio.ServerInterceptor):
    """Is there for every call and every response, and does nothing: what any of its kind costs."""

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        handler = await continuation(handler_call_details)
        behaviour = behaviour_of(handler)
        serialize = handler.response_serializer
        if handler.response_streaming:
            behaviour = with_writes(behaviour)

        async def call(request: Any, context: Any) -> Any:
            return await behaviour(request, context)

        def response(message: Any) -> Any:
            return serialize(message)

        return rebuilt(handler, call, handler.request_deserializer, response)


def _handlers(unary: Callable[..., Any], stream: Callable[..., Any]) -> grpc.GenericRpcHandler:
    codec = CODEC[::-1]
    methods = {
        "Check": grpc.unary_unary_rpc_method_handler(unary, *codec),
        "Watch": grpc.unary_stream_rpc_method_handler(stream, *codec),
    }
    return grpc.method_handlers_generic_handler(SERVICE.full_name, methods)


async def _answer(request: BytesValue, context: Any) -> BytesValue:
    return request


async def _stream(request: BytesValue, context: Any) -> AsyncIterator[BytesValue]:
    for _ in range(MESSAGES):
        yield _KIBIBYTE


async def _serve(folder: str) -> None:
    """All in one process: two processes of the same program already differ by a few percent."""
    servers = []  # one that is forgotten stops
    for variant, names in SERVERS.items():
        made: dict[str, grpc.aio.ServerInterceptor] = {
            "passing": _Passing(),
            "metrics": ServerMetrics(CollectorRegistry(), [SERVICE]),
            "tracing": ServerMetrics(CollectorRegistry(), [SERVICE], [ServerTracing()]),
            "mesh": RpcInterceptor("bench"),
        }
        server = grpc.aio.server(interceptors=[made[name] for name in names])
        server.add_generic_rpc_handlers((_handlers(_answer, _stream),))
        server.add_insecure_port(f"unix:{folder}/{variant}")
        await server.start()
        servers.append(server)
    await asyncio.gather(*(server.wait_for_termination() for server in servers))


def _serve_threads(folder: str) -> None:
    registry = CollectorRegistry()
    counting = PromServerInterceptor(enable_handling_time_histogram=True, registry=registry)
    messages = [_KIBIBYTE] * (MESSAGES)
    handlers = _handlers(lambda request, _: request, lambda _, __: iter(messages))
    servers = []
    for variant, interceptors in zip(THREADED, ([], [counting]), strict=True):
        server = grpc.server(ThreadPoolExecutor(_THREADS), interceptors=interceptors)
        server.add_generic_rpc_handlers((handlers,))
        server.add_insecure_port(f"unix:{folder}/{variant}")
        server.start()
        servers.append(server)
    signal.pause()


if __name__ == "__main__":
    kind, folder = sys.argv[1:]
    if kind == "aio":
        uvloop.run(_serve(folder))
    else:
        _serve_threads(folder)
