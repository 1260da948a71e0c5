"""Load comes and goes: the shipped rules say how many replicas it wants, and what that saves."""

import asyncio
import math
import random
import subprocess

import prometheus
import pytest
import yaml

from ..conftest import running_mesh
from .conftest import settings, talking, watched

FACTOR = 30
PEOPLE = 10
"""Together more than a replica is good for."""
WANTED = 'talker:replicas:wanted{model="tts"}'

STEP, DAY, WEEK = 5, 24 * 60, 7 * 24 * 60
"""Minutes."""
BEGIN = 1_700_000_000 // 86_400 * 86_400
"""Midnight of a day long ago, seconds since 1970."""
GOOD_FOR = 4
"""Requests at once that the rule takes a replica to be good for."""
WARM_UP = 10
"""Minutes that a replica may take from being wanted to being warm."""
SAVED = 0.35
"""Share of the replica-hours of a fixed fleet that was saved where this was tried first."""


async def test_the_replicas_wanted_follow_the_load(tmp_path_factory):
    folder = tmp_path_factory.mktemp("i")
    faults = folder / "faults"
    faults.mkdir()
    (faults / "tts").write_text("2")  # requests are in hand for a while
    with running_mesh(folder, settings(faults)) as mesh:
        async with watched(mesh, folder, FACTOR) as found:
            for _ in range(2):
                async with talking(mesh, people=PEOPLE):
                    await found.until(f"{WANTED} >= 2", 40)
                await found.until(f"{WANTED} == 1", 40)


def load(seed: int = 4) -> list[int]:
    """Requests in hand in each minute of two weeks: evenings are busy, weekends more so."""
    chance = random.Random(seed)
    result = []
    for minute in range(2 * WEEK):
        day, clock = divmod(minute, DAY)
        busy = math.exp(-(((clock - 20 * 60) / 180) ** 2))
        mean = (12 + 28 * busy) * (1.15 if day % 7 >= 5 else 1.0)
        result.append(max(0, round(chance.gauss(mean, 0.05 * mean))))
    return result


def backfill(folder, requests: list[int]) -> None:
    """The load, as if it had been scraped every minute."""
    lines = ["# TYPE linly_talker_batch_size gauge"]
    for name in ("batch_size", "queue_depth"):
        if name == "queue_depth":
            lines.append("# TYPE linly_talker_queue_depth gauge")
        for minute, count in enumerate(requests):
            value = count if name == "batch_size" else 0
            lines.append(f'linly_talker_{name}{{model="tts"}} {value} {BEGIN + 60 * minute}')
    source = folder / "load.openmetrics"
    source.write_text("\n".join([*lines, "# EOF\n"]))
    promtool("tsdb", "create-blocks-from", "openmetrics", str(source), str(folder / "data"))


def promtool(*arguments: str) -> None:
    subprocess.run(["promtool", *arguments], check=True, capture_output=True, timeout=60)


def scaling_rules(folder) -> list[str]:
    """Files with one shipped rule each, in the order in which they build on each other."""
    groups = yaml.safe_load((prometheus.SHIPPED / "rules" / "recording.yml").read_text())["groups"]
    [rules] = [group["rules"] for group in groups if group["name"] == "scaling"]
    paths = [folder / f"{number}.yml" for number in range(len(rules))]
    for path, rule in zip(paths, rules, strict=True):
        path.write_text(yaml.safe_dump({"groups": [{"name": "scaling", "rules": [rule]}]}))
    return [str(path) for path in paths]


@pytest.fixture(scope="module")
async def replayed(tmp_path_factory):
    """What was in hand and what was wanted in the second week, every ``STEP``."""
    folder = tmp_path_factory.mktemp("replay")
    configured = folder / "prometheus.yml"
    configured.write_text("{}")
    requests = load()
    backfill(folder, requests)
    keep = "--storage.tsdb.retention.time=100y"
    for rule in scaling_rules(folder):  # each reads what those before it have recorded
        async with prometheus.running(configured, keep) as found:
            times = (f"--start={BEGIN}", f"--end={BEGIN + 60 * 2 * WEEK}")
            where = (f"--url=http://{found.address}", f"--output-dir={folder / 'data'}")
            step = f"--eval-interval={STEP}m"
            arguments = ("tsdb", "create-blocks-from", "rules", *times, *where, step, rule)
            await asyncio.to_thread(promtool, *arguments)
    async with prometheus.running(configured, keep) as found:
        end = BEGIN + 60 * (2 * WEEK - STEP)
        wanted = await found.range(WANTED, BEGIN + 60 * WEEK, end, 60 * STEP)
    assert len(wanted) == WEEK // STEP
    return requests[WEEK:], [round(value) for value in wanted]


def test_a_week_that_is_followed_saves_a_third_of_a_fixed_fleet(replayed):
    requests, wanted = replayed
    fixed = math.ceil(1.25 / GOOD_FOR * max(requests))
    saved = 1 - sum(wanted) / (fixed * len(wanted))
    assert saved >= SAVED, saved
    print(f"a fixed fleet of {fixed}: {saved:.0%} of its replica-hours saved")


def test_the_peak_is_met_warm(replayed):
    requests, wanted = replayed
    cold = [
        minute
        for minute in range(WARM_UP, len(requests))
        if requests[minute] > GOOD_FOR * wanted[(minute - WARM_UP) // STEP]
    ]
    assert cold == []
