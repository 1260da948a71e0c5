"""What an animation engine takes and gives, in plain Python."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

import numpy as np
import numpy.typing as npt

from linly_mesh.timing import Timing


class Viseme(Enum):
    """The shape that a speech sound gives to the mouth: the fifteen of Oculus lip sync."""

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
    I = auto()  # noqa: E741  the set's own name
    O = auto()  # noqa: E741
    U = auto()


@dataclass(frozen=True, slots=True)
class VisemeTiming:
    """A viseme and when it holds."""

    viseme: Viseme
    start: float
    """Seconds from the start of the speech."""
    duration: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class AnimationOptions:
    """What a stream is to look like."""

    avatar_id: str
    """Empty: the portrait that the service ships."""
    width: int
    """Pixels, even."""
    height: int
    """Pixels, even."""
    frame_rate: int
    """Frames per second."""
    sample_rate: int
    """Samples per second of the speech's audio."""
    video: bool
    """Whether H.264 is wanted."""
    blendshapes: bool
    """Whether blendshape values are wanted."""
    idle_frames: bool
    """Whether the face lives on between speeches."""


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """More of a speech."""

    speech_id: str
    samples: npt.NDArray[np.float32]
    """Mono, -1 to 1; continues where the last chunk of the speech ended."""
    visemes: tuple[VisemeTiming, ...]
    """Those that begin within these samples."""


@dataclass(frozen=True, slots=True)
class SpeechEnd:
    """The speech is complete."""

    speech_id: str


@dataclass(frozen=True, slots=True)
class SpeechCancel:
    """Drop the speech at once."""

    speech_id: str


@dataclass(frozen=True, slots=True)
class SpeechSkip:
    """Leave out frames that playback has passed."""

    speech_id: str
    offset: float
    """Where the first frame lies that is still wanted: seconds from the start of the speech."""


@dataclass(frozen=True, slots=True)
class KeyFrameRequest:
    """Make the next frame a key frame."""


AnimationInput = SpeechChunk | SpeechEnd | SpeechCancel | SpeechSkip | KeyFrameRequest


@dataclass(frozen=True, slots=True)
class Header:
    """The first output of a stream."""

    codec_string: str
    """RFC 6381; empty without video."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A moment of the face."""

    offset: float
    """Seconds from the start of the speech or of the idle phase."""
    duration: float
    """Seconds."""
    data: bytes
    """One H.264 access unit, Annex B; empty without video."""
    key_frame: bool
    blendshapes: tuple[float, ...]
    """0 to 1, in the order of the engine's names; empty if not wanted."""


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """Frames that are due together."""

    speech_id: str
    """Empty: idle."""
    frames: tuple[Frame, ...]
    timing: Timing | None
    """Of the chunk that these are the first frames of, if they are."""


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The speech's last frame has been given."""

    speech_id: str
    duration: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class SpeechCancelled:
    """No frame of the speech follows."""

    speech_id: str


AnimationOutput = Header | FrameBatch | SpeechEnded | SpeechCancelled


@dataclass(frozen=True, slots=True)
class Avatar:
    """An avatar is ready."""

    avatar_id: str
    face_count: int
    notices: tuple[str, ...]
    """For people."""


class ImageRejectedError(Exception):
    """An image can't become an avatar."""

    def __init__(self, reason: str, message: str) -> None:
        """Says what is wrong.

        Args:
            reason: for programs: IMAGE_BROKEN, IMAGE_TOO_LARGE, NO_FACE, FACE_TOO_SMALL or
                FACE_IN_PROFILE.
            message: for people.
        """
        super().__init__(message)
        self.reason = reason


class AvatarUnknownError(Exception):
    """This replica has no avatar of that id."""


class BusyError(Exception):
    """As many streams or images as the engine can take are being worked on."""


class AnimatorEngine(Protocol):
    """A model that moves a face."""

    model: str
    """Name of the model, for GetCapabilities."""
    blendshape_names: tuple[str, ...]
    """In the order of a frame's values."""
    max_streams: int
    """Streams that are animated at the same time."""
    keypoints: int
    """Landmarks of the face that each frame is moved by."""

    async def start(self) -> None:
        """Loads the model and the shipped portrait."""

    async def stop(self) -> None:
        """Ends the engine's threads."""

    async def create_avatar(self, image: bytes) -> Avatar:
        """Prepares an avatar from a JPEG, PNG or WebP file.

        Raises:
            ImageRejectedError: the image can't become one.
            BusyError: too many images at once.
        """

    def animate(
        self, options: AnimationOptions, inputs: AsyncIterator[AnimationInput]
    ) -> AsyncGenerator[AnimationOutput, None]:
        """Animates speeches one after the other until `inputs` ends.

        Gives a Header first. What is made ahead of the consumer is bounded. Closing the
        iterator stops all work.

        Raises:
            AvatarUnknownError: `options.avatar_id` is not held here.
            BusyError: too many streams.
        """
