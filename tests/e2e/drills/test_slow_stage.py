"""A stage becomes slow while people talk: the alert names it, and no other."""

import asyncio

import pytest

from ..conftest import STAGES, running_mesh
from .conftest import settings, talking, watched

FACTOR = 30
"""A window of five minutes lasts ten seconds."""
QUIET = 30.0
"""Seconds without a fault: an alert's window and its ``for``, twice."""
LIMIT = 30.0
"""Seconds in which the alert has to fire."""
DELAY = 1.6
"""Seconds; the alert's limit is 1."""


@pytest.fixture(scope="module")
async def drill(tmp_path_factory):
    """Prometheus and the folder of switches, while three people talk."""
    folder = tmp_path_factory.mktemp("d")
    faults = folder / "faults"
    faults.mkdir()
    with running_mesh(folder, settings(faults)) as mesh:
        async with talking(mesh, people=3), watched(mesh, folder, FACTOR) as prometheus:
            await prometheus.until("count(talker:stage_duration:p95_5m > 0) == 4")
            yield prometheus, faults


async def firing(prometheus) -> list[dict[str, str]]:
    """The labels of each alert that fires."""
    return [each["labels"] for each in await prometheus.alerts() if each["state"] == "firing"]


async def test_without_a_fault_no_alert_fires(drill):
    prometheus, _ = drill
    loop = asyncio.get_running_loop()
    end = loop.time() + QUIET
    while loop.time() < end:
        assert await firing(prometheus) == []
        await asyncio.sleep(0.5)


@pytest.mark.parametrize("stage", STAGES)
async def test_the_stage_that_is_slow_is_named_and_no_other(drill, stage):
    prometheus, faults = drill
    (faults / stage).write_text(str(DELAY))
    try:
        named = set()
        async with asyncio.timeout(LIMIT):
            while "StageSlow" not in {alert for alert, _ in named}:
                labels = await firing(prometheus)
                named |= {(each["alertname"], each["stage"]) for each in labels if "stage" in each}
                await asyncio.sleep(0.2)
        assert named == {("StageSlow", stage)}
    finally:
        (faults / stage).unlink()
    await prometheus.until('absent(ALERTS{stage!=""})')
