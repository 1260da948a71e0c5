import asyncio
from contextlib import aclosing

import pytest

from linly_mesh.workload import Workload
from linly_tts.engine import EngineError
from linly_tts.events import Cancelled, Finished, Flushed, Spoken
from linly_tts.session import SpeechSession

from .metronome import VOICE, Metronome, everything, spoken


async def test_speech_is_continuous_over_clauses_and_segments(
    session: SpeechSession, engine: Metronome, workload: Workload
) -> None:
    await session.script.add("a", "One. Tw")
    await session.script.add("a", "o. Three")
    await session.script.add("b", "Four. ")
    await session.script.add("a", "Five.")
    session.script.end()
    events = await everything(session)
    assert engine.asked == ["One.", " Two.", " Three", "Four.", "Five."]
    at = 0.0
    for chunk in spoken(events):
        assert chunk.offset == pytest.approx(at)
        at += len(chunk.audio) / 2 / VOICE.sample_rate
    assert events[-1] == Finished(5.0)
    words = [(c.segment_id, w.start, w.end) for c in spoken(events) for w in c.words]
    assert words == [("a", 0, 4), ("a", 4, 9), ("a", 9, 15), ("b", 0, 5), ("a", 15, 20)]
    assert [c.timing is not None for c in spoken(events)].count(True) == 5
    assert workload.snapshot().finished_total == 5
    assert workload.snapshot().idle


async def test_the_first_two_chunks_of_a_reply_are_small(session: SpeechSession) -> None:
    await session.script.add("a", "One.")
    session.script.flush()
    await session.script.add("a", "Two.")
    session.script.end()
    events = await everything(session)
    flushed = next(i for i, event in enumerate(events) if isinstance(event, Flushed))
    for reply in (events[:flushed], events[flushed:]):
        sizes = [len(chunk.audio) // 2 for chunk in spoken(reply)]
        assert sizes[:2] == [40, 40]
        assert set(sizes[2:-1]) == {80}


async def test_each_flush_is_answered_after_what_was_before_it(session: SpeechSession) -> None:
    session.script.flush()
    await session.script.add("a", "no mark")
    session.script.flush()
    session.script.flush()
    session.script.end()
    events = await everything(session)
    marks = [event for event in events if not isinstance(event, Spoken)]
    assert marks == [Flushed(0.0), Flushed(1.0), Flushed(1.0), Finished(1.0)]


async def test_nothing_that_has_a_sound_is_silence(
    session: SpeechSession, engine: Metronome, workload: Workload
) -> None:
    await session.script.add("a", "")
    await session.script.add("a", " \n\t 😀👍 ...\x00!")
    session.script.end()
    assert await everything(session) == [Finished(0.0)]
    assert engine.asked == []
    assert workload.snapshot().started_total == 0


async def test_cancel_stops_the_synthesis_and_drops_what_waits(
    session: SpeechSession, engine: Metronome, workload: Workload
) -> None:
    engine.may_speak.clear()
    await session.script.add("a", "One. Two. Three. And held back")
    listening = asyncio.create_task(everything(session))
    await engine.waits.wait()
    session.cancel()
    session.script.end()
    assert await listening == [Cancelled(0.0), Finished(0.0)]
    assert engine.stopped == ["One."]
    assert workload.snapshot().cancelled_total == 1  # the engine was never asked for the others
    assert workload.snapshot().idle


async def test_after_cancel_no_unsent_audio_follows_but_new_text_is_spoken(
    session: SpeechSession, engine: Metronome, workload: Workload
) -> None:
    await session.script.add("a", "One. Two. ")
    async with aclosing(session.events()) as events:
        first = await anext(events)
        session.cancel()
        assert workload.snapshot().idle, "the model is idle before the reader reads on"
        await session.script.add("a", "Six.")
        session.script.end()
        rest = [event async for event in events]
    assert isinstance(first, Spoken)
    assert rest[0] == Cancelled(0.04)
    assert rest[-1] == Finished(1.04)
    assert engine.asked == ["One.", "Six."]
    assert [(w.start, w.end) for chunk in spoken(rest) for w in chunk.words] == [(10, 14)]


async def test_answers_owed_are_given_in_order_although_a_cancel_came(
    session: SpeechSession,
) -> None:
    await session.script.add("a", "One. ")
    session.script.flush()
    session.cancel()
    session.cancel()
    session.script.end()
    assert await everything(session) == [
        Flushed(0.0),
        Cancelled(0.0),
        Cancelled(0.0),
        Finished(0.0),
    ]


async def test_a_reader_that_stops_reading_stops_the_synthesis(
    session: SpeechSession, engine: Metronome, workload: Workload
) -> None:
    await session.script.add("a", "One. Two. Three.")
    events = session.events()
    await anext(events)
    await asyncio.sleep(0.05)  # time in which an engine that ran ahead would
    assert engine.asked == ["One."]
    await events.aclose()
    assert engine.stopped == ["One."]
    assert workload.snapshot().idle
    assert workload.snapshot().cancelled_total == 1


async def test_a_reader_that_goes_away_stops_a_synthesis_in_work(
    session: SpeechSession, engine: Metronome, workload: Workload
) -> None:
    engine.may_speak.clear()
    await session.script.add("a", "One. Two. ")
    listening = asyncio.create_task(everything(session))
    await engine.waits.wait()
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert engine.stopped == ["One."]
    assert workload.snapshot().idle


async def test_an_error_ends_the_stream_at_once(
    session: SpeechSession, engine: Metronome, workload: Workload
) -> None:
    engine.may_speak.clear()
    await session.script.add("a", "One. Two. ")
    listening = asyncio.create_task(everything(session))
    await engine.waits.wait()
    session.fail(ValueError("bad"))
    with pytest.raises(ValueError, match="bad"):
        await listening
    assert workload.snapshot().idle


async def test_a_clause_that_crashes_the_engine_fails_its_stream(
    session: SpeechSession, workload: Workload
) -> None:
    await session.script.add("a", "One. crash. Three.")
    session.script.end()
    with pytest.raises(EngineError):
        await everything(session)
    snapshot = workload.snapshot()
    assert (snapshot.finished_total, snapshot.failed_total, snapshot.cancelled_total) == (1, 1, 0)
    assert snapshot.idle


async def test_very_much_text_waits_outside(session: SpeechSession) -> None:
    taken = 0

    async def write() -> None:
        nonlocal taken
        for number in range(30):
            await session.script.add(str(number), "word " * 2_000)
            taken += 1

    writing = asyncio.create_task(write())
    async with aclosing(session.events()) as events:
        await anext(events)
        before = -1
        while before != taken:
            before = taken
            await asyncio.sleep(0.1)
        assert 10 <= taken <= 21, "of 300,000 code points at most about 200,000 wait"
        session.cancel()  # makes room
        async with asyncio.timeout(5):
            await writing
