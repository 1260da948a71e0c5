import asyncio

import pytest

from linly_orchestrator.channel import Channel


async def settled() -> None:
    """Lets every task go as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_items_come_out_in_order_and_then_it_ends():
    channel: Channel[int] = Channel(3)
    for n in range(3):
        await channel.put(n)
    channel.close()
    assert [n async for n in channel] == [0, 1, 2]
    assert await channel.get() is None


async def test_a_reader_that_is_late_catches_up_in_one_step():
    channel: Channel[int] = Channel(5)

    async def reader() -> list[list[int]]:
        return [batch async for batch in channel.batches()]

    reading = asyncio.create_task(reader())
    await settled()
    for items in ((0,), (1, 2, 3), (4,)):
        for item in items:
            await channel.put(item)
        await settled()
    channel.close()
    assert await reading == [[0], [1, 2, 3], [4]]


async def test_a_full_channel_makes_its_writer_wait_until_there_is_room():
    channel: Channel[int] = Channel(2)
    await channel.put(1)
    await channel.put(2)
    assert channel.full
    writing = asyncio.create_task(channel.put(3))
    await settled()
    assert not writing.done()
    assert await channel.get() == 1
    await writing
    assert [await channel.get(), await channel.get()] == [2, 3]


async def test_many_writers_never_overfill_it_and_lose_nothing():
    channel: Channel[int] = Channel(2)
    held = most = 0
    seen = []

    async def write(first: int) -> None:
        nonlocal held, most
        for n in range(first, first + 20):
            await channel.wait_for_room()
            channel.put_now(n)
            held += 1
            most = max(most, held)

    async def read() -> None:
        nonlocal held
        async for n in channel:
            held -= 1
            seen.append(n)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        group.create_task(read())
        writers = [group.create_task(write(first)) for first in (0, 100, 200)]
        await asyncio.wait(writers)
        channel.close()
    assert most == 2
    assert sorted(seen) == [*range(20), *range(100, 120), *range(200, 220)]
    assert [n for n in seen if n < 100] == list(range(20))


async def test_what_must_not_wait_overfills_it():
    channel: Channel[int] = Channel(1)
    channel.put_now(1)
    channel.put_now(2)
    assert await channel.get() == 1
    assert channel.full
    assert await channel.get() == 2
    assert not channel.full


async def test_capacity_may_be_counted_in_what_items_hold():
    channel: Channel[bytes] = Channel(0.3, lambda item: len(item) / 10)
    channel.put_now(b"")
    channel.put_now(b"x")
    assert not channel.full
    channel.put_now(b"xx")
    assert channel.full
    channel.discard(lambda item: item == b"x")
    assert not channel.full
    channel.put_now(b"x")
    assert channel.full
    assert [await channel.get() for _ in range(3)] == [b"", b"xx", b"x"]
    channel.put_now(b"xx")
    assert not channel.full  # nothing is left over of what was counted in fractions


async def test_an_error_comes_after_what_was_there_before_it():
    channel: Channel[int] = Channel(3)
    channel.put_now(1)
    channel.close(ValueError("broken"))
    assert await channel.get() == 1
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            await channel.get()


async def test_closing_twice_keeps_the_first_reason():
    channel: Channel[int] = Channel(3)
    channel.close()
    channel.close(ValueError("too late"))
    assert await channel.get() is None


async def test_what_is_put_after_the_end_is_dropped():
    channel: Channel[int] = Channel(1)
    channel.close()
    await channel.put(1)
    assert await channel.get() is None


async def test_closing_wakes_a_reader_and_a_writer_that_wait():
    empty: Channel[int] = Channel(1)
    reading = asyncio.create_task(empty.get())
    full: Channel[int] = Channel(1)
    full.put_now(1)
    writing = asyncio.create_task(full.put(2))
    await settled()
    empty.close()
    full.close()
    assert await reading is None
    await writing
    assert [item async for item in full] == [1]


async def test_an_abandoned_channel_lets_its_writers_run_on():
    channel: Channel[int] = Channel(1)
    channel.put_now(1)
    writing = [asyncio.create_task(channel.put(n)) for n in range(3)]
    await settled()
    channel.abandon()
    await asyncio.gather(*writing)
    await channel.put(5)
    assert not channel.full


async def test_discarding_what_is_stale_makes_room():
    channel: Channel[int] = Channel(3)
    for n in range(3):
        channel.put_now(n)
    writing = asyncio.create_task(channel.put(3))
    await settled()
    channel.discard(lambda n: n % 2 == 0)
    await writing
    assert [await channel.get(), await channel.get()] == [1, 3]


async def test_a_reader_that_was_cancelled_loses_nothing():
    channel: Channel[int] = Channel(1)
    reading = asyncio.create_task(channel.get())
    await settled()
    reading.cancel()
    await settled()
    channel.put_now(1)
    assert await channel.get() == 1
