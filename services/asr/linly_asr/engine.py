"""What the service knows of speech: its domain types, and what an engine has to offer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from linly_mesh.timing import Timing
from linly_mesh.workload import Workload

SAMPLE_RATE = 16_000
"""Samples per second of all audio behind the front door."""

Samples: TypeAlias = NDArray[np.float32]
"""Mono audio, full scale ±1, at SAMPLE_RATE unless said otherwise; shape (n,)."""


class EngineError(Exception):
    """An engine could not finish an utterance; the next one may succeed."""


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word."""

    word: str
    """As it is written."""
    start: float
    """Seconds from the start of the audio."""
    end: float
    """Seconds from the start of the audio."""
    confidence: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One reading of an utterance."""

    transcript: str
    """Words separated by spaces."""
    confidence: float | None = None
    """0 to 1, where the engine can tell."""
    words: tuple[Word, ...] = ()
    """In order; empty where the engine can't tell."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """What an engine made of a complete utterance."""

    alternatives: tuple[Alternative, ...]
    """The likeliest first; none for noise. Words count from the utterance's first sample."""
    taken_up: float
    """When the engine took up the utterance's end, on the monotonic clock, seconds."""
    compute: float
    """Seconds the engine worked on the utterance, those while it was spoken included."""


@dataclass(frozen=True, slots=True)
class SpeechBegin:
    """A person began to speak."""

    utterance_id: str
    """Unique within the stream."""
    offset: float
    """Seconds from the start of the audio."""


@dataclass(frozen=True, slots=True)
class SpeechEnd:
    """The utterance is over."""

    utterance_id: str
    """As in its SpeechBegin."""
    offset: float
    """Where the last speech was heard, seconds from the start of the audio."""
    detection_offset: float
    """Where the end was proved, seconds from the start of the audio."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """An utterance so far, or for good."""

    utterance_id: str
    """As in its SpeechBegin."""
    alternatives: tuple[Alternative, ...]
    """The likeliest first."""
    is_final: bool
    """Nothing more follows for this utterance."""
    end_offset: float
    """Where the recognised speech ends, seconds from the start of the audio."""
    stability: float | None = None
    """0 to 1, how likely an interim transcript stays as it is."""
    timing: Timing | None = None
    """Of a final transcript."""


@dataclass(frozen=True, slots=True)
class Flushed:
    """All that one flush finished has been given."""

    offset: float
    """The audio received up to the flush, seconds."""


Event: TypeAlias = SpeechBegin | SpeechEnd | Transcript | Flushed


class Utterance(Protocol):
    """One utterance in the hands of an engine, which serves nobody else with what it holds."""

    async def feed(self, samples: Samples) -> str:
        """Takes the next audio and returns the transcript so far, possibly empty.

        Raises:
            EngineError: the utterance is lost.
        """

    async def finish(self, max_alternatives: int) -> Recognition:
        """Says that no audio follows and returns what was said.

        Raises:
            EngineError: the utterance is lost.
        """

    def close(self) -> None:
        """Gives back what is held; work on an unfinished utterance stops."""


class Engine(Protocol):
    """Turns utterances into text. Finding where they begin and end is not its concern."""

    name: str
    """The engine, such as "pocketsphinx"."""
    model: str
    """The model that it runs."""
    languages: Sequence[str]
    """BCP-47 codes, its own language first."""
    max_concurrency: int
    """Utterances at the same time; more wait in ``open``."""
    workload: Workload
    """One unit per utterance."""

    async def start(self) -> None:
        """Loads the model, and returns when an utterance would start at once."""

    async def stop(self) -> None:
        """Frees everything."""

    async def open(self) -> Utterance:
        """Begins an utterance, in order of asking when there are too many.

        Raises:
            EngineError: the engine can't take it.
        """
