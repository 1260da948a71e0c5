import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from linly_mesh.workload import Workload, WorkloadSnapshot


def counts(workload: Workload) -> tuple[int, int, int, int, int]:
    now = workload.snapshot()
    return now.queued, now.active, now.finished_total, now.cancelled_total, now.failed_total


def test_a_unit_waits_then_runs_then_ends():
    workload = Workload()
    seen = []
    with workload.unit() as unit:
        seen.append(counts(workload))
        unit.begin()
        seen.append(counts(workload))
    seen.append(counts(workload))
    assert seen == [(1, 0, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 1, 0, 0)]
    assert workload.snapshot() == WorkloadSnapshot(0, 0, 1, 1, 0, 0)
    assert workload.snapshot().idle


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (asyncio.CancelledError, (0, 0, 0, 1, 0)),
        (GeneratorExit, (0, 0, 0, 1, 0)),
        (ValueError, (0, 0, 0, 0, 1)),
    ],
)
@pytest.mark.parametrize("begun", [True, False])
def test_a_unit_ends_by_the_way_its_block_is_left(error, expected, begun):
    workload = Workload()
    unit = workload.unit()
    with pytest.raises(error), unit:
        if begun:
            unit.begin()
        raise error
    assert counts(workload) == expected


@pytest.mark.parametrize("first", ["finish", "cancel", "fail"])
def test_the_first_end_counts(first):
    workload = Workload()
    with workload.unit() as unit:
        getattr(unit, first)()
        expected = counts(workload)
        unit.begin()
        unit.cancel()
        unit.fail()
    assert counts(workload) == expected


def test_many_threads_lose_no_count():
    workload = Workload()

    def work(number: int) -> None:
        unit = workload.unit()
        unit.begin()
        ends = (unit.finish, unit.cancel, unit.fail)
        ends[number % 3]()
        ends[(number + 1) % 3]()  # a race with another end

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(3_000)))
    assert counts(workload) == (0, 0, 1_000, 1_000, 1_000)
    assert workload.snapshot().started_total == 3_000


def test_one_unit_that_ends_in_two_threads_ends_once():
    workload = Workload()
    with ThreadPoolExecutor(8) as threads:
        for _ in range(300):
            unit = workload.unit()
            unit.begin()
            list(threads.map(lambda end: end(), (unit.finish, unit.cancel, unit.fail)))
    now = workload.snapshot()
    assert now.idle
    assert now.finished_total + now.cancelled_total + now.failed_total == 300
