"""How late the event loop is: what blocks it holds up every call of the process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from linly_mesh.telemetry.catalogue import Audience, Family, Kind

LAG = Family(
    "linly_talker_event_loop_lag_seconds",
    Kind.HISTOGRAM,
    Audience.RESOURCE,
    "How much later than asked for the event loop woke a sleeper, twice a second.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0),
)
FAMILIES = (LAG,)
_PERIOD = 0.5
"""Seconds: often enough to meet a stall of a second, seldom enough to cost nothing."""


@asynccontextmanager
async def watched_loop(registry: CollectorRegistry) -> AsyncIterator[None]:
    """Measures while the block runs."""
    histogram = LAG.histogram(registry)
    loop = asyncio.get_running_loop()

    async def watch() -> None:
        while True:
            due = loop.time() + _PERIOD
            await asyncio.sleep(_PERIOD)
            # uvloop's clock counts whole milliseconds, and may wake a sleeper within the last one.
            histogram.observe(max(0.0, loop.time() - due))

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait([watching])
