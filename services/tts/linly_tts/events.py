"""What comes out of a stream of speech."""

from collections.abc import Sequence
from dataclasses import dataclass

from linly_mesh.timing import Timing
from linly_tts.audio.packer import TimedViseme, TimedWord


@dataclass(frozen=True, slots=True)
class Spoken:
    """A chunk of audio and what is said in it."""

    audio: bytes
    """In the stream's format."""
    offset: float
    """Seconds from the beginning of the stream's audio."""
    segment_id: str
    """The segment that its words belong to."""
    words: Sequence[TimedWord]
    """Words that begin in it; code points count from the beginning of the segment."""
    visemes: Sequence[TimedViseme]
    """Mouth shapes that begin in it."""
    timing: Timing | None
    """In the first chunk of a clause: where its time went."""


@dataclass(frozen=True, slots=True)
class Flushed:
    """All text before a flush has been spoken."""

    offset: float
    """Seconds of audio sent so far."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """No audio of text before a cancel follows."""

    offset: float
    """Seconds of audio sent so far."""


@dataclass(frozen=True, slots=True)
class Finished:
    """All has been spoken."""

    duration: float
    """Seconds of the whole speech."""


SpeechEvent = Spoken | Flushed | Cancelled | Finished
