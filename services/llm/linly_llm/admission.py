"""Who may use the model now, who waits, and who is sent away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from linly_llm.engine import QueueFullError


class Admission:
    """A limited number of places, and a limited number of callers that wait for one."""

    def __init__(self, places: int, max_waiting: int) -> None:
        """Starts with all places free."""
        self._places = asyncio.Semaphore(places)  # wakes those that wait in their order
        self._max_waiting = max_waiting
        self._waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Holds a place, first waiting for one if need be.

        Raises:
            QueueFullError: as many callers wait as may wait.
        """
        if self._places.locked() and self._waiting >= self._max_waiting:
            raise QueueFullError
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()
