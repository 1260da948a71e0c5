"""One stream of audio, from samples to transcripts."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from linly_asr.engine import (
    SAMPLE_RATE,
    Alternative,
    Engine,
    Event,
    Flushed,
    Recognition,
    Samples,
    SpeechBegin,
    SpeechEnd,
    Transcript,
    Utterance,
)
from linly_asr.listening import Begin, End, Listener, Speech, Step
from linly_mesh.timing import Timing


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """Some audio of the stream."""

    samples: Samples
    """At SAMPLE_RATE, at most about 0.1 s."""
    received: float
    """When it came, on the monotonic clock, seconds."""


@dataclass(frozen=True, slots=True)
class Flush:
    """Asks for the open utterance now."""

    offset: float
    """The audio received so far, seconds."""
    received: float
    """When it came, on the monotonic clock, seconds."""


@dataclass(frozen=True, slots=True)
class EndOfAudio:
    """No more follows."""

    received: float
    """When that became known, on the monotonic clock, seconds."""


Input: TypeAlias = AudioBlock | Flush | EndOfAudio


class Recognizer:
    """Recognises one stream.

    All in one line: audio is not read on while the engine works on what came before, so that
    a stream holds little audio however much is sent, and a busy engine slows its callers
    down. Audio in which nobody speaks needs no engine.
    """

    def __init__(
        self, engine: Engine, listener: Listener, *, interim_results: bool, max_alternatives: int
    ) -> None:
        """``listener`` belongs to this stream alone."""
        self._engine = engine
        self._listener = listener
        self._interim_results = interim_results
        self._max_alternatives = max_alternatives
        self._utterance: Utterance | None = None
        self._in_utterance = False
        self._utterance_id = ""
        self._audio_start = 0
        self._transcript = ""
        self._count = 0

    @property
    def in_utterance(self) -> bool:
        """Whether a begin was told whose final transcript was not."""
        return self._in_utterance

    async def run(self, inputs: AsyncIterator[Input]) -> AsyncGenerator[Event, None]:
        """What is heard in ``inputs``, as soon as it is heard; the last is EndOfAudio.

        Raises:
            EngineError: the engine lost the open utterance.
        """
        try:
            async for item in inputs:
                if isinstance(item, AudioBlock):
                    steps = self._listener.push(item.samples)
                else:
                    steps = self._listener.finish()
                async for event in self._take(steps, item.received):
                    yield event
                if isinstance(item, Flush):
                    yield Flushed(item.offset)
                await asyncio.sleep(0)  # a long message must not hold the event loop
        finally:
            if self._utterance is not None:
                self._utterance.close()

    async def _take(self, steps: Iterator[Step], received: float) -> AsyncGenerator[Event, None]:
        """Takes the steps with the engine; ``received`` is when the audio behind them came."""
        for step in steps:
            match step:
                case Begin():
                    self._in_utterance = True
                    self._count += 1
                    self._utterance_id = f"u{self._count}"
                    yield SpeechBegin(self._utterance_id, step.offset / SAMPLE_RATE)
                    self._audio_start = step.audio_start
                    self._transcript = ""
                    self._utterance = await self._engine.open()
                case Speech():
                    changed = await self._feed(step.samples)
                    wanted = self._interim_results and (changed or step.likely_last)
                    if wanted and self._transcript:
                        yield self._interim(step)
                case End():
                    yield SpeechEnd(
                        self._utterance_id,
                        step.offset / SAMPLE_RATE,
                        step.detection / SAMPLE_RATE,
                    )
                    final = self._final(step, await self._recognition(), received)
                    self._in_utterance = False
                    yield final

    async def _feed(self, samples: Samples) -> bool:
        """Hands on the next audio; whether the transcript has changed by it."""
        assert self._utterance is not None, "a listener begins an utterance before its audio"
        before = self._transcript
        if len(samples):
            self._transcript = await self._utterance.feed(samples)
        return self._transcript != before

    async def _recognition(self) -> Recognition:
        assert self._utterance is not None, "a listener ends only what it has begun"
        recognition = await self._utterance.finish(self._max_alternatives)
        self._utterance = None
        return recognition

    def _interim(self, step: Speech) -> Transcript:
        return Transcript(
            self._utterance_id,
            (Alternative(self._transcript),),
            is_final=False,
            end_offset=step.end / SAMPLE_RATE,
            stability=1.0 if step.likely_last else None,
        )

    def _final(self, step: End, recognition: Recognition, received: float) -> Transcript:
        shift = self._audio_start / SAMPLE_RATE
        return Transcript(
            self._utterance_id,
            tuple(_shifted(each, shift) for each in recognition.alternatives),
            is_final=True,
            end_offset=step.offset / SAMPLE_RATE,
            timing=Timing(
                queue_wait=max(recognition.taken_up - received, 0.0),
                compute=recognition.compute,
                first_output=time.monotonic() - received,
            ),
        )


def _shifted(alternative: Alternative, seconds: float) -> Alternative:
    """Words counted from the start of the stream instead of the utterance's."""
    words = tuple(
        replace(word, start=word.start + seconds, end=word.end + seconds)
        for word in alternative.words
    )
    return replace(alternative, words=words)
