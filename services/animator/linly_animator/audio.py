"""Encoded audio to samples."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def decode(audio: bytes, encoding: str) -> npt.NDArray[np.float32]:
    """Samples from -1 to 1 of headerless mono audio.

    Args:
        audio: whole samples.
        encoding: "linear16" (signed, little-endian), "mulaw" or "alaw" (ITU-T G.711).

    Raises:
        ValueError: half a sample.
    """
    if encoding != "linear16":
        return np.asarray(_G711[encoding][np.frombuffer(audio, np.uint8)], np.float32)
    if len(audio) % 2:
        raise ValueError(f"expected whole 16-bit samples, got {len(audio)} bytes")
    return np.asarray(np.frombuffer(audio, "<i2") / 32768, np.float32)


def _mulaw() -> npt.NDArray[np.float32]:
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = ((code >> 4) & 7).astype(np.int32), (code & 15).astype(np.int32)
    magnitude = (((mantissa << 3) + 132) << exponent) - 132
    return (np.where(code & 128, -magnitude, magnitude) / 32768).astype(np.float32)


def _alaw() -> npt.NDArray[np.float32]:
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent, mantissa = ((code >> 4) & 7).astype(np.int32), (code & 15).astype(np.int32)
    small = (mantissa << 4) + 8
    magnitude = np.where(exponent == 0, small, (small + 256) << np.maximum(exponent - 1, 0))
    return (np.where(code & 128, magnitude, -magnitude) / 32768).astype(np.float32)


_G711: dict[str, npt.NDArray[np.float32]] = {"mulaw": _mulaw(), "alaw": _alaw()}
