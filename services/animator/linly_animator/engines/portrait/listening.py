"""Mouth shapes from sound alone, for speech that comes without visemes."""

from __future__ import annotations

import numpy as np

from linly_animator.engine import Viseme
from linly_animator.engines.portrait.arrays import Floats
from linly_animator.engines.portrait.pose import Mouth
from linly_animator.engines.portrait.visemes import mixed

_HOP = 0.01
"""Seconds between two looks at the sound."""
_WINDOW = 0.02
"""Seconds of sound in one look."""
_QUIET = 0.012
"""RMS below which nothing is being said, whatever went before; speech is 0.05 to 0.2."""
_SOUNDS = (Viseme.AA, Viseme.E, Viseme.I, Viseme.O, Viseme.U, Viseme.SS)


class Listener:
    """Follows loudness and colour of one speech."""

    def __init__(self, sample_rate: int) -> None:
        """`sample_rate` in samples per second."""
        self._hop = round(sample_rate * _HOP)
        self._size = round(sample_rate * _WINDOW)
        self._taper = np.hanning(self._size)
        self._frequencies = np.fft.rfftfreq(self._size, 1 / sample_rate)
        self._tail = np.zeros(self._size // 2, np.float32)
        self._looks = np.zeros((0, 3))

    def hear(self, samples: Floats) -> None:
        """Takes the next samples (-1 to 1)."""
        sound = np.concatenate([self._tail, samples])
        count = max(0, (len(sound) - self._size) // self._hop + 1)
        self._tail = sound[count * self._hop :]
        if count == 0:
            return
        windows = np.lib.stride_tricks.sliding_window_view(sound, self._size)[:: self._hop][:count]
        power = np.abs(np.fft.rfft(windows * self._taper, axis=1)) ** 2
        loud = np.sqrt(np.mean(np.square(windows, dtype=np.float64), axis=1))
        total = power.sum(axis=1) + 1e-9
        hiss = power[:, self._frequencies > 3000].sum(axis=1) / total
        voiced = np.where(self._frequencies < 3000, power, 0.0)
        centre = (voiced @ self._frequencies) / (voiced.sum(axis=1) + 1e-9)
        self._looks = np.concatenate([self._looks, np.column_stack([loud, hiss, centre])])

    def level(self, start: float, end: float) -> float:
        """How loud the speech is from `start` to `end` seconds, 0 to 1 of the loudest yet."""
        return self._look(start, end)[0]

    def mouth(self, start: float, end: float) -> Mouth:
        """The mouth for a frame shown from `start` to `end` seconds."""
        level, hiss, centre = self._look(start, end)
        if level < 0.06:
            return Mouth()
        sibilance = float(np.clip((hiss - 0.35) / 0.3, 0, 1))
        # The centre of the spectrum below 3 kHz stands for the second formant: back and
        # rounded vowels are dark, front ones bright.
        dark = float(np.clip((750 - centre) / 350, 0, 1))
        bright = float(np.clip((centre - 950) / 500, 0, 1))
        plain = 1 - dark - bright
        vowel = np.array([plain, 0.6 * bright, 0.4 * bright, 0.65 * dark, 0.35 * dark])
        weights = np.append(vowel * (1 - sibilance), sibilance)
        amount = min(level * 1.25, 1.0) ** 0.7
        return mixed(weights * np.append(np.full(5, amount), min(1.0, amount + 0.4)), _SOUNDS)

    def _look(self, start: float, end: float) -> tuple[float, float, float]:
        first, last = round(start / _HOP), max(round(end / _HOP), round(start / _HOP) + 1)
        if first >= len(self._looks):
            return 0.0, 0.0, 0.0
        loudest = max(float(self._looks[:last, 0].max()), 4 * _QUIET)
        loud, hiss, centre = self._looks[first:last].mean(axis=0)
        level = float(np.clip((loud - _QUIET) / (0.8 * loudest - _QUIET), 0, 1))
        return level, float(hiss), float(centre)
