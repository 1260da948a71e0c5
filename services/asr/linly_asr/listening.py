"""From the audio of a stream to the steps that an engine has to take."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from linly_asr.backlog import Backlog
from linly_asr.endpointing import Began, Endpointer, Endpointing, Paused
from linly_asr.engine import SAMPLE_RATE, Samples

_STEP = SAMPLE_RATE // 10
"""Samples handed on at once: interim results can't come more often."""


@dataclass(frozen=True, slots=True)
class Begin:
    """An utterance has begun."""

    offset: int
    """The sample where speech began."""
    audio_start: int
    """The first sample of the audio that will follow: the pre-roll is part of it."""


@dataclass(frozen=True, slots=True)
class Speech:
    """The next audio of the open utterance."""

    samples: Samples
    """Possibly none."""
    end: int
    """The sample after its last."""
    likely_last: bool
    """Whether silence has lasted so long that the utterance is likely over."""


@dataclass(frozen=True, slots=True)
class End:
    """The open utterance is over."""

    offset: int
    """The sample where the last speech ended."""
    detection: int
    """The sample up to which it took to know."""


Step: TypeAlias = Begin | Speech | End


class Listener:
    """Finds the utterances in one stream.

    Once silence has lasted for ``early_silence``, what follows is kept back: if speech goes
    on, it is handed on then; if not, the engine has nothing left to do when the utterance
    ends, and the next one finds it as its pre-roll.
    """

    def __init__(
        self, probability: Callable[[Samples], float], rules: Endpointing, pre_roll: float
    ) -> None:
        """``probability`` is asked for each frame; ``pre_roll`` is in seconds."""
        self._probability = probability
        self._endpointer = Endpointer(rules)
        self._pre_roll = round(pre_roll * SAMPLE_RATE)
        self._backlog = Backlog()

    def push(self, samples: Samples) -> Iterator[Step]:
        """Takes the next audio."""
        self._backlog.append(samples)
        for frame in self._backlog.frames():
            kept_back = self._endpointer.paused
            for boundary in self._endpointer.push(self._probability(frame)):
                if isinstance(boundary, Began):
                    self._backlog.forget_before(boundary.offset - self._pre_roll)
                    yield Begin(boundary.offset, self._backlog.start)
                elif isinstance(boundary, Paused):
                    yield self._speech(self._backlog.take(), likely_last=True)
                else:
                    if self._backlog.ready and not kept_back:
                        yield self._speech(self._backlog.take())
                    yield End(boundary.offset, boundary.detection)
            if not self._endpointer.in_utterance:
                self._backlog.forget_before(self._endpointer.earliest_begin - self._pre_roll)
            elif self._backlog.ready >= _STEP and not self._endpointer.paused:
                yield self._speech(self._backlog.take())

    def finish(self) -> Iterator[Step]:
        """Ends the open utterance, if there is one, with all audio there is."""
        kept_back = self._endpointer.paused
        ended = self._endpointer.finish()
        if ended is not None:
            if not kept_back:
                yield self._speech(self._backlog.take_all())
            yield End(ended.offset, ended.detection)

    def _speech(self, samples: Samples, *, likely_last: bool = False) -> Speech:
        return Speech(samples, self._backlog.start, likely_last)
