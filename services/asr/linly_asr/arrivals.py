"""When each message of a stream came, however late it is looked at."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TypeVar

_Item = TypeVar("_Item")


async def arrivals(
    items: AsyncIterator[_Item], size: Callable[[_Item], int], limit: int
) -> AsyncGenerator[tuple[float, _Item | None], None]:
    """Reads ``items`` ahead and gives each with its time of arrival, monotonic seconds.

    Without it, the time that audio waits for a busy engine would pass unseen in gRPC's buffers
    and be missing from what the stage says of itself. Once ``limit`` is held, measured by
    ``size``, no more is read. The last pair is the arrival of the end, and None.

    Raises:
        Exception: whatever ``items`` raised, in its place among them.
    """
    held: asyncio.Queue[tuple[float, _Item] | None] = asyncio.Queue()  # bounded by ``room``
    room = asyncio.Event()
    room.set()
    total = 0

    async def read() -> float:
        nonlocal total
        async for item in items:
            arrived = time.monotonic()
            await room.wait()
            total += size(item)
            if total >= limit:
                room.clear()
            held.put_nowait((arrived, item))
        return time.monotonic()

    reading = asyncio.create_task(read())
    reading.add_done_callback(lambda _: held.put_nowait(None))
    try:
        while (arrival := await held.get()) is not None:
            total -= size(arrival[1])
            if total < limit:
                room.set()
            yield arrival
        yield await reading, None
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
