"""When speech is made, and what is said of the time that it took."""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable

import numpy as np
import pytest

from linly_mesh.workload import Workload
from linly_tts.audio.encoding import AudioFormat, Encoding
from linly_tts.engine import Speech, Viseme, VisemeSpan, Voice
from linly_tts.events import Cancelled, Spoken
from linly_tts.session import Manner, SpeechSession

from .metronome import VOICE, Metronome, everything, spoken


async def two_clauses(session: SpeechSession, engine: Metronome) -> asyncio.Task:
    """The events of a stream of two clauses, once the engine waits in the first."""
    await session.script.add("a", "One. Two. ")
    session.script.end()
    listening = asyncio.create_task(everything(session))
    await engine.waits.wait()
    return listening


async def test_timing_counts_from_the_text_that_ends_the_clause_or_from_its_turn(
    session: SpeechSession, engine: Metronome
) -> None:
    engine.may_speak.clear()
    listening = await two_clauses(session, engine)
    await asyncio.sleep(0.05)
    engine.may_speak.set()
    first, second = [c.timing for c in spoken(await listening) if c.timing]
    assert first.compute >= 0.045
    assert first.first_output == pytest.approx(first.queue_wait + first.compute)
    assert second.first_output < 0.045, "what it stood behind was its own stream"


async def test_a_queue_at_the_engine_is_waited_in(
    session: SpeechSession, engine: Metronome, workload: Workload
) -> None:
    engine.may_begin.clear()
    listening = await two_clauses(session, engine)
    assert workload.snapshot().queued == 1, "one clause of a stream at a time"
    await asyncio.sleep(0.05)
    engine.may_begin.set()
    first, _ = [c.timing for c in spoken(await listening) if c.timing]
    assert first.queue_wait >= 0.045
    assert first.compute < 0.045


class Incremental(Metronome):
    """An engine that says ten seconds for each clause, in pieces as long as they are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.made = 0

    async def synthesize(
        self, text: str, voice: Voice, rate: float, piece: float, begin: Callable[[], None]
    ) -> AsyncGenerator[Speech]:
        begin()
        size = 10_000 if math.isinf(piece) else round(piece * voice.sample_rate)
        for at in range(0, 10_000, size):
            self.made += size
            yield Speech(np.zeros(size, np.int16), (), (VisemeSpan(Viseme.AA, at, size),))


@pytest.fixture
def incremental() -> Incremental:
    return Incremental()


@pytest.fixture
def paced(incremental: Incremental, workload: Workload) -> SpeechSession:
    output = AudioFormat(Encoding.LINEAR16, VOICE.sample_rate)
    return SpeechSession(incremental, Manner(VOICE, 1.0, output, max_ahead=0.9), workload)


async def test_no_more_is_made_than_a_caller_wants_ahead(
    paced: SpeechSession, incremental: Incremental
) -> None:
    await paced.script.add("a", "One. Two. ")
    paced.script.end()
    heard = 0.0
    most = 0.0
    async for event in paced.events():
        if isinstance(event, Spoken):
            heard = event.offset + len(event.audio) / 2 / VOICE.sample_rate
            most = max(most, incremental.made / 1000 - heard)
            paced.progress(heard)
    assert heard == 20.0
    assert most <= 0.9


async def test_a_caller_that_reports_seldom_is_waited_for(
    paced: SpeechSession, incremental: Incremental, workload: Workload
) -> None:
    await paced.script.add("a", "One. ")
    listening = asyncio.create_task(everything(paced))
    for reported in (0.0, 0.2, 0.1, 3.0):  # a report that goes back changes nothing
        paced.progress(reported)
        await asyncio.sleep(0.05)  # time in which an engine that ran ahead would
        furthest = max(reported, 0.2 if reported else 0.0)
        assert furthest + 0.4 <= incremental.made / 1000 <= furthest + 0.9
    paced.cancel()
    paced.script.end()
    assert isinstance((await listening)[-2], Cancelled)
    assert workload.snapshot().idle


async def test_a_clause_that_waits_for_its_listener_is_neither_slow_nor_in_a_queue(
    paced: SpeechSession, workload: Workload
) -> None:
    await paced.script.add("a", "One. Two. ")
    paced.script.end()
    timings = []
    async for event in paced.events():
        if isinstance(event, Spoken):
            assert workload.snapshot().queued == 0
            timings += [event.timing] if event.timing else []
            heard = event.offset + len(event.audio) / 2 / VOICE.sample_rate
            asyncio.get_running_loop().call_later(0.002, paced.progress, heard)
    assert len(timings) == 2
    assert max(timing.first_output for timing in timings) < 0.05
