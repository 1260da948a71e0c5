"""What happens in a talk, as plain values."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from linly_client.errors import TalkError
from linly_client.metrics import TurnMetrics


class TurnCause(StrEnum):
    """What a turn begins with."""

    UNKNOWN = "unknown"
    SPEECH = "speech"
    TEXT = "text"
    SAY = "say"


class InterruptCause(StrEnum):
    """Why a turn was interrupted."""

    UNKNOWN = "unknown"
    CLIENT = "client"
    SPEECH = "speech"
    TEXT = "text"


class SpeechActivity(StrEnum):
    """The person began or stopped speaking."""

    UNKNOWN = "unknown"
    BEGIN = "begin"
    END = "end"


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the reply and when it is spoken."""

    start: int
    """First code point of the word in the reply's text, from 0."""
    end: int
    """One past the last code point."""
    offset: float
    """Seconds from the start of the turn's speech."""
    duration: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Viseme:
    """A shape of the mouth and when it holds."""

    name: str
    """One of the fifteen of the Oculus reference: ``sil``, ``PP``, ``aa`` …, in upper case."""
    offset: float
    """Seconds from the start of the turn's speech."""
    duration: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A moment of the face."""

    data: bytes
    """One H.264 access unit, Annex B; empty when no video was asked for."""
    offset: float
    """When it is to be shown: seconds from the start of the turn's speech."""
    duration: float
    """Seconds."""
    key_frame: bool
    """Decoding can begin here."""
    blendshapes: tuple[float, ...] = ()
    """0 to 1 per name in ``TalkStarted.blendshape_names``, if they were asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    turn_id: str = ""
    """The turn that the event belongs to; empty for none."""
    generation: int = 0
    """Rises with each turn and each interruption."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkStarted(_Event):
    """The options were accepted. The first event."""

    sample_rate: int | None = None
    """Samples per second of all audio, which is 16-bit mono PCM; None without audio."""
    codec: str = ""
    """RFC 6381, such as ``avc1.42c01f``; empty without video."""
    width: int = 0
    """Of the video, in pixels."""
    height: int = 0
    """Of the video, in pixels."""
    frame_rate: int = 0
    """Frames per second."""
    blendshape_names: tuple[str, ...] = ()
    """In the order of their values."""
    avatar_id: str = ""
    """To be named in the next talk instead of sending the image again."""
    notices: tuple[str, ...] = ()
    """What is worth knowing of the portrait, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStarted(_Event):
    """A turn begins."""

    cause: TurnCause


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechEvent(_Event):
    """The person began or stopped speaking."""

    activity: SpeechActivity
    offset: float
    """Seconds from the start of the audio that was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript(_Event):
    """What the person said."""

    text: str
    """The words so far."""
    is_final: bool
    """Nothing of it will change."""
    confidence: float | None = None
    """0 to 1, where the recogniser can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyText(_Event):
    """More of the reply's text."""

    text: str
    """Concatenates to the reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio(_Event):
    """More of the reply's audio."""

    data: bytes
    """Signed 16-bit little-endian mono PCM at ``TalkStarted.sample_rate``."""
    offset: float
    """Seconds from the start of the turn's speech."""
    duration: float
    """Seconds."""
    words: tuple[Word, ...] = ()
    """Those that begin within this audio."""
    visemes: tuple[Viseme, ...] = ()
    """Those that begin within this audio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames(_Event):
    """More of the portrait; without a turn, the portrait at rest."""

    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted(_Event):
    """The turn was interrupted; nothing of an older generation follows."""

    cause: InterruptCause
    played_until: float
    """Where playback stopped, as far as the server knows: seconds into the turn's speech."""
    spoken_text: str
    """The part of the reply that was heard; only this enters the conversation's history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnded(_Event):
    """The turn is over; the talk goes on."""

    error: TalkError | None = None
    """Why the turn failed; None for a turn that came to its end or was interrupted."""
    interrupted: bool = False
    """The turn was stopped before its end."""
    metrics: TurnMetrics = field(default_factory=TurnMetrics)


Event: TypeAlias = (
    TalkStarted
    | TurnStarted
    | SpeechEvent
    | Transcript
    | ReplyText
    | Audio
    | Frames
    | Interrupted
    | TurnEnded
)
