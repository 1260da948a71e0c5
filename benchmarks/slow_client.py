"""What a client costs that stops reading in the middle of a long speech."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from benchmarks.accounting import descendants, freeze, memory, thaw
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Figure, at_most, figure
from benchmarks.fleet import Fleet, real_mesh
from benchmarks.progress import say
from benchmarks.statistics import over_rounds
from linly_client.errors import TalkError
from linly_client.events import Audio, Frames, TurnEnded
from linly_client.options import Playback, TalkOptions
from linly_client.talk import Talk, TalkClient

_ROUNDS = 3
_READ = 3.0
"""Seconds of speech that are read before the client stops."""
_STALL = 6.0
"""Seconds for which it does not read."""
_LIMIT = 60.0
"""Seconds after which the talk has failed."""
_LOOK = 0.25
"""Seconds between two looks at the memory."""
_QUIET = 0.7
"""Seconds without an event after which nothing more is on its way."""
_TEXT = " ".join(
    f"Sentence number {number} tells of the sea, the wind and a small boat." for number in range(80)
)
_PLAYBACK = (Playback.REAL_TIME, Playback.SENT)
"""At a pace, and as fast as it goes: there only the reader's pace holds the chain back. A client
that promised to report its playback and stops has its turn ended instead."""


@dataclass(slots=True)
class _Reader:
    """Reads a talk, or does not."""

    talk: Talk
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    audio: float = 0.0
    """Seconds of speech read."""
    video: float = 0.0
    """Seconds of video read."""
    received: int = 0
    """Events read."""

    async def run(self) -> None:
        """Reads while ``reads`` is set."""
        await self.reads.wait()
        async for event in self.talk:
            self.received += 1
            match event:
                case Audio(duration=duration):
                    self.audio += duration
                case Frames(frames=frames, turn_id=turn) if turn:
                    self.video += sum(frame.duration for frame in frames)
                case TurnEnded(error=error):
                    raise BenchmarkError(f"the speech of a slow client ended: {error}")
            await self.reads.wait()

    async def until_quiet(self) -> None:
        """Until nothing more comes."""
        seen = -1
        while seen != self.received:
            seen = self.received
            await asyncio.sleep(_QUIET)


@dataclass(frozen=True, slots=True)
class _Stall:
    growth: float
    """MiB that all processes together grew by while the client did not read."""
    audio_ahead: float
    """Seconds of speech that had been made and not read."""
    video_ahead: float
    """Seconds of video that came of it."""


async def measure(*, brief: bool) -> list[Figure]:
    """Growth of memory over the whole chain, and media made ahead."""
    stalls: dict[Playback, list[_Stall]] = defaultdict(list)
    async with real_mesh() as fleet:
        for playback in _PLAYBACK:
            await _stall(fleet, playback)  # buffers and caches grow once
        for index in range(1 if brief else _ROUNDS):
            for playback in _PLAYBACK:
                say(f"slow client: round {index + 1}, playback {playback}")
                stalls[playback].append(await _stall(fleet, playback))
    return _figures(stalls)


async def _stall(fleet: Fleet, playback: Playback) -> _Stall:
    options = TalkOptions(playback=playback)
    async with TalkClient(fleet.target("orchestrator")).converse(options, timeout=_LIMIT) as talk:
        reader = _Reader(talk)
        running = asyncio.create_task(reader.run())
        try:
            await talk.say(_TEXT)
            reader.reads.set()
            while reader.audio < _READ:
                await asyncio.sleep(_LOOK / 10)
                _check(running)
            reader.reads.clear()
            growth = await _growth(fleet)
            return await _made_ahead(fleet, reader, growth)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError, TalkError):
                await running


async def _growth(fleet: Fleet) -> float:
    before = _memory(fleet)
    most = before
    for _ in range(round(_STALL / _LOOK)):
        await asyncio.sleep(_LOOK)
        most = max(most, _memory(fleet))
    return most - before


def _memory(fleet: Fleet) -> float:
    """MiB of all processes; copies of a process share most of theirs."""
    return sum(memory(pid).pss for pid in fleet.pids.values())


async def _made_ahead(fleet: Fleet, reader: _Reader, growth: float) -> _Stall:
    """Reads on with the voice held still: what comes had been made already."""
    voice = descendants(fleet.pids["tts"])
    if not voice:
        raise BenchmarkError("the speech service has no worker process that could be held still")
    audio, video = reader.audio, reader.video
    freeze(voice)
    try:
        reader.reads.set()
        await reader.until_quiet()
    finally:
        thaw(voice)
    return _Stall(growth, reader.audio - audio, reader.video - video)


def _check(running: "asyncio.Task[None]") -> None:
    if running.done():
        running.result()
        raise BenchmarkError("the talk of a slow client ended")


def _figures(stalls: Mapping[Playback, Sequence[_Stall]]) -> list[Figure]:
    figures = []
    for playback, rounds in stalls.items():
        growth = over_rounds([stall.growth for stall in rounds])
        audio = over_rounds([stall.audio_ahead for stall in rounds])
        video = over_rounds([stall.video_ahead for stall in rounds])
        name = f"slow_client.{{}}.playback_{playback}"
        figures += [
            figure(name.format("memory_growth"), growth, "MiB", at_most(5)),
            figure(name.format("audio_made_ahead"), audio, "s", at_most(1)),
            figure(name.format("video_after_resuming"), video, "s"),
        ]
    return figures
