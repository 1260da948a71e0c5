"""A stage becomes slow while people talk: the alert names it, and no other."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from ..conftest import STAGES
from .conftest import talking

QUIET = timedelta(seconds=20)
"""Without a fault: a window and the time that an alert waits, twice."""
LIMIT = 30.0
"""Seconds in which the alert has to fire."""
LATER = 3.0
"""Seconds after the first alert in which another might follow: what an alert waits."""
DELAY = 1.6
"""Seconds; the alert's limit is 1."""


@pytest.fixture(scope="module")
async def drill(mesh, watching):
    """Prometheus, while three people talk to stages that are warm."""
    async with talking(mesh, people=3):
        await watching.until("count(talker:stage_duration:p95_5m < 1) == 4")
        await watching.until('absent(ALERTS{stage!=""})')
        yield watching


async def firing(prometheus, since: datetime) -> list[dict[str, str]]:
    """The labels of each alert that fires, of those that came up since then."""
    return [
        each["labels"]
        for each in await prometheus.alerts()
        if each["state"] == "firing" and datetime.fromisoformat(each["activeAt"]) >= since
    ]


async def stages(prometheus, since: datetime) -> set[tuple[str, str]]:
    """The alerts that fire and name a stage, of those that came up since then."""
    found = await firing(prometheus, since)
    return {(each["alertname"], each["stage"]) for each in found if "stage" in each}


async def test_without_a_fault_no_alert_fires(drill):
    begin = datetime.now(UTC)
    while datetime.now(UTC) - begin < QUIET:
        assert await firing(drill, begin) == []
        await asyncio.sleep(0.5)


@pytest.mark.parametrize("stage", STAGES)
async def test_the_stage_that_is_slow_is_named_and_no_other(drill, faults, stage):
    begin = datetime.now(UTC)
    (faults / stage).write_text(str(DELAY))
    try:
        async with asyncio.timeout(LIMIT):
            while not (named := await stages(drill, begin)):
                await asyncio.sleep(0.2)
        await asyncio.sleep(LATER)
        named |= await stages(drill, begin)
    finally:
        (faults / stage).unlink()
    assert named == {("StageSlow", stage)}


async def test_the_alerts_end_with_the_faults(drill):
    await drill.until('absent(ALERTS{stage!=""})')
