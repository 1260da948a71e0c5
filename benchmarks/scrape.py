"""What a scrape costs those who are being served: part of ``python -m benchmarks.interceptor``.

The orchestrator has the longest page. It holds talks before stages that only sleep; all the time
somebody asks for its health, and Prometheus's own request for its metrics comes twice a second.
An answer that a scrape overlapped shows how long its event loop was held up.
"""

import asyncio
from time import perf_counter as now

from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.figures import Figure, at_most
from benchmarks.fleet import Fleet, stub_mesh
from benchmarks.load import PERIOD, offer
from benchmarks.progress import say
from benchmarks.statistics import percentile
from linly_mesh.rpc.channel import open_channel

_TALKS, _TURNS = 4, 24
_SCRAPES_EVERY = 0.5
_PINGS_EVERY = 0.002
_REQUEST = (
    b"GET /metrics HTTP/1.1\r\nhost: orchestrator\r\naccept: application/openmetrics-text;"
    b"version=1.0.0,text/plain;version=0.0.4;q=0.5\r\n\r\n"
)
_MS = 1000.0

Span = tuple[float, float]
"""Begin and end, seconds."""


async def measure() -> list[Figure]:
    """How much longer an answer takes while the page is made."""
    async with stub_mesh() as fleet:
        target = fleet.target("orchestrator")
        await offer(target, 1, 1)
        say(f"a scrape, {_TURNS * PERIOD:.0f} s")
        pings: list[Span] = []
        scrapes: list[Span] = []
        asking = [
            asyncio.create_task(_ping(fleet, pings)),
            asyncio.create_task(_scrape(fleet.metrics, scrapes)),
        ]
        await offer(target, _TALKS, _TURNS)
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)
    during, between = [], []
    for begin, end in pings:
        overlapped = any(begin < last and first < end for first, last in scrapes)
        (during if overlapped else between).append(_MS * (end - begin))
    lag = percentile(during, 99) - percentile(between, 99)
    return [
        Figure("scrape.page", percentile([_MS * (e - b) for b, e in scrapes], 50), "ms"),
        Figure("scrape.answer_p99.between", percentile(between, 99), "ms"),
        Figure("scrape.answer_p99.during", percentile(during, 99), "ms"),
        Figure("scrape.added_p99", lag, "ms", at_most(5)),
    ]


async def _ping(fleet: Fleet, spans: list[Span]) -> None:
    async with open_channel(fleet.target("orchestrator")) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        while True:
            begin = now()
            await stub.Check(health_pb2.HealthCheckRequest())
            spans.append((begin, now()))
            await asyncio.sleep(_PINGS_EVERY)


async def _scrape(path: str, spans: list[Span]) -> None:
    reader, writer = await asyncio.open_unix_connection(path)
    while True:
        begin = now()
        writer.write(_REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2])
            for line in head.lower().splitlines()
            if line.startswith(b"content-length:")
        )
        await reader.readexactly(length)
        spans.append((begin, now()))
        await asyncio.sleep(_SCRAPES_EVERY)
