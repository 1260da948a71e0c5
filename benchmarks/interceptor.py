"""What it costs to count RPCs: ``python -m benchmarks.interceptor``.

Servers that differ in one thing are up at the same time and take turns of a fraction of a second,
in an order that changes; what is compared is the CPU time of their processes per call and per
message, round by round. Throughput on a shared machine is too noisy to tell 1 % from 5 %. A
server that is the same as the reference (``again``) shows what the method itself makes of no
difference. Handlers do nothing, so that nothing else hides the cost.
"""

import asyncio
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import grpc
import uvloop
from google.protobuf.wrappers_pb2 import BytesValue
from grpc_health.v1 import health_pb2
from prometheus_client import CollectorRegistry
from py_grpc_prometheus.prometheus_server_interceptor import PromServerInterceptor

from benchmarks.environment import describe, load
from benchmarks.figures import Figure, at_most, table, write
from benchmarks.progress import say
from benchmarks.statistics import percentile
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.interceptor import RpcInterceptor
from linly_mesh.telemetry.rpc import ClientMetrics, ServerMetrics

_ROUNDS = 60
_WARM_UP = 5
_CALLS, _IN_FLIGHT = 160, 16
_MESSAGES, _STREAMS = 600, 4
_AIM = at_most(1.05)
_SERVICE = health_pb2.DESCRIPTOR.services_by_name["Health"]
"""Any contract will do whose methods are a unary one and a stream."""
_UNARY, _STREAM = (f"/{_SERVICE.full_name}/{method}" for method in ("Check", "Watch"))
_KIBIBYTE = BytesValue(value=b"x" * 1024)

_SERVERS = {
    "bare": (),
    "again": (),
    "metrics": ("metrics",),
    "mesh": ("mesh",),
    "mesh+metrics": ("metrics", "mesh"),
}
"""Names of grpc.aio servers with their interceptors; ``mesh`` greets and translates errors."""
_THREADED = "sync", "sync+py-grpc-prometheus"
_COMPARED = (
    ("again", "bare", False), ("metrics", "bare", True), ("mesh", "bare", False),
    ("mesh+metrics", "mesh", True), ("sync+py-grpc-prometheus", "sync", False),
    ("sync", "bare", False),
)  # fmt: skip
"""What is held against what, and whether it has to meet the aim."""


def _handlers(unary: Callable[..., Any], stream: Callable[..., Any]) -> grpc.GenericRpcHandler:
    codec = BytesValue.FromString, BytesValue.SerializeToString
    methods = {
        "Check": grpc.unary_unary_rpc_method_handler(unary, *codec),
        "Watch": grpc.unary_stream_rpc_method_handler(stream, *codec),
    }
    return grpc.method_handlers_generic_handler(_SERVICE.full_name, methods)


async def _answer(request: BytesValue, context: Any) -> BytesValue:
    return request


async def _stream(request: BytesValue, context: Any) -> AsyncIterator[BytesValue]:
    for _ in range(_MESSAGES // _STREAMS):
        yield _KIBIBYTE


async def _serve(folder: str) -> None:
    """All in one process: two processes of the same program already differ by a few percent."""
    servers = []  # one that is forgotten stops
    for variant, names in _SERVERS.items():
        made: dict[str, grpc.aio.ServerInterceptor] = {
            "metrics": ServerMetrics(CollectorRegistry(), [_SERVICE]),
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
    messages = [_KIBIBYTE] * (_MESSAGES // _STREAMS)
    handlers = _handlers(lambda request, _: request, lambda _, __: iter(messages))
    servers = []
    for variant, interceptors in zip(_THREADED, ([], [counting]), strict=True):
        server = grpc.server(ThreadPoolExecutor(_IN_FLIGHT), interceptors=interceptors)
        server.add_generic_rpc_handlers((handlers,))
        server.add_insecure_port(f"unix:{folder}/{variant}")
        server.start()
        servers.append(server)
    signal.pause()


async def _calls(channel: grpc.aio.Channel) -> None:
    method = channel.unary_unary(_UNARY, BytesValue.SerializeToString, BytesValue.FromString)

    async def some() -> None:
        for _ in range(_CALLS // _IN_FLIGHT):
            await method(BytesValue())

    await asyncio.gather(*(some() for _ in range(_IN_FLIGHT)))


async def _streams(channel: grpc.aio.Channel) -> None:
    method = channel.unary_stream(_STREAM, BytesValue.SerializeToString, BytesValue.FromString)

    async def one() -> None:
        async for _ in method(BytesValue()):
            pass

    await asyncio.gather(*(one() for _ in range(_STREAMS)))


Costs = dict[str, list[float]]
"""CPU time in microseconds per call or message, of every round, by variant."""


async def _rounds(
    variants: Sequence[str],
    work: Callable[[str], Awaitable[None]],
    cpu: Callable[[str], int],
    each: int,
) -> Costs:
    costs: Costs = {variant: [] for variant in variants}
    for _ in range(_WARM_UP + _ROUNDS):
        for variant in random.sample(variants, len(variants)):
            before = cpu(variant)
            await work(variant)
            costs[variant].append((cpu(variant) - before) / 1000 / each)
    return {variant: found[_WARM_UP:] for variant, found in costs.items()}


def _figures(part: str, costs: Costs, compared: Sequence[tuple[str, str, bool]]) -> list[Figure]:
    found = [
        Figure(f"{part}.{variant}.cpu", median(values), "us", None, min(values), max(values))
        for variant, values in costs.items()
    ]
    for variant, reference, has_aim in compared:
        ratios = [a / b for a, b in zip(costs[variant], costs[reference], strict=True)]
        resampled = [median(random.choices(ratios, k=len(ratios))) for _ in range(2000)]
        low, high = percentile(resampled, 2.5), percentile(resampled, 97.5)
        name = f"{part}.{variant}:{reference}"
        found.append(Figure(name, median(ratios), "x", None, low, high))
        if has_aim:
            found.append(Figure(f"{name}.upper", high, "x", _AIM))
    return found


async def _measure() -> list[Figure]:
    figures: list[Figure] = []
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="talker-bench-"))
        pids: dict[str, int] = {}
        channels: dict[str, grpc.aio.Channel] = {}
        for kind, variants in (("aio", tuple(_SERVERS)), ("threads", _THREADED)):
            command = sys.executable, "-m", "benchmarks.interceptor", kind, folder
            process = await asyncio.create_subprocess_exec(*command)
            stack.push_async_callback(process.wait)
            stack.callback(process.kill)
            for variant in variants:
                channel = open_channel(f"unix:{folder}/{variant}")
                channels[variant] = await stack.enter_async_context(channel)
                pids[variant] = process.pid
                await asyncio.wait_for(channel.channel_ready(), 20)
        metrics = ClientMetrics(CollectorRegistry(), [_SERVICE])
        clients = {
            "bare": channels["bare"],
            "again": await stack.enter_async_context(open_channel(f"unix:{folder}/bare")),
            "metrics": await stack.enter_async_context(
                open_channel(f"unix:{folder}/bare", metrics=metrics)
            ),
        }
        for part, work, each in (("unary", _calls, _CALLS), ("stream", _streams, _MESSAGES)):
            say(f"servers, {part}")
            costs = await _rounds(
                list(channels),
                lambda variant, work=work: work(channels[variant]),  # type: ignore[misc]
                lambda variant: time.clock_gettime_ns((~pids[variant] << 3) | 2),
                each,
            )  # the clock of another process' CPU time, see clock_getcpuclockid(3)
            figures += _figures(f"server.{part}", costs, _COMPARED)
            say(f"clients, {part}")
            costs = await _rounds(
                list(clients),
                lambda variant, work=work: work(clients[variant]),  # type: ignore[misc]
                lambda _: time.process_time_ns(),
                each,
            )
            figures += _figures(f"client.{part}", costs, _COMPARED[:2])
    return figures


def main() -> None:
    environment = describe()
    figures = uvloop.run(_measure())
    environment["load_after"] = load()
    print(f"\n{table(figures)}\n")
    write(Path("build/bench/interceptor.json"), figures, environment)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["aio", folder]:
            uvloop.run(_serve(folder))
        case ["threads", folder]:
            _serve_threads(folder)
        case _:
            main()
