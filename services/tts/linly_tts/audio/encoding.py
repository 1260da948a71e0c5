"""The forms in which audio leaves the service."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from linly_tts.audio.g711 import encode_alaw, encode_mulaw


class Encoding(Enum):
    """How the bytes are to be read."""

    LINEAR16 = "linear16"
    """Signed 16-bit little-endian."""
    MULAW = "mulaw"
    """G.711 mu-law."""
    ALAW = "alaw"
    """G.711 A-law."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """What a caller wants to hear."""

    encoding: Encoding
    """How the bytes are to be read."""
    sample_rate: int
    """Samples per second."""

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """The samples' bytes, without a header."""
        return _ENCODERS[self.encoding](samples)


_ENCODERS: dict[Encoding, Callable[[NDArray[np.int16]], bytes]] = {
    Encoding.LINEAR16: lambda samples: samples.astype("<i2").tobytes(),
    Encoding.MULAW: encode_mulaw,
    Encoding.ALAW: encode_alaw,
}
