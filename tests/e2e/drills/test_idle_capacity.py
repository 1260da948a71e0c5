"""Load comes and goes: the shipped rules say how many replicas it wants, and what that saves."""

import asyncio
import math
import random
import subprocess
from pathlib import Path

import prometheus
import pytest
import yaml

from .conftest import talking

PEOPLE = 10
"""Together more than a replica is good for."""
WANTED = 'talker:replicas:wanted{model="tts"}'

STEP = 5
"""Minutes from sample to sample."""
DAY = 24 * 60 // STEP
WEEK = 7 * DAY
"""Samples."""
BEGIN = 1_700_000_000 // 86_400 * 86_400
"""Midnight of a day long ago, seconds since 1970."""
GOOD_FOR = 4
"""Requests at once that the rule takes a replica to be good for."""
WARM_UP = 2
"""Samples that a replica may take from being wanted to being warm: ten minutes."""
SAVED = 0.35
"""Share of the replica-hours of a fixed fleet that was saved where this was tried first."""


async def test_the_replicas_wanted_follow_the_load(mesh, faults, watching):
    (faults / "tts").write_text("2")  # requests are in hand for a while
    try:
        for _ in range(2):
            async with talking(mesh, people=PEOPLE):
                await watching.until(f"{WANTED} >= 2", 40)
            await watching.until(f"{WANTED} == 1", 40)
    finally:
        (faults / "tts").unlink()


def load(seed: int = 4) -> list[int]:
    """Requests in hand, for a day and a week: evenings are busy, weekends more so."""
    chance = random.Random(seed)
    result = []
    for sample in range(DAY + WEEK):
        day, clock = divmod(sample, DAY)
        busy = math.exp(-(((clock * 24 / DAY - 20) / 3) ** 2))
        mean = (12 + 28 * busy) * (1.15 if day % 7 >= 5 else 1.0)
        result.append(max(0, round(chance.gauss(mean, 0.05 * mean))))
    return result


def backfill(folder: Path, requests: list[int]) -> None:
    """The load, as if it had been scraped."""
    lines = []
    for name, values in (("batch_size", requests), ("queue_depth", [0] * len(requests))):
        lines.append(f"# TYPE linly_talker_{name} gauge")
        for sample, value in enumerate(values):
            time = BEGIN + 60 * STEP * sample
            lines.append(f'linly_talker_{name}{{model="tts"}} {value} {time}')
    source = folder / "load.openmetrics"
    source.write_text("\n".join([*lines, "# EOF\n"]))
    promtool("tsdb", "create-blocks-from", "openmetrics", str(source), str(folder / "data"))


def promtool(*arguments: str) -> None:
    subprocess.run(["promtool", *arguments], check=True, capture_output=True, timeout=60)


def scaling_rules(folder: Path) -> list[str]:
    """Files with one shipped rule each, in the order in which they build on each other."""
    groups = yaml.safe_load((prometheus.SHIPPED / "rules" / "recording.yml").read_text())["groups"]
    [rules] = [group["rules"] for group in groups if group["name"] == "scaling"]
    paths = [folder / f"{number}.yml" for number in range(len(rules))]
    for path, rule in zip(paths, rules, strict=True):
        path.write_text(yaml.safe_dump({"groups": [{"name": "scaling", "rules": [rule]}]}))
    return [str(path) for path in paths]


@pytest.fixture(scope="module")
async def replayed(tmp_path_factory):
    """What was in hand and what was wanted in a week that follows a day, sample by sample."""
    folder = tmp_path_factory.mktemp("replay")
    configured = folder / "prometheus.yml"
    configured.write_text("{}")
    requests = load()
    backfill(folder, requests)
    keep = "--storage.tsdb.retention.time=100y"
    for rule in scaling_rules(folder):  # each reads what those before it have recorded
        async with prometheus.running(configured, keep) as found:
            times = (f"--start={BEGIN}", f"--end={BEGIN + 60 * STEP * (DAY + WEEK)}")
            where = (f"--url=http://{found.address}", f"--output-dir={folder / 'data'}")
            step = f"--eval-interval={STEP}m"
            arguments = ("tsdb", "create-blocks-from", "rules", *times, *where, step, rule)
            await asyncio.to_thread(promtool, *arguments)
    async with prometheus.running(configured, keep) as found:
        begin, end = BEGIN + 60 * STEP * DAY, BEGIN + 60 * STEP * (DAY + WEEK - 1)
        wanted = await found.range(WANTED, begin, end, 60 * STEP)
    assert len(wanted) == WEEK
    return requests[DAY:], [round(value) for value in wanted]


def test_a_week_that_is_followed_saves_a_third_of_a_fixed_fleet(replayed):
    requests, wanted = replayed
    fixed = math.ceil(1.25 / GOOD_FOR * max(requests))
    saved = 1 - sum(wanted) / (fixed * len(wanted))
    assert saved >= SAVED, saved
    print(f"a fixed fleet of {fixed}: {saved:.0%} of its replica-hours saved")


def test_the_peak_is_met_warm(replayed):
    requests, wanted = replayed
    cold = [
        sample
        for sample in range(WARM_UP, len(requests))
        if requests[sample] > GOOD_FOR * min(wanted[sample - WARM_UP : sample + 1])
    ]
    assert cold == []
