import asyncio

import pytest

from linly_mesh.rpc.status import error_info
from linly_orchestrator.stages.errors import StageError, StallGuard

from .virtual_time import now, run


class Stage:
    """Answers at given moments."""

    def __init__(self, *moments: float) -> None:
        self._moments = list(moments)

    async def read(self) -> float:
        if not self._moments:
            await asyncio.Event().wait()
        await asyncio.sleep(self._moments.pop(0) - now())
        return now()


def guard() -> StallGuard:
    return StallGuard("llm", first_output=5.0, gap=2.0)


def test_a_stage_that_owes_nothing_may_be_silent_for_ever():
    async def turn() -> None:
        assert await guard().read(Stage(1_000.0).read) == 1_000.0

    run(turn())


def test_the_first_output_and_later_ones_have_limits_of_their_own():
    async def turn() -> None:
        watch, stage = guard(), Stage(4.9, 6.8)
        watch.owe()
        assert await watch.read(stage.read) == 4.9
        assert await watch.read(stage.read) == 6.8
        with pytest.raises(StageError) as caught:
            await watch.read(stage.read)
        assert now() == pytest.approx(8.8)
        info = error_info(caught.value.status)
        assert (info.domain, info.reason) == ("llm", "STAGE_SILENT")

    run(turn())


def test_a_debt_that_arises_while_the_reader_waits_counts_from_then():
    async def turn() -> None:
        watch = guard()
        reading = asyncio.create_task(watch.read(Stage().read))
        await asyncio.sleep(100.0)
        watch.owe()
        await asyncio.sleep(3.0)
        watch.owe()  # owing twice is no extension
        with pytest.raises(StageError):
            await reading
        assert now() == pytest.approx(105.0)

    run(turn())


def test_a_settled_debt_is_none():
    async def turn() -> None:
        watch = guard()
        watch.owe()
        reading = asyncio.create_task(watch.read(Stage(50.0).read))
        await asyncio.sleep(4.0)
        watch.settle()
        assert await reading == 50.0

    run(turn())


def test_a_reader_that_was_held_up_itself_blames_nobody():
    async def turn() -> None:
        watch = guard()
        watch.owe()
        await asyncio.sleep(60.0)
        assert await watch.read(Stage(64.0).read) == 64.0

    run(turn())


def test_a_stage_that_takes_no_input_and_gives_no_output_is_silent():
    async def turn() -> None:
        watch = guard()
        reading = asyncio.create_task(watch.read(Stage().read))
        await asyncio.sleep(10.0)
        with pytest.raises(StageError), watch.offering():
            await reading
        assert now() == pytest.approx(15.0)

    run(turn())


def test_input_that_was_taken_is_no_debt():
    async def turn() -> None:
        watch = guard()
        reading = asyncio.create_task(watch.read(Stage(100.0).read))
        for _ in range(10):
            with watch.offering():
                await asyncio.sleep(4.0)
        assert await reading == 100.0

    run(turn())


def test_input_that_was_taken_settles_no_debt():
    async def turn() -> None:
        watch = guard()
        reading = asyncio.create_task(watch.read(Stage().read))
        await asyncio.sleep(0)
        watch.owe()
        for _ in range(4):
            with watch.offering():
                await asyncio.sleep(1.0)
        with pytest.raises(StageError):
            await reading
        assert now() == pytest.approx(5.0)

    run(turn())


def test_errors_of_the_stage_come_through():
    async def broken() -> None:
        raise ValueError("broken")

    async def turn() -> None:
        with pytest.raises(ValueError, match="broken"):
            await guard().read(broken)

    run(turn())
