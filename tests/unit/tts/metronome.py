"""An engine that keeps time, and what a session made with it."""

import asyncio
from collections.abc import AsyncGenerator, Callable

import numpy as np

from linly_tts.engine import EngineError, Speech, Viseme, VisemeSpan, Voice, Word
from linly_tts.events import SpeechEvent, Spoken
from linly_tts.session import SpeechSession

VOICE = Voice("test", ("en",), 1000)


class Metronome:
    """An engine that says a second for each clause, in pieces, when it is let."""

    model, max_concurrency, voices = "metronome", 1, (VOICE,)

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.stopped: list[str] = []
        self.may_speak = asyncio.Event()
        self.may_speak.set()
        self.may_begin = asyncio.Event()
        self.may_begin.set()
        self.waits = asyncio.Event()

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    async def synthesize(
        self, text: str, voice: Voice, rate: float, piece: float, begin: Callable[[], None]
    ) -> AsyncGenerator[Speech]:
        self.asked.append(text)
        if not self.may_begin.is_set():
            self.waits.set()
            await self.may_begin.wait()
        begin()
        try:
            for at in (0, 500):
                self.waits.set()
                await self.may_speak.wait()
                if "crash" in text:
                    raise EngineError("crashed")
                yield Speech(
                    np.full(500, len(self.asked), np.int16),
                    (Word(0, len(text), 0, 1000),) if at == 0 else (),
                    (VisemeSpan(Viseme.AA, at, 500),),
                )
        finally:
            self.stopped.append(text)


async def everything(session: SpeechSession) -> list[SpeechEvent]:
    return [event async for event in session.events()]


def spoken(events: list[SpeechEvent]) -> list[Spoken]:
    return [event for event in events if isinstance(event, Spoken)]
