"""What a face does by itself: it breathes, blinks and never holds quite still."""

from __future__ import annotations

import math
import random

from linly_animator.engines.portrait.pose import Head

_CLOSING, _SHUT, _OPENING = 0.075, 0.04, 0.15
"""Seconds of the three parts of a blink (Trutoiu et al. 2011: closing is about twice as fast)."""
_BREATH = 4.4
"""Seconds of one breath at rest."""
_SWAYS: dict[str, tuple[tuple[float, float], ...]] = {
    "yaw": ((0.030, 7.9), (0.014, 3.3)),
    "pitch": ((0.018, 6.1), (0.009, 2.7)),
    "roll": ((0.010, 9.7), (0.004, 4.1)),
}
"""Amplitude in radians and period in seconds of the slow waves that a head drifts on. The
periods have no common multiple that a viewer would notice."""


class Life:
    """A smooth function of time; the same seed lives the same life."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._phases = {
            name: [self._random.uniform(0, math.tau) for _ in waves]
            for name, waves in _SWAYS.items()
        }
        self._blinks = [self._random.uniform(0.8, 2.5)]

    def head(self, time: float, emphasis: float = 0.0) -> Head:
        """The head at `time` seconds. `emphasis` (0 to 1) is how much speech moves it."""
        sway = {
            name: sum(
                amplitude * math.sin(math.tau * time / period + phase)
                for (amplitude, period), phase in zip(waves, self._phases[name], strict=True)
            )
            for name, waves in _SWAYS.items()
        }
        blink = self._blink(time)
        return Head(
            yaw=sway["yaw"],
            pitch=sway["pitch"] + 0.030 * emphasis,
            roll=sway["roll"],
            blink=blink,
            brow=0.35 * emphasis,
            breath=0.5 - 0.5 * math.cos(math.tau * time / _BREATH),
        )

    def _blink(self, time: float) -> float:
        while self._blinks[-1] <= time:
            # People blink about every four seconds, now and then twice.
            pause = 0.35 if self._random.random() < 0.1 else self._random.uniform(2.2, 6.0)
            self._blinks.append(self._blinks[-1] + pause)
        return max((_lid(time - start) for start in self._blinks[-3:]), default=0.0)


def _lid(since: float) -> float:
    """0 open to 1 shut, `since` seconds after a blink began."""
    if since <= 0 or since >= _CLOSING + _SHUT + _OPENING:
        return 0.0
    if since < _CLOSING:
        return _smooth(since / _CLOSING)
    return 1 - _smooth(max(since - _CLOSING - _SHUT, 0) / _OPENING)


def _smooth(x: float) -> float:
    return x * x * (3 - 2 * x)
