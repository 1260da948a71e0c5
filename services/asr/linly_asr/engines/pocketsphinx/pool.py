"""A bounded number of worker processes, each lent to one utterance at a time."""

import asyncio
from collections.abc import Awaitable, Callable

from linly_asr.engines.pocketsphinx.process import WorkerProcess


class WorkerPool:
    """Starts workers when they are first needed and keeps them.

    Who asks when all are lent waits, first come, first served. A worker that died is not
    kept; another is started in its place when one is needed.
    """

    def __init__(
        self, size: int, spawn: Callable[[], Awaitable[WorkerProcess]] = WorkerProcess.spawn
    ) -> None:
        """Lends at most ``size`` workers."""
        self._spawn = spawn
        self._free = asyncio.Semaphore(size)
        self._idle: list[WorkerProcess] = []
        self._workers: set[WorkerProcess] = set()

    async def acquire(self) -> WorkerProcess:
        """Lends a worker.

        Raises:
            EngineError: a new worker could not start.
        """
        await self._free.acquire()
        while self._idle:
            if (worker := self._idle.pop()).alive:
                return worker
            self._workers.discard(worker)
        try:
            worker = await self._spawn()
        except BaseException:
            self._free.release()
            raise
        self._workers.add(worker)
        return worker

    def release(self, worker: WorkerProcess) -> None:
        """Takes a worker back."""
        if worker.alive:
            self._idle.append(worker)
        else:
            self._workers.discard(worker)
        self._free.release()

    async def close(self) -> None:
        """Ends all workers; those that are lent fail their utterances."""
        await asyncio.gather(*(worker.stop() for worker in self._workers))
        self._workers.clear()
        self._idle.clear()
