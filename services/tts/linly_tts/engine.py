"""What the service knows of speech synthesis, and what an engine has to do."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Viseme(Enum):
    """The fifteen mouth shapes of the Oculus lip-sync reference."""

    SIL = auto()
    PP = auto()
    FF = auto()
    TH = auto()
    DD = auto()
    KK = auto()
    CH = auto()
    SS = auto()
    NN = auto()
    RR = auto()
    AA = auto()
    E = auto()
    I = auto()  # noqa: E741  # the reference's name
    O = auto()  # noqa: E741  # the reference's name
    U = auto()


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of an engine."""

    name: str
    """How a caller asks for it."""
    language_codes: tuple[str, ...]
    """BCP-47 tags that it speaks, its own first."""
    sample_rate: int
    """Its own samples per second."""


@dataclass(frozen=True, slots=True)
class Word:
    """A spoken word."""

    start: int
    """First code point in the clause, from 0."""
    end: int
    """One past the last code point."""
    offset: int
    """Samples from the beginning of the clause's speech."""
    duration: int
    """Samples."""


@dataclass(frozen=True, slots=True)
class VisemeSpan:
    """A mouth shape and when it holds."""

    viseme: Viseme
    """The shape."""
    offset: int
    """Samples from the beginning of the clause's speech."""
    duration: int
    """Samples, more than 0."""


@dataclass(frozen=True, slots=True)
class Speech:
    """A piece of a clause's speech; the pieces of a clause follow each other without a gap."""

    samples: NDArray[np.int16]
    """Shape (n,), one channel at the voice's own rate."""
    words: tuple[Word, ...]
    """Words that begin within the piece, in order."""
    visemes: tuple[VisemeSpan, ...]
    """Mouth shapes that begin within the piece; those of a clause cover it without a gap."""


class EngineError(Exception):
    """The engine failed on one clause, or can't be loaded; other clauses are not disturbed."""


class Engine(Protocol):
    """Makes speech of clauses. Created from the service's settings, not yet loaded."""

    model: str
    """What is loaded, for people."""
    max_concurrency: int
    """Clauses worked on at the same time; more wait inside, in order of arrival."""
    voices: Sequence[Voice]
    """All voices, known once loaded; of two that speak a language the preferred one first."""

    async def start(self) -> None:
        """Loads the model."""
        ...

    async def stop(self) -> None:
        """Unloads it; nothing is being synthesised any more."""
        ...

    def synthesize(
        self, text: str, voice: Voice, rate: float, piece: float, begin: Callable[[], None]
    ) -> AsyncGenerator[Speech]:
        """Speaks one clause.

        Closing the generator, or cancelling whoever waits for it, stops the model at once. While
        nobody asks for the next piece, nothing beyond it is made. The pieces of a clause are the
        same speech however long they are.

        Args:
            text: the clause; control characters and pictographs are spaces already.
            voice: one of ``voices``.
            rate: 1 is the voice's natural speed; 0.25 to 4.
            piece: seconds of speech that a piece is to have, or a little more; infinite where
                the caller does not mind how much is made ahead.
            begin: called once, from any thread, when the model takes the clause up.

        Raises:
            EngineError: the model failed on this clause.
        """
        ...
