"""Talks at an equal offered load, before stages that only sleep."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import perf_counter as now  # uvloop's own clock counts whole milliseconds

from benchmarks.errors import BenchmarkError
from linly_client.events import Audio, Event, Frames, TurnEnded
from linly_client.options import Microphone, Playback, TalkOptions
from linly_client.talk import Talk, TalkClient
from linly_mesh.rpc.target import Target

PERIOD = 2.5
"""Seconds from the begin of a talk's turn to the begin of its next."""
_RATE = 16_000
_CHUNK = 0.02
_LIMIT = 120.0
"""Seconds after which a talk has failed."""
_SILENCE, _SPEECH = bytes(640), b"\x01\x10" * 320
_SILENT_CHUNKS, _SPOKEN_CHUNKS = 20, 5
"""Half a second; the stub gives an interim transcript for each spoken chunk, which a real
recogniser does five to ten times a second."""


@dataclass(frozen=True, slots=True)
class StubTurn:
    """One turn as the client saw it; seconds from the end of its audio."""

    first_audio: float
    first_frame: float
    end: float
    own_account: float | None
    """The overhead that the orchestrator itself reports."""


async def offer(target: str | Target, talks: int, turns: int) -> list[StubTurn]:
    """Holds ``talks`` at once, whose turns begin spread over the period.

    Raises:
        BenchmarkError: a turn failed or came back incomplete.
    """
    opened = asyncio.Barrier(talks)
    async with asyncio.TaskGroup() as group:
        held = [
            group.create_task(_hold(target, turns, opened, index / talks * PERIOD))
            for index in range(talks)
        ]
    return [turn for task in held for turn in task.result()]


async def _hold(
    target: str | Target, turns: int, opened: asyncio.Barrier, delay: float
) -> list[StubTurn]:
    # what was sent counts as played, so that the stages run at full speed
    microphone = Microphone(sample_rate=_RATE, interim_results=False)
    options = TalkOptions(microphone=microphone, playback=Playback.SENT, barge_in=False)
    async with TalkClient(target).converse(options, timeout=_LIMIT) as talk:
        events = aiter(talk)
        await anext(events)
        await opened.wait()  # no turn pays for the opening of another talk
        begin = now() + delay
        done = []
        for index in range(turns):
            await _sleep_until(begin + index * PERIOD)
            asked = await _ask(talk)
            done.append(await _answer(events, asked))
        await talk.end()
    return done


async def _ask(talk: Talk) -> float:
    """Speaks; returns when the audio ended."""
    begin = now()
    chunks = [_SILENCE] * _SILENT_CHUNKS + [_SPEECH] * _SPOKEN_CHUNKS
    for index, chunk in enumerate(chunks, start=1):
        await _sleep_until(begin + index * _CHUNK)
        await talk.send_audio(chunk)
    asked = now()
    await talk.end_of_audio()
    return asked


async def _answer(events: AsyncIterator[Event], asked: float) -> StubTurn:
    first_audio = first_frame = None
    async for event in events:
        match event:
            case Audio() if first_audio is None:
                first_audio = now() - asked
            case Frames() if first_frame is None:
                first_frame = now() - asked
            case TurnEnded(error=error, metrics=metrics):
                if error is not None or first_audio is None or first_frame is None:
                    why = error or "it ended without audio or frames"
                    raise BenchmarkError(f"a turn of the stubs failed: {why}")
                return StubTurn(first_audio, first_frame, now() - asked, metrics.overhead)
    raise BenchmarkError("a talk with the stubs ended before its turn did")


async def _sleep_until(when: float) -> None:
    await asyncio.sleep(when - now())
