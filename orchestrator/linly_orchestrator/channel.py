"""A bounded stream of items between two tasks."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


def _one(item: object) -> float:
    return 1.0


class Channel(Generic[_Item]):
    """Holds at most ``capacity``; a full channel makes its writers wait.

    Either side may leave: ``close`` lets the reader finish what is there (and then raises the
    error, if one was given), ``abandon`` drops everything and lets the writers run on.
    """

    def __init__(self, capacity: float, size: Callable[[_Item], float] = _one) -> None:
        """Starts empty and open; ``size`` is how much of the capacity an item takes."""
        self._items: deque[_Item] = deque()
        self._capacity = capacity
        self._size = size
        self._held = 0.0
        self._closed = False
        self._abandoned = False
        self._error: BaseException | None = None
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    @property
    def empty(self) -> bool:
        """Whether nothing waits to be read."""
        return not self._items

    @property
    def full(self) -> bool:
        """Whether a writer would wait."""
        return not self._writable.is_set()

    async def put(self, item: _Item) -> None:
        """Adds an item, waiting for room."""
        await self.wait_for_room()
        self.put_now(item)

    async def wait_for_room(self) -> None:
        """Waits until an item may be put."""
        while not self._writable.is_set():
            await self._writable.wait()

    def put_now(self, item: _Item) -> None:
        """Adds an item even if the channel is full: for the few that must not wait."""
        if self._closed or self._abandoned:
            return
        self._items.append(item)
        self._held += self._size(item)
        self._readable.set()
        if self._held >= self._capacity:
            self._writable.clear()

    def discard(self, stale: Callable[[_Item], bool]) -> None:
        """Drops those waiting items that are stale."""
        self._items = deque(item for item in self._items if not stale(item))
        self._held = sum(map(self._size, self._items))
        if self._held < self._capacity:
            self._writable.set()

    def close(self, error: BaseException | None = None) -> None:
        """Nothing more will be put."""
        if not self._closed:
            self._closed = True
            self._error = error
            self._readable.set()
            self._writable.set()

    def abandon(self) -> None:
        """Nothing more will be read."""
        self._abandoned = True
        self._items.clear()
        self._writable.set()

    async def get(self) -> _Item | None:
        """The next item; None once the channel is closed and empty; raises its error then."""
        while not self._items:
            if self._closed:
                if self._error is not None:
                    raise self._error
                return None
            self._readable.clear()
            await self._readable.wait()
        item = self._items.popleft()
        # an empty channel holds exactly nothing, whatever the sums of fractions come to
        self._held = self._held - self._size(item) if self._items else 0.0
        if self._held < self._capacity:
            self._writable.set()
        return item

    async def __aiter__(self) -> AsyncIterator[_Item]:
        """The items up to the end."""
        while (item := await self.get()) is not None:
            yield item

    async def batches(self) -> AsyncIterator[list[_Item]]:
        """The items up to the end, all that wait at a time: a reader that is late catches up."""
        while (first := await self.get()) is not None:
            batch = [first]
            while self._items and (item := await self.get()) is not None:
                batch.append(item)
            yield batch
