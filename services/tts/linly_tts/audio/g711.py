"""G.711: telephone audio, eight bits per sample (ITU-T G.711)."""

import numpy as np
from numpy.typing import NDArray

_MULAW_BIAS = 33
_MULAW_CLIP = 8158


def encode_mulaw(samples: NDArray[np.int16]) -> bytes:
    """Mu-law; takes 16-bit samples of which G.711 keeps the upper 14 bits."""
    value = samples.astype(np.int32) >> 2
    sign = np.where(value < 0, 0x7F, 0xFF)
    magnitude = np.minimum(np.abs(value), _MULAW_CLIP) + _MULAW_BIAS
    segment = _bits(magnitude) - 6
    code = (segment << 4) | ((magnitude >> (segment + 1)) & 0xF)
    return np.asarray(code ^ sign, dtype=np.uint8).tobytes()


def encode_alaw(samples: NDArray[np.int16]) -> bytes:
    """A-law; takes 16-bit samples of which G.711 keeps the upper 13 bits."""
    value = samples.astype(np.int32) >> 3
    mask = np.where(value < 0, 0x55, 0xD5)
    magnitude = np.where(value < 0, -value - 1, value)
    segment = np.maximum(_bits(magnitude) - 5, 0)
    code = (segment << 4) | ((magnitude >> np.maximum(segment, 1)) & 0xF)
    return np.asarray(code ^ mask, dtype=np.uint8).tobytes()


def _bits(magnitude: NDArray[np.int32]) -> NDArray[np.int32]:
    """How many bits each number needs."""
    return np.frexp(magnitude)[1].astype(np.int32)
