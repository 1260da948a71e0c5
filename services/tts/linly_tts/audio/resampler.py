"""Speech at another sample rate, piece by piece."""

from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

_ZERO_CROSSINGS = 16
"""Of the sinc on each side: a transition band of a sixteenth of the lower rate."""
_KAISER_BETA = 8.6
"""About 90 dB of stop band (Kaiser's formula: 0.1102 * (90 - 8.7))."""


class Resampler:
    """Converts one stretch of speech between two whole sample rates.

    A windowed-sinc polyphase filter (Crochiere and Rabiner, "Multirate Digital Signal
    Processing", 1983), centred on each output sample: nothing is delayed in the stretch's time,
    and n samples become exactly ``length(n)``.
    """

    def __init__(self, source: int, target: int) -> None:
        """From ``source`` to ``target`` samples per second."""
        common = gcd(source, target)
        self._up, self._down = target // common, source // common
        self._filter = _polyphase(self._up, self._down)
        self._reach = self._filter.shape[1] // 2
        self._held = np.zeros(self._reach, dtype=np.float32)
        self._first = -self._reach  # position of the first held sample in the stretch
        self._given = 0

    def length(self, samples: int) -> int:
        """Samples at the target rate, for a count at the source rate."""
        return (2 * samples * self._up + self._down) // (2 * self._down)

    def process(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Takes the next piece, shape (n,), and gives what can be said with it."""
        self._held = np.concatenate((self._held, samples.astype(np.float32)))
        end = self._first + len(self._held)
        return self._give((end - self._reach) * self._up // self._down)

    def finish(self) -> NDArray[np.int16]:
        """Gives the rest; the stretch is over."""
        end = self._first + len(self._held)
        self._held = np.concatenate((self._held, np.zeros(self._reach + 1, dtype=np.float32)))
        return self._give(self.length(end))

    def _give(self, until: int) -> NDArray[np.int16]:
        """Output samples up to ``until``, for which all input must be held."""
        if until <= self._given:
            return np.empty(0, dtype=np.int16)
        positions = np.arange(self._given, until) * self._down
        centres, phases = positions // self._up, positions % self._up
        windows = np.lib.stride_tricks.sliding_window_view(self._held, self._filter.shape[1])
        starts = centres - self._reach + 1 - self._first
        output = np.einsum("ij,ij->i", windows[starts], self._filter[phases])
        self._given = until
        needed = until * self._down // self._up - self._reach + 1
        if needed > self._first:
            self._held, self._first = self._held[needed - self._first :], needed
        return np.asarray(np.clip(np.rint(output), -32768, 32767), dtype=np.int16)


@lru_cache(maxsize=8)
def _polyphase(up: int, down: int) -> NDArray[np.float32]:
    """The filter of each phase, shape (up, taps): taps around the input sample before it."""
    cutoff = min(1.0, up / down)
    reach = int(np.ceil(_ZERO_CROSSINGS / cutoff))
    taps = np.arange(-reach + 1, reach + 1)
    distance = taps[None, :] - np.arange(up)[:, None] / up
    window = np.i0(_KAISER_BETA * np.sqrt(np.clip(1 - (distance / reach) ** 2, 0, 1)))
    kernel = np.sinc(distance * cutoff) * window
    return np.asarray(kernel / kernel.sum(axis=1, keepdims=True), dtype=np.float32)
