"""The phases of a turn, and how a client gets into the middle of one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.errors import BenchmarkError
from benchmarks.microphone import OpenMicrophone, open_microphone
from benchmarks.questions import read_questions
from linly_client.events import Audio, Event, ReplyText, SpeechEvent, TurnEnded, TurnStarted
from linly_client.options import Microphone, TalkOptions
from linly_client.talk import Talk, TalkClient
from linly_mesh.rpc.target import Target

_RATE = 16_000
_REPLY_TOKENS = 120
_LIMIT = 60.0
"""Seconds after which a conversation has failed."""
_QUESTION = "Tell me a long story about a fisherman and the sea."
_STATEMENT = "This is a sentence that is spoken as it stands."


class Phase(StrEnum):
    """What happens in the turn."""

    LISTENING = "listening"
    """The person speaks."""
    THINKING = "thinking"
    """The language model has the prompt and has written nothing yet."""
    WRITING = "writing"
    """There is text, but no audio yet."""
    SPEAKING = "speaking"
    """Audio and frames come while the text is still being written."""
    ENDING = "ending"
    """All audio has come; the last of it is being played."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A talk that has begun, its microphone open."""

    talk: Talk
    events: AsyncIterator[Event]
    microphone: OpenMicrophone

    async def reach(self, phase: Phase, statement_seconds: float) -> None:
        """Returns when a turn has come to ``phase``.

        Args:
            phase: where to stop.
            statement_seconds: from ``speak_statement``.
        """
        match phase:
            case Phase.LISTENING:
                self.microphone.speak(read_questions()[0].wav)
                await self._until(SpeechEvent)
            case Phase.THINKING:
                await self.talk.text(_QUESTION)
                await self._until(TurnStarted)
            case Phase.WRITING:
                await self.talk.text(_QUESTION)
                await self._until(ReplyText)
            case Phase.SPEAKING:
                await self.talk.text(_QUESTION)
                await self._until(Audio)
            case Phase.ENDING:
                await self.talk.say(_STATEMENT)
                await self._until_spoken(statement_seconds)

    async def speak_statement(self) -> float:
        """Has the statement of ``ENDING`` spoken to its end; returns its length in seconds."""
        await self.talk.say(_STATEMENT)
        ended = await self._until(TurnEnded)
        if not isinstance(ended, TurnEnded) or ended.metrics.speech_duration is None:
            raise BenchmarkError("a statement was not spoken")
        return ended.metrics.speech_duration

    async def until_over(self) -> None:
        """Reads up to the end of the turn."""
        await self._until(TurnEnded)

    async def _until_spoken(self, seconds: float) -> None:
        spoken = 0.0
        while spoken < seconds - 0.001:
            event = await self._until(Audio)
            if isinstance(event, Audio):
                spoken = event.offset + event.duration

    async def _until(self, kind: type[Event]) -> Event:
        async for event in self.events:
            if isinstance(event, TurnEnded) and event.error is not None:
                raise BenchmarkError(f"a turn failed: {event.error}")
            if isinstance(event, kind):
                return event
        raise BenchmarkError(f"the talk ended before a {kind.__name__}")


@asynccontextmanager
async def open_conversation(target: str | Target) -> AsyncIterator[Conversation]:
    """Leaving the block cancels the call, in whatever phase its turn is."""
    microphone = Microphone(sample_rate=_RATE)
    options = TalkOptions(microphone=microphone, max_new_tokens=_REPLY_TOKENS)
    async with TalkClient(target).converse(options, timeout=_LIMIT) as talk:
        events = aiter(talk)
        await anext(events)
        async with open_microphone(talk, _RATE) as opened:
            yield Conversation(talk, events, opened)
