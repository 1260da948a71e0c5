"""The watch that says when the models have stopped."""

import asyncio
import math
from time import perf_counter as now

import pytest

from benchmarks import idleness
from linly_mesh.rpc.server import create_server
from linly_mesh.workload import Workload


@pytest.fixture
async def watched(tmp_path):
    """Two services' counters, and what watches them."""
    counters = {"llm": Workload(), "tts": Workload()}
    servers = []
    for name, workload in counters.items():
        server = create_server(name, [], workload=workload)
        server.add_insecure_port(f"unix:{tmp_path}/{name}")
        await server.start()
        servers.append(server)
    targets = {name: f"unix:{tmp_path}/{name}" for name in counters}
    async with idleness.open_workloads(targets) as workloads:
        yield counters, workloads
    for server in servers:
        await server.stop(0)


async def test_each_service_is_timed_by_its_own_end(watched):
    counters, workloads = watched
    unit = counters["llm"].unit()
    unit.begin()
    assert await workloads.busy()
    asyncio.get_running_loop().call_later(0.2, unit.cancel)
    rests = await workloads.until_idle(now())
    assert 0.19 < rests["llm"] < 0.5
    assert rests["tts"] < 0.1
    assert not await workloads.busy()
    assert await workloads.cancelled() == 1


async def test_work_that_was_still_on_its_way_is_not_overlooked(watched):
    counters, workloads = watched

    def arrive() -> None:
        unit = counters["tts"].unit()
        asyncio.get_running_loop().call_later(0.2, unit.finish)

    asyncio.get_running_loop().call_later(0.05, arrive)
    rests = await workloads.until_idle(now())
    assert rests["tts"] > 0.24


async def test_work_that_nobody_stops_is_lost(watched, monkeypatch):
    monkeypatch.setattr(idleness, "_LIMIT", 0.2)
    counters, workloads = watched
    with counters["llm"].unit():
        rests = await workloads.until_idle(now())
    assert rests["llm"] == math.inf
