import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from linly_asr.arrivals import arrivals


class Source:
    """A stream that is fed by the test and knows how much was read of it."""

    def __init__(self, *items: bytes, error: Exception | None = None) -> None:
        self.items = items
        self.error = error
        self.read = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            for item in self.items:
                self.read += 1
                yield item
            if self.error is not None:
                raise self.error
        finally:
            self.closed = True


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_items_come_in_order_then_the_end() -> None:
    got = [pair async for pair in arrivals(aiter(Source(b"a", b"bc")), len, 10)]
    assert [item for _, item in got] == [b"a", b"bc", None]
    times = [arrived for arrived, _ in got]
    assert times == sorted(times)


async def test_the_arrival_is_told_even_if_it_is_looked_at_late() -> None:
    async with aclosing(arrivals(aiter(Source(b"a", b"b")), len, 10)) as stream:
        first, _ = await anext(stream)
        await asyncio.sleep(0.05)
        second, _ = await anext(stream)
        assert second - first < 0.04


async def test_no_more_is_read_than_the_limit_and_one_item() -> None:
    source = Source(*[bytes(10)] * 100)
    async with aclosing(arrivals(aiter(source), len, 30)) as stream:
        await anext(stream)
        await settle()
        assert source.read <= 5
        await anext(stream)
        await settle()
        assert source.read <= 6


async def test_an_error_comes_after_what_was_before_it() -> None:
    got = []
    with pytest.raises(ValueError, match="broken"):
        async for _, item in arrivals(aiter(Source(b"a", error=ValueError("broken"))), len, 10):
            got.append(item)
    assert got == [b"a"]


async def test_who_leaves_early_leaves_no_reader_behind() -> None:
    before = asyncio.all_tasks()
    async with aclosing(arrivals(aiter(Source(*[b"a"] * 100)), len, 5)) as stream:
        await anext(stream)
    assert asyncio.all_tasks() == before
