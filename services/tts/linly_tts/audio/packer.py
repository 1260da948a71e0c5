"""A clause's speech in the caller's format, cut into chunks with what is said in each."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linly_tts.audio.encoding import AudioFormat
from linly_tts.audio.resampler import Resampler
from linly_tts.engine import Speech, Viseme, VisemeSpan, Word

_SHORTEST = 0.02
"""Seconds. A chunk takes along a rest that is shorter: each message costs the same."""
_SLICE = 4096
"""Samples that are converted at a time, so that a long clause does not hold up the others."""


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word in the stream's time."""

    start: int
    """First code point in its clause."""
    end: int
    """One past the last."""
    offset: float
    """Seconds from the beginning of the stream's audio."""
    duration: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class TimedViseme:
    """A mouth shape in the stream's time."""

    viseme: Viseme
    """The shape."""
    offset: float
    """Seconds from the beginning of the stream's audio."""
    duration: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """Audio to be sent in one message."""

    audio: bytes
    """In the caller's format."""
    samples: int
    """Samples in it."""
    offset: float
    """Seconds from the beginning of the stream's audio."""
    words: Sequence[TimedWord]
    """Words that begin in it."""
    visemes: Sequence[TimedViseme]
    """Shapes that begin in it."""


class ClausePacker:
    """Takes one clause's speech at the voice's rate and gives it in the caller's format.

    All times are counted in samples of the output, so that shapes and chunks meet exactly.
    """

    def __init__(self, sample_rate: int, output: AudioFormat, position: int) -> None:
        """Converts from ``sample_rate``; the clause begins at output sample ``position``."""
        self._output = output
        self._resampler = Resampler(sample_rate, output.sample_rate)
        self._convert = sample_rate != output.sample_rate
        self._begin = position
        self._position = position
        self._source: deque[NDArray[np.int16]] = deque()
        self._ready = np.empty(0, dtype=np.int16)
        self._words: deque[Word] = deque()
        self._visemes: deque[VisemeSpan] = deque()
        self._complete = False

    def add(self, speech: Speech) -> None:
        """Takes the next piece of the clause."""
        self._source.extend(
            speech.samples[at : at + _SLICE] for at in range(0, len(speech.samples), _SLICE)
        )
        self._words.extend(speech.words)
        self._visemes.extend(speech.visemes)

    def finish(self) -> None:
        """No piece follows."""
        self._complete = True

    def take(self, duration: float) -> AudioChunk | None:
        """About ``duration`` seconds of audio; None if there is not enough yet, or no more."""
        rate = self._output.sample_rate
        size, shortest = round(duration * rate), round(_SHORTEST * rate)
        complete = self._fill(size + shortest)
        if len(self._ready) >= size + shortest:
            return self._chunk(size)
        return self._chunk(len(self._ready)) if complete and len(self._ready) else None

    def _fill(self, count: int) -> bool:
        """Converts until ``count`` samples are ready; whether all of the clause is."""
        while len(self._ready) < count and self._source:
            samples = self._source.popleft()
            self._append(self._resampler.process(samples) if self._convert else samples)
        if self._source or not self._complete:
            return False
        if self._convert:
            self._append(self._resampler.finish())
            self._convert = False
        return True

    def _append(self, samples: NDArray[np.int16]) -> None:
        self._ready = np.concatenate((self._ready, samples))

    def _chunk(self, size: int) -> AudioChunk:
        samples, self._ready = self._ready[:size], self._ready[size:]
        offset, self._position = self._position, self._position + size
        words: list[TimedWord] = []
        while self._words and self._at(self._words[0].offset) < self._position:
            word = self._words.popleft()
            words.append(TimedWord(word.start, word.end, *self._span(word)))
        visemes: list[TimedViseme] = []
        while self._visemes and self._at(self._visemes[0].offset) < self._position:
            viseme = self._visemes.popleft()
            visemes.append(TimedViseme(viseme.viseme, *self._span(viseme)))
        return AudioChunk(
            self._output.encode(samples), size, offset / self._output.sample_rate, words, visemes
        )

    def _at(self, sample: int) -> int:
        """Where a sample of the clause lies in the stream's output."""
        return self._begin + self._resampler.length(sample)

    def _span(self, timed: Word | VisemeSpan) -> tuple[float, float]:
        """Offset and duration in seconds of the stream."""
        begin, end = self._at(timed.offset), self._at(timed.offset + timed.duration)
        return begin / self._output.sample_rate, (end - begin) / self._output.sample_rate
