import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import numpy as np

from linly_asr.endpointing import FRAME, Endpointing
from linly_asr.engine import (
    Alternative,
    Event,
    Flushed,
    Recognition,
    Samples,
    SpeechBegin,
    SpeechEnd,
    Transcript,
    Word,
)
from linly_asr.listening import Listener
from linly_asr.recognizer import AudioBlock, EndOfAudio, Flush, Input, Recognizer
from linly_mesh.workload import Workload

RULES = Endpointing(
    min_speech=0.096, early_silence=0.192, end_silence=0.48, threshold=0.5, max_utterance=30.0
)


class CountingUtterance:
    """Its transcript is a word per feed."""

    def __init__(self) -> None:
        self.feeds = 0
        self.closed = False
        self.may_finish = asyncio.Event()
        self.may_finish.set()

    async def feed(self, samples: Samples) -> str:
        self.feeds += 1
        return "word " * self.feeds

    async def finish(self, max_alternatives: int) -> Recognition:
        taken_up = time.monotonic()
        await self.may_finish.wait()
        words = (Word("word", 0.25, 0.5, 0.9),)
        return Recognition((Alternative("word", 0.9, words),), taken_up, 0.125)

    def close(self) -> None:
        self.closed = True


class CountingEngine:
    name = model = "counting"
    languages = ("en-US",)
    max_concurrency = 1

    def __init__(self) -> None:
        self.workload = Workload()
        self.utterances: list[CountingUtterance] = []
        self.may_open = asyncio.Event()
        self.may_open.set()

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def open(self) -> CountingUtterance:
        await self.may_open.wait()
        self.utterances.append(CountingUtterance())
        return self.utterances[-1]


def block(speech: bool, frames: int) -> AudioBlock:
    return AudioBlock(np.full(frames * FRAME, 1.0 if speech else 0.0, np.float32), time.monotonic())


async def stream(*items: Input) -> AsyncIterator[Input]:
    for item in items:
        yield item
    yield EndOfAudio(time.monotonic())


def recognizer(engine: CountingEngine, *, interim_results: bool = True) -> Recognizer:
    listener = Listener(lambda frame: float(frame[0]), RULES, 0.096)
    return Recognizer(engine, listener, interim_results=interim_results, max_alternatives=1)


async def events(*items: Input, interim_results: bool = True) -> list[Event]:
    run = recognizer(CountingEngine(), interim_results=interim_results).run(stream(*items))
    return [event async for event in run]


async def test_an_utterance_is_begin_interims_end_final() -> None:
    begin, *interims, end, final = await events(block(False, 10), block(True, 10), block(False, 20))
    assert begin == SpeechBegin("u1", 0.32)
    assert end == SpeechEnd("u1", 0.64, 1.12)
    assert isinstance(final, Transcript)
    assert final.is_final
    assert all(isinstance(each, Transcript) and not each.is_final for each in interims)


async def test_the_interim_after_early_silence_has_stability_one_and_others_none() -> None:
    seen = await events(block(True, 10), block(False, 20))
    stabilities = [e.stability for e in seen if isinstance(e, Transcript) and not e.is_final]
    assert stabilities[-1] == 1.0
    assert set(stabilities[:-1]) == {None}


async def test_no_interims_unless_asked_for() -> None:
    seen = await events(block(True, 10), block(False, 20), interim_results=False)
    assert [e.is_final for e in seen if isinstance(e, Transcript)] == [True]


async def test_word_offsets_count_from_the_start_of_the_stream() -> None:
    seen = await events(block(False, 10), block(True, 10), block(False, 20))
    (word,) = seen[-1].alternatives[0].words
    assert (word.start, word.end) == (0.32 - 0.096 + 0.25, 0.32 - 0.096 + 0.5)


async def test_the_final_accounts_for_its_time() -> None:
    timing = (await events(block(True, 10), block(False, 20)))[-1].timing
    assert timing.compute == 0.125
    assert 0 <= timing.queue_wait <= timing.first_output < 1


async def test_utterances_have_ids_of_their_own() -> None:
    seen = await events(*(block(True, 10), block(False, 20)) * 3)
    assert [e.utterance_id for e in seen if isinstance(e, SpeechEnd)] == ["u1", "u2", "u3"]


async def test_flush_finishes_the_open_utterance_and_is_answered() -> None:
    seen = await events(block(True, 10), Flush(0.32, time.monotonic()), block(False, 20))
    kinds = [type(e) for e in seen if not (isinstance(e, Transcript) and not e.is_final)]
    assert kinds == [SpeechBegin, SpeechEnd, Transcript, Flushed]


async def test_flush_in_silence_is_answered_alone() -> None:
    assert await events(block(False, 10), Flush(0.32, time.monotonic())) == [Flushed(0.32)]


async def test_the_end_of_speech_is_told_before_its_transcript_is_ready() -> None:
    engine = CountingEngine()
    run = recognizer(engine, interim_results=False).run(stream(block(True, 10), block(False, 20)))
    async with aclosing(run):
        assert isinstance(await anext(run), SpeechBegin)
        assert isinstance(await anext(run), SpeechEnd)
        engine.utterances[0].may_finish.clear()
        final = asyncio.ensure_future(anext(run))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not final.done()
        engine.utterances[0].may_finish.set()
        assert isinstance(await final, Transcript)


async def test_audio_is_not_read_on_while_the_engine_is_busy() -> None:
    engine = CountingEngine()
    engine.may_open.clear()
    read = 0

    async def speech() -> AsyncIterator[Input]:
        nonlocal read
        while True:
            read += 1
            yield block(True, 3)

    run = recognizer(engine).run(speech())
    await anext(run)
    waiting = asyncio.ensure_future(anext(run))
    for _ in range(100):
        await asyncio.sleep(0)
    assert read == 1
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_leaving_early_closes_the_open_utterance() -> None:
    engine = CountingEngine()
    async with aclosing(recognizer(engine).run(stream(block(True, 10)))) as run:
        async for event in run:
            if isinstance(event, Transcript):
                break
    assert [utterance.closed for utterance in engine.utterances] == [True]


async def test_cancelling_closes_the_utterance_that_is_finishing() -> None:
    engine = CountingEngine()

    async def read_all() -> None:
        async for event in recognizer(engine).run(stream(block(True, 10), block(False, 20))):
            if isinstance(event, SpeechBegin):
                continue
            engine.utterances[0].may_finish.clear()
            if isinstance(event, SpeechEnd):
                ended.set()

    ended = asyncio.Event()
    task = asyncio.create_task(read_all())
    await ended.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert engine.utterances[0].closed
