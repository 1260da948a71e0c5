"""A streaming resampler: any rate in, SAMPLE_RATE out, in pieces of any size.

Band-limited interpolation with a Kaiser-windowed sinc (J. O. Smith, "Digital Audio Resampling"),
one filter per phase of the ratio. No delay is left in the offsets: output sample n lies at
n / SAMPLE_RATE of the input; the last millisecond or two wait for what follows them.
"""

from functools import lru_cache
from math import ceil, gcd

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from linly_asr.engine import SAMPLE_RATE, Samples

_ZERO_CROSSINGS = 16
"""On each side of the filter's centre, at the lower of the two rates."""
_ROLLOFF = 0.94
"""Cutoff as a part of the lower Nyquist frequency; the rest is the transition band."""
_KAISER_BETA = 8.0
"""About 80 dB of attenuation."""


@lru_cache(maxsize=8)
def _filters(rate: int) -> Samples:
    """Shape (phases, taps); row p interpolates p / phases of a sample behind the centre."""
    phases = SAMPLE_RATE // gcd(SAMPLE_RATE, rate)
    cutoff = min(1.0, SAMPLE_RATE / rate)
    half = ceil(_ZERO_CROSSINGS / cutoff)
    offsets = np.arange(1 - half, half + 1) - np.arange(phases)[:, None] / phases
    window = np.i0(_KAISER_BETA * np.sqrt(np.clip(1 - (offsets / half) ** 2, 0, 1)))
    taps = np.sinc(offsets * cutoff * _ROLLOFF) * window
    filters: Samples = (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
    return filters


class Resampler:
    """Carries its state from one piece of a stream to the next."""

    def __init__(self, rate: int) -> None:
        """Takes audio of ``rate`` samples per second."""
        divisor = gcd(SAMPLE_RATE, rate)
        self._step, self._phases = rate // divisor, SAMPLE_RATE // divisor
        self._filters = _filters(rate) if rate != SAMPLE_RATE else None
        half = 0 if self._filters is None else self._filters.shape[1] // 2
        self._buffer: Samples = np.zeros(max(half - 1, 0), np.float32)  # before the first sample
        self._numerator = 0  # of the next output's position in the buffer, in 1 / phases

    def push(self, samples: Samples) -> Samples:
        """The next output samples, shape (m,), which may be none."""
        if self._filters is None:
            return samples
        taps = self._filters.shape[1]
        buffer = np.concatenate((self._buffer, samples))
        positions = self._positions(len(buffer) - taps + 1)
        if not len(positions):
            self._buffer = buffer
            return np.empty(0, np.float32)
        starts, phases = np.divmod(positions, self._phases)
        windows = sliding_window_view(buffer, taps)[starts]
        output: Samples = np.einsum("ij,ij->i", windows, self._filters[phases])
        following = int(positions[-1]) + self._step
        spent = min(following // self._phases, len(buffer))
        self._buffer = buffer[spent:].copy()
        self._numerator = following - spent * self._phases
        return output

    def _positions(self, windows: int) -> NDArray[np.int64]:
        """Where the outputs lie that the first ``windows`` windows of the buffer give."""
        end = max(windows * self._phases, self._numerator)
        return np.arange(self._numerator, end, self._step, dtype=np.int64)
