"""Where utterances begin and end, from the probability of speech in each frame."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from linly_asr.engine import SAMPLE_RATE

FRAME = 512
"""Samples per frame: what Silero VAD takes at 16 kHz (32 ms)."""
_HYSTERESIS = 0.15
"""How far below the threshold silence begins; the value of Silero's own iterator."""


@dataclass(frozen=True, slots=True)
class Endpointing:
    """When an utterance begins and ends."""

    min_speech: float
    """Speech shorter than this does not begin an utterance, seconds."""
    early_silence: float
    """Silence after which the utterance is likely over, seconds; at most end_silence."""
    end_silence: float
    """Silence that ends the utterance, seconds."""
    threshold: float
    """Probability above which a frame is speech, 0 to 1."""
    max_utterance: float
    """A longer utterance is cut at this length, seconds."""


@dataclass(frozen=True, slots=True)
class Began:
    """An utterance has begun."""

    offset: int
    """Its first sample."""


@dataclass(frozen=True, slots=True)
class Paused:
    """Silence has lasted for early_silence."""

    offset: int
    """The sample where the silence began."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The utterance is over."""

    offset: int
    """The sample where the last speech ended."""
    detection: int
    """The sample up to which it took to know."""


Boundary: TypeAlias = Began | Paused | Ended


class Endpointer:
    """Follows one stream of audio, frame by frame. All positions count samples from its start."""

    def __init__(self, rules: Endpointing) -> None:
        """Starts in silence at sample 0."""
        self._rules = rules
        self._position = 0
        self._candidate: int | None = None  # where speech began that is not yet long enough
        self._start: int | None = None  # where the open utterance began
        self._silence: int | None = None  # where the silence inside it began
        self._paused = False

    @property
    def in_utterance(self) -> bool:
        """Whether an utterance is open."""
        return self._start is not None

    @property
    def paused(self) -> bool:
        """Whether the open utterance is in a silence of at least early_silence."""
        return self._paused

    @property
    def earliest_begin(self) -> int:
        """The first sample at which the next utterance may yet turn out to have begun."""
        return self._position if self._candidate is None else self._candidate

    def push(self, probability: float) -> Iterator[Boundary]:
        """Takes the probability of speech in the next frame; yields what it settles."""
        start_of_frame = self._position
        self._position += FRAME
        if self._start is None:
            yield from self._listen(start_of_frame, probability)
        else:
            yield from self._follow(start_of_frame, probability)

    def finish(self) -> Ended | None:
        """Ends the open utterance here and now, if there is one; a begun candidate is dropped."""
        self._candidate = None
        return None if self._start is None else self._end()

    def _listen(self, start_of_frame: int, probability: float) -> Iterator[Boundary]:
        if probability >= self._rules.threshold:
            if self._candidate is None:
                self._candidate = start_of_frame
            if self._lasts(self._candidate, self._rules.min_speech):
                yield self._begin(self._candidate)
        elif probability < self._rules.threshold - _HYSTERESIS:
            self._candidate = None

    def _follow(self, start_of_frame: int, probability: float) -> Iterator[Boundary]:
        if probability >= self._rules.threshold:
            self._silence = None
            self._paused = False
        elif self._silence is None and probability < self._rules.threshold - _HYSTERESIS:
            self._silence = start_of_frame
        if self._silence is not None:
            if not self._paused and self._lasts(self._silence, self._rules.early_silence):
                self._paused = True
                yield Paused(self._silence)
            if self._lasts(self._silence, self._rules.end_silence):
                yield self._end()
                return
        assert self._start is not None
        if self._lasts(self._start, self._rules.max_utterance):
            speaking = self._silence is None
            yield self._end()
            if speaking:  # cut in the middle: what follows is speech from its first sample
                yield self._begin(self._position)

    def _lasts(self, since: int, seconds: float) -> bool:
        return self._position - since >= round(seconds * SAMPLE_RATE)

    def _begin(self, offset: int) -> Began:
        self._start = offset
        self._candidate = None
        return Began(offset)

    def _end(self) -> Ended:
        last_speech = self._position if self._silence is None else self._silence
        self._start = self._silence = None
        self._paused = False
        return Ended(last_speech, self._position)
