"""So many run, so many wait, and the next is refused."""

import asyncio

import pytest

from linly_llm.admission import Admission
from linly_llm.engine import QueueFullError


async def hold(admission: Admission, entered: list[int], number: int, leave: asyncio.Event):
    async with admission.place():
        entered.append(number)
        await leave.wait()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_places_are_given_in_order_and_the_queue_is_bounded():
    admission, entered, leave = Admission(places=1, max_waiting=2), [], asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(hold(admission, entered, number, leave))
            await settle()
        assert entered == [0]
        with pytest.raises(QueueFullError):
            await hold(admission, entered, 3, leave)
        leave.set()
    assert entered == [0, 1, 2]


async def test_who_gives_up_waiting_frees_the_place_in_the_queue():
    admission, entered, leave = Admission(places=1, max_waiting=1), [], asyncio.Event()
    first = asyncio.create_task(hold(admission, entered, 0, leave))
    await settle()
    second = asyncio.create_task(hold(admission, entered, 1, leave))
    await settle()
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    third = asyncio.create_task(hold(admission, entered, 2, leave))
    await settle()
    leave.set()
    await asyncio.gather(first, third)
    assert entered == [0, 2]


async def test_without_a_queue_a_free_place_is_still_given():
    admission = Admission(places=1, max_waiting=0)
    async with admission.place():
        with pytest.raises(QueueFullError):
            await admission.place().__aenter__()
    async with admission.place():
        pass
