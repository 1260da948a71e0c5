"""From the bytes of a stream to samples: LINEAR16 and G.711, without headers."""

from collections.abc import Iterator
from enum import Enum

import numpy as np

from linly_asr.engine import Samples
from linly_asr.resampling import Resampler

_BLOCK = 0.1
"""Seconds of audio that are worked on at once: a bound on how long the event loop is held."""


class Encoding(Enum):
    """How samples are written."""

    LINEAR16 = "linear16"
    """Signed 16-bit little-endian."""
    MULAW = "mulaw"
    """G.711 mu-law, 8 bits."""
    ALAW = "alaw"
    """G.711 A-law, 8 bits."""

    @property
    def sample_width(self) -> int:
        """Bytes per sample."""
        return 2 if self is Encoding.LINEAR16 else 1


def _mulaw_table() -> Samples:
    code = ~np.arange(256, dtype=np.uint8)
    exponent = (code >> 4 & 7).astype(np.int32)
    magnitude = ((code & 15).astype(np.int32) << 3) + 0x84 << exponent
    return _signed(magnitude - 0x84, negative=code & 0x80 != 0)


def _alaw_table() -> Samples:
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent = (code >> 4 & 7).astype(np.int32)
    mantissa = ((code & 15).astype(np.int32) << 4) + 8
    magnitude = np.where(exponent == 0, mantissa, mantissa + 0x100 << np.maximum(exponent - 1, 0))
    return _signed(magnitude, negative=code & 0x80 == 0)


def _signed(magnitude: np.ndarray, negative: np.ndarray) -> Samples:
    return (np.where(negative, -magnitude, magnitude) / 32768).astype(np.float32)


_G711 = {Encoding.MULAW: _mulaw_table(), Encoding.ALAW: _alaw_table()}


def decode(data: bytes | memoryview, encoding: Encoding) -> Samples:
    """Samples at the stream's own rate; ``data`` holds whole samples. Source: ITU-T G.711."""
    if encoding is Encoding.LINEAR16:
        return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)
    return _G711[encoding][np.frombuffer(data, np.uint8)]


class AudioStream:
    """One stream of encoded audio on its way to SAMPLE_RATE."""

    def __init__(self, encoding: Encoding, sample_rate: int) -> None:
        """Reads audio of ``sample_rate`` samples per second."""
        self._encoding = encoding
        self._sample_rate = sample_rate
        self._resampler = Resampler(sample_rate)
        self._received = 0

    @property
    def duration(self) -> float:
        """Seconds of audio taken so far."""
        return self._received / self._sample_rate

    def push(self, data: bytes) -> Iterator[Samples]:
        """Takes whole samples; yields them at SAMPLE_RATE in blocks of at most 0.1 s."""
        step = int(_BLOCK * self._sample_rate) * self._encoding.sample_width
        view = memoryview(data)
        for start in range(0, len(view), step):
            block = decode(view[start : start + step], self._encoding)
            self._received += len(block)
            yield self._resampler.push(block)
