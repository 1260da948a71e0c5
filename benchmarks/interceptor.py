"""What it costs to count RPCs: ``python -m benchmarks.interceptor``.

Servers that differ in one thing are up at the same time and take turns of a fraction of a second,
in an order that changes; what is compared is the CPU time of their processes per call and per
message, round by round. Throughput on a shared machine is too noisy to tell 1 % from 5 %. A
server that is the same as the reference (``again``) shows what the method itself makes of no
difference.
"""

import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import grpc
import uvloop
from google.protobuf.wrappers_pb2 import BytesValue
from prometheus_client import CollectorRegistry

from benchmarks import scrape
from benchmarks.environment import describe, load
from benchmarks.figures import Figure, at_most, table, write
from benchmarks.interceptor_servers import (
    CODEC,
    MESSAGES,
    SERVERS,
    SERVICE,
    STREAM,
    THREADED,
    UNARY,
)
from benchmarks.progress import say
from benchmarks.statistics import percentile
from linly_mesh.rpc.channel import open_channel
from linly_mesh.telemetry.rpc import ClientMetrics

_ROUNDS = 300
_WARM_UP = 5
_SELDOM = 4
"""Servers with threads are only there to compare with: every fourth round will do."""
_CALLS, _IN_FLIGHT = 64, 16
_STREAMS = 4
_AIM = at_most(1.05)
_COMPARED = (
    ("again", "bare", False), ("passing", "bare", False), ("metrics", "bare", True),
    ("metrics", "passing", False), ("mesh", "bare", False),
    ("mesh+metrics", "mesh", True), ("mesh+metrics+tracing", "mesh+metrics", False),
    ("sync+py-grpc-prometheus", "sync", False), ("sync", "bare", False),
)  # fmt: skip
"""Servers that are held against each other, and whether they have to meet the aim."""
_CLIENTS_COMPARED = ("again", "bare", False), ("metrics", "bare", True)
"""Likewise clients."""


async def _calls(channel: grpc.aio.Channel) -> None:
    method = channel.unary_unary(UNARY, *CODEC)

    async def some() -> None:
        for _ in range(_CALLS // _IN_FLIGHT):
            await method(BytesValue())

    await asyncio.gather(*(some() for _ in range(_IN_FLIGHT)))


async def _streams(channel: grpc.aio.Channel) -> None:
    method = channel.unary_stream(STREAM, *CODEC)

    async def one() -> None:
        async for _ in method(BytesValue()):
            pass

    await asyncio.gather(*(one() for _ in range(_STREAMS)))


Costs = dict[str, dict[int, float]]
"""CPU time in microseconds per call or message by variant and round."""


async def _rounds(
    variants: Sequence[str],
    work: Callable[[str], Awaitable[None]],
    cpu: Callable[[str], int],
    each: int,
) -> Costs:
    costs: Costs = {variant: {} for variant in variants}
    for number in range(-_WARM_UP, _ROUNDS):
        for variant in random.sample(variants, len(variants)):
            if variant in THREADED and number % _SELDOM:
                continue
            before = cpu(variant)
            await work(variant)
            if number >= 0:
                costs[variant][number] = (cpu(variant) - before) / 1000 / each
    return costs


def _figures(part: str, costs: Costs, compared: Sequence[tuple[str, str, bool]]) -> list[Figure]:
    found = [
        Figure(f"{part}.{variant}.cpu", median(values.values()), "us")
        for variant, values in costs.items()
    ]
    for variant, reference, has_aim in compared:
        rounds = list(costs[variant])
        resampled = [
            _ratio(costs, variant, reference, random.choices(rounds, k=len(rounds)))
            for _ in range(2000)
        ]
        low, high = percentile(resampled, 2.5), percentile(resampled, 97.5)
        name = f"{part}.{variant}:{reference}"
        value = _ratio(costs, variant, reference, rounds)
        found.append(Figure(name, value, "x", None, low, high))
        if has_aim:
            found.append(Figure(f"{name}.upper", high, "x", _AIM))
    return found


def _ratio(costs: Costs, variant: str, reference: str, rounds: Sequence[int]) -> float:
    return sum(map(costs[variant].__getitem__, rounds)) / sum(
        map(costs[reference].__getitem__, rounds)
    )


async def _measure() -> list[Figure]:
    figures: list[Figure] = []
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="talker-bench-"))
        pids: dict[str, int] = {}
        channels: dict[str, grpc.aio.Channel] = {}
        for kind, variants in (("aio", tuple(SERVERS)), ("threads", THREADED)):
            command = sys.executable, "-m", "benchmarks.interceptor_servers", kind, folder
            process = await asyncio.create_subprocess_exec(*command)
            stack.push_async_callback(process.wait)
            stack.callback(process.kill)
            for variant in variants:
                channel = open_channel(f"unix:{folder}/{variant}")
                channels[variant] = await stack.enter_async_context(channel)
                pids[variant] = process.pid
                await asyncio.wait_for(channel.channel_ready(), 20)
        metrics = ClientMetrics(CollectorRegistry(), [SERVICE])
        clients = {
            "bare": channels["bare"],
            "again": await stack.enter_async_context(open_channel(f"unix:{folder}/bare")),
            "metrics": await stack.enter_async_context(
                open_channel(f"unix:{folder}/bare", metrics=metrics)
            ),
        }
        for part, work, each in (
            ("unary", _calls, _CALLS),
            ("stream", _streams, MESSAGES * _STREAMS),
        ):
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
            figures += _figures(f"client.{part}", costs, _CLIENTS_COMPARED)
    return figures


def main() -> None:
    environment = describe()
    figures = [*uvloop.run(_measure()), *uvloop.run(scrape.measure())]
    environment["load_after"] = load()
    print(f"\n{table(figures)}\n")
    write(Path("build/bench/interceptor.json"), figures, environment)


if __name__ == "__main__":
    main()
