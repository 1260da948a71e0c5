import asyncio

import pytest

from linly_asr.engine import EngineError
from linly_asr.engines.pocketsphinx.pool import WorkerPool


class FakeWorker:
    def __init__(self) -> None:
        self.alive = True

    def kill(self) -> None:
        self.alive = False

    async def stop(self) -> None:
        self.kill()


class Spawner:
    def __init__(self) -> None:
        self.spawned: list[FakeWorker] = []
        self.broken = False

    async def __call__(self) -> FakeWorker:
        await asyncio.sleep(0)
        if self.broken:
            raise EngineError("cannot start")
        self.spawned.append(FakeWorker())
        return self.spawned[-1]


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_workers_start_when_first_needed_and_are_kept() -> None:
    spawn = Spawner()
    pool = WorkerPool(3, spawn)
    for _ in range(5):
        pool.release(await pool.acquire())
    assert len(spawn.spawned) == 1
    await pool.acquire()
    await pool.acquire()
    assert len(spawn.spawned) == 2


async def test_who_asks_when_all_are_lent_waits_in_turn() -> None:
    pool = WorkerPool(1, Spawner())
    worker = await pool.acquire()
    first, second = (asyncio.create_task(pool.acquire()) for _ in range(2))
    await settle()
    assert not first.done()
    pool.release(worker)
    assert await first is worker
    await settle()
    assert not second.done()
    pool.release(worker)
    assert await second is worker


async def test_who_stops_waiting_leaves_the_worker_to_the_next() -> None:
    pool = WorkerPool(1, Spawner())
    worker = await pool.acquire()
    first, second = (asyncio.create_task(pool.acquire()) for _ in range(2))
    await settle()
    first.cancel()
    pool.release(worker)
    assert await second is worker


async def test_a_dead_worker_is_replaced() -> None:
    spawn = Spawner()
    pool = WorkerPool(1, spawn)
    lent = await pool.acquire()
    lent.kill()
    pool.release(lent)
    replacement = await pool.acquire()
    assert replacement.alive
    pool.release(replacement)
    replacement.kill()  # while nobody uses it
    assert (await pool.acquire()).alive
    assert len(spawn.spawned) == 3


async def test_a_failed_start_is_told_and_takes_no_place() -> None:
    spawn = Spawner()
    pool = WorkerPool(1, spawn)
    spawn.broken = True
    for _ in range(3):
        with pytest.raises(EngineError):
            await pool.acquire()
    spawn.broken = False
    assert (await pool.acquire()).alive


async def test_close_ends_lent_and_idle_workers() -> None:
    spawn = Spawner()
    pool = WorkerPool(2, spawn)
    lent, idle = await pool.acquire(), await pool.acquire()
    pool.release(idle)
    await pool.close()
    assert [lent.alive, idle.alive] == [False, False]
