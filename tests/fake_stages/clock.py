"""Waiting that does not drift: each step is due at an absolute time."""

import asyncio


class Clock:
    """Sleeps up to moments that are counted from its creation."""

    def __init__(self) -> None:
        self._due = asyncio.get_running_loop().time()

    async def advance(self, seconds: float) -> None:
        self._due += seconds
        wait = self._due - asyncio.get_running_loop().time()
        if wait > 0:
            await asyncio.sleep(wait)
