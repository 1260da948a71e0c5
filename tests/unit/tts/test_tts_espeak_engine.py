import asyncio
import math
import multiprocessing
from collections.abc import AsyncIterator
from contextlib import aclosing
from multiprocessing.process import BaseProcess

import pytest

from linly_tts.config import Settings
from linly_tts.engine import EngineError, Speech, Voice
from linly_tts.engines.espeak import create
from linly_tts.engines.espeak.engine import EspeakEngine


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[EspeakEngine]:
    engine = create(Settings())
    await engine.start()
    yield engine
    await engine.stop()


def voice(engine: EspeakEngine, name: str) -> Voice:
    return next(voice for voice in engine.voices if voice.name == name)


async def say(engine: EspeakEngine, text: str, name: str = "en-us") -> Speech:
    pieces = engine.synthesize(text, voice(engine, name), 1.0, math.inf, lambda: None)
    (speech,) = [piece async for piece in pieces]
    return speech


def worker() -> BaseProcess:
    (process,) = (p for p in multiprocessing.active_children() if p.name == "espeak")
    return process


async def test_clauses_of_several_streams_take_turns_and_are_not_mixed_up(
    engine: EspeakEngine,
) -> None:
    jobs = {
        ("One two three.", "en-us"), ("Eins zwei drei.", "de"), ("你好世界。", "cmn"),
        ("Un deux trois.", "fr-fr"), ("Hello.", "en-gb"),
    }  # fmt: skip
    alone = {job: await say(engine, *job) for job in jobs}
    together = await asyncio.gather(*(say(engine, *job) for job in [*jobs] * 4))
    for job, speech in zip([*jobs] * 4, together, strict=True):
        # the library breathes a little differently each time
        assert len(speech.samples) == pytest.approx(len(alone[job].samples), rel=0.05)
        assert [(w.start, w.end) for w in speech.words] == [
            (w.start, w.end) for w in alone[job].words
        ]


async def test_a_crash_costs_the_clause_that_caused_it(engine: EspeakEngine) -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def crash() -> None:
        text = "a very long clause " * 40_000
        begin = lambda: loop.call_soon_threadsafe(begun.set)  # noqa: E731
        async for _ in engine.synthesize(text, voice(engine, "en-us"), 1.0, math.inf, begin):
            pass

    crashing = asyncio.create_task(crash())
    await begun.wait()
    waiting = asyncio.create_task(say(engine, "Still here."))
    await asyncio.sleep(0)
    worker().kill()
    with pytest.raises(EngineError):
        await crashing
    assert len((await waiting).samples) > 10_000


async def test_a_library_that_died_in_between_is_replaced(engine: EspeakEngine) -> None:
    before = worker()
    before.kill()
    await asyncio.to_thread(before.join)
    assert len((await say(engine, "Still here.")).samples) > 10_000


async def test_a_cancelled_clause_stops_the_library(engine: EspeakEngine) -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    text = "a very long clause " * 40_000  # an hour of speech: seconds of work
    pieces = engine.synthesize(
        text, voice(engine, "en-us"), 1.0, math.inf, lambda: loop.call_soon_threadsafe(begun.set)
    )
    async with aclosing(pieces):
        job = asyncio.ensure_future(anext(pieces))
        await begun.wait()
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
    async with asyncio.timeout(1):
        await say(engine, "Next.")
