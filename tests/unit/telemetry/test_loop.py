"""The event loop's lag."""

import asyncio
import time

from prometheus_client import CollectorRegistry

from linly_mesh.telemetry.loop import watched_loop

COUNT = "linly_talker_event_loop_lag_seconds_count"
BUCKET = "linly_talker_event_loop_lag_seconds_bucket"


async def test_who_blocks_the_loop_is_seen():
    registry = CollectorRegistry()
    async with watched_loop(registry):
        await asyncio.sleep(0.1)
        time.sleep(0.8)  # the sleeper was to be woken after half a second
        async with asyncio.timeout(5):
            while not registry.get_sample_value(COUNT):
                await asyncio.sleep(0.01)
    late = registry.get_sample_value(COUNT) - registry.get_sample_value(BUCKET, {"le": "0.25"})
    assert late == 1
