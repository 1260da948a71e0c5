import asyncio
import math
import multiprocessing
from collections.abc import AsyncIterator
from contextlib import aclosing
from multiprocessing.process import BaseProcess

import numpy as np
import psutil
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


def same(one: Speech, other: Speech) -> bool:
    described = (one.words, one.visemes) == (other.words, other.visemes)
    return described and np.array_equal(one.samples, other.samples)


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
        assert same(speech, alone[job])


async def test_a_crash_costs_the_clause_that_caused_it(engine: EspeakEngine) -> None:
    speaking = asyncio.Event()

    async def crash() -> None:
        text = "a very long clause " * 40_000
        async for _ in engine.synthesize(text, voice(engine, "en-us"), 1.0, 0.5, lambda: None):
            speaking.set()

    crashing = asyncio.create_task(crash())
    await speaking.wait()
    waiting = asyncio.create_task(say(engine, "Still here."))
    await asyncio.sleep(0)
    for copy in psutil.Process(worker().pid).children():  # the one that waits for work as well
        copy.kill()
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


TEXTS = {
    "en-us": [
        "When the tide went out, the old fisherman counted the shells that the sea had left.",
        'Fifty-five 1,000 people don\'t mind; "out of" the blue: (well) he said at 12:30 pm.',
        "Peter Piper picked a peck of pickled peppers; Bob may put a map upon my palm, maybe.",
        '"Quoted" -- and http://www.example.com/a?b=c, 3.14159 and $1,234,567.89 in the U.S.A.',
        "Привет мир and שלום and ελληνικά in one English sentence of many scripts",
        "Hm.",
    ],
    "de": ["Grüße aus München, wo der Föhn über die Berge zieht und alle Kopfschmerzen haben,"],
    "cmn": ["你好世界，今天天气很好我们去公园吧，明天也许会下雨。"],
    "fr-fr": ["Je n'ai pas l'habitude d'aller à l'école, mais aujourd'hui c'est différent."],
}


@pytest.mark.parametrize("rate", [0.3, 0.6, 1.0, 2.0])
async def test_the_pieces_of_a_clause_are_the_clause_whatever_their_length(
    engine: EspeakEngine, rate: float
) -> None:
    for name, texts in TEXTS.items():
        for text in texts:
            (whole,) = await pieces(engine, text, name, rate, math.inf)
            for length in (0.05, 0.25, 0.7):
                cut = await pieces(engine, text, name, rate, length)
                assert same(joined(cut), whole)
                at = 0
                for piece in cut:
                    end = at + len(piece.samples)
                    assert all(at <= t.offset < end for t in (*piece.words, *piece.visemes))
                    at = end


async def test_a_piece_is_about_as_long_as_it_is_to_be(engine: EspeakEngine) -> None:
    text = TEXTS["en-us"][0]
    cut = await pieces(engine, text, "en-us", 1.0, 0.25)
    lengths = [len(piece.samples) / 22_050 for piece in cut[:-1]]
    assert min(lengths) >= 0.25
    assert max(lengths) < 0.8
    assert sum(lengths) / len(lengths) < 0.5


async def test_clauses_that_wait_in_the_middle_hold_up_nobody(engine: EspeakEngine) -> None:
    text = TEXTS["en-us"][0]
    whole = joined(await pieces(engine, text, "en-us", 1.0, 0.25))
    speaker = voice(engine, "en-us")
    waiting = [engine.synthesize(text, speaker, 1.0, 0.25, lambda: None) for _ in range(8)]
    begun = [[await anext(clause)] for clause in waiting]
    async with asyncio.timeout(2):
        await say(engine, "Somebody else.")
    for first, clause in zip(begun, waiting, strict=True):
        assert same(joined([*first, *[piece async for piece in clause]]), whole)


async def test_a_clause_that_is_let_go_in_the_middle_leaves_no_process(
    engine: EspeakEngine,
) -> None:
    clause = engine.synthesize(TEXTS["en-us"][0], voice(engine, "en-us"), 1.0, 0.25, lambda: None)
    await anext(clause)
    await clause.aclose()
    await say(engine, "Next.")
    async with asyncio.timeout(2):
        while len(psutil.Process(worker().pid).children()) > 1:  # the one that waits for work
            await asyncio.sleep(0.01)


async def pieces(
    engine: EspeakEngine, text: str, name: str, rate: float, length: float
) -> list[Speech]:
    clause = engine.synthesize(text, voice(engine, name), rate, length, lambda: None)
    return [piece async for piece in clause]


def joined(pieces: list[Speech]) -> Speech:
    return Speech(
        np.concatenate([piece.samples for piece in pieces]),
        tuple(word for piece in pieces for word in piece.words),
        tuple(viseme for piece in pieces for viseme in piece.visemes),
    )
