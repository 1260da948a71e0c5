"""Fifteen visemes as mouth shapes, and how neighbouring sounds share the mouth.

Co-articulation follows Cohen & Massaro, "Modeling coarticulation in synthetic visual
speech" (1993): each sound has a dominance that rises before it and fades after it, and the
mouth is the average of the sounds' targets, weighted by their dominances. Their exponential
is replaced by a bell of finite width, because a stream knows only a little of what follows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

import numpy as np

from linly_animator.engine import Viseme, VisemeTiming
from linly_animator.engines.portrait.arrays import Floats
from linly_animator.engines.portrait.pose import Mouth

ANTICIPATION = 0.05
"""Seconds before a sound in which the mouth already turns to it."""
LEAD = 0.015
"""Seconds that the mouth is ahead of the middle of its frame: lips move before they sound, and
viewers take early lips for natural and late ones for a fault (ITU-R BT.1359)."""
CARRY_OVER = 0.08
"""Seconds after a sound in which the mouth still shows it."""

_CLOSING = 0.04
"""Seconds that lips take to meet, and as much to part."""
_LONGEST = 2.0
"""Seconds: no single sound is looked for longer than this after its start."""
_AT_REST = 0.04
"""The dominance of the mouth's rest: what it goes back to when nothing is said."""
_NAMES = tuple(field.name for field in fields(Mouth))


@dataclass(frozen=True, slots=True)
class _Shape:
    mouth: Mouth
    jaw: float
    """How firmly the sound holds the jaw; a vowel is 1."""
    lips: float
    """How firmly it holds the corners and the rounding of the lips."""


SHAPES: dict[Viseme, _Shape] = {
    Viseme.SIL: _Shape(Mouth(), jaw=0.8, lips=0.6),
    Viseme.PP: _Shape(Mouth(jaw=0.05, press=0.75, seal=1), jaw=0.9, lips=0.5),
    Viseme.FF: _Shape(Mouth(jaw=0.04, tuck=1, upper=0.75, teeth=1), jaw=1.2, lips=0.35),
    Viseme.TH: _Shape(
        Mouth(jaw=0.20, wide=0.1, upper=0.2, lower=0.2, teeth=0.9, tongue_out=1), jaw=0.9, lips=0.4
    ),
    Viseme.DD: _Shape(
        Mouth(jaw=0.16, wide=0.15, upper=0.25, lower=0.35, teeth=0.95, tongue=0.8),
        jaw=0.7,
        lips=0.3,
    ),
    Viseme.KK: _Shape(
        Mouth(jaw=0.24, wide=0.1, upper=0.15, lower=0.25, teeth=0.7, tongue=0.3), jaw=0.6, lips=0.25
    ),
    Viseme.CH: _Shape(Mouth(jaw=0.12, pucker=0.5, upper=0.5, lower=0.55, teeth=1), jaw=1, lips=1),
    Viseme.SS: _Shape(Mouth(jaw=0.06, wide=0.35, upper=0.45, lower=0.5, teeth=1), jaw=1, lips=0.5),
    Viseme.NN: _Shape(
        Mouth(jaw=0.17, wide=0.1, upper=0.2, lower=0.3, teeth=0.8, tongue=0.9), jaw=0.7, lips=0.3
    ),
    Viseme.RR: _Shape(
        Mouth(jaw=0.16, pucker=0.35, upper=0.2, lower=0.3, teeth=0.5, tongue=0.3), jaw=0.7, lips=0.7
    ),
    Viseme.AA: _Shape(
        Mouth(jaw=0.62, wide=0.05, upper=0.25, lower=0.1, teeth=0.75), jaw=1, lips=0.8
    ),
    Viseme.E: _Shape(
        Mouth(jaw=0.38, wide=0.35, upper=0.35, lower=0.2, teeth=0.95, tongue=0.2), jaw=1, lips=0.9
    ),
    Viseme.I: _Shape(
        Mouth(jaw=0.20, wide=0.55, upper=0.4, lower=0.35, teeth=1, tongue=0.4), jaw=1, lips=1
    ),
    Viseme.O: _Shape(Mouth(jaw=0.46, pucker=0.6, teeth=0.15), jaw=1, lips=1.2),
    Viseme.U: _Shape(Mouth(jaw=0.17, pucker=1), jaw=1, lips=1.4),
}
_TARGETS = {
    viseme: np.array([getattr(shape.mouth, name) for name in _NAMES])
    for viseme, shape in SHAPES.items()
}
_HOLDS = {
    viseme: np.array([shape.lips if name in ("wide", "pucker") else shape.jaw for name in _NAMES])
    for viseme, shape in SHAPES.items()
}
_SEAL, _PRESS = _NAMES.index("seal"), _NAMES.index("press")


class Articulation:
    """The visemes of one speech, and the mouth that they make at any time."""

    def __init__(self) -> None:
        self._timings: list[VisemeTiming] = []
        self._starts: list[float] = []

    def __bool__(self) -> bool:
        return bool(self._timings)

    def add(self, timings: Iterable[VisemeTiming]) -> None:
        """Adds visemes; their order does not matter."""
        for timing in timings:
            at = bisect_right(self._starts, timing.start)
            self._starts.insert(at, timing.start)
            self._timings.insert(at, timing)

    def mouth(self, start: float, end: float) -> Mouth:
        """The mouth for a frame shown from `start` to `end` (seconds from the start of speech).

        Looks at visemes that begin up to LEAD + ANTICIPATION after the frame's middle, no further:
        the same speech looks the same however it was cut into chunks. A frame that holds
        the middle of a p, b or m has closed lips, however short the sound.
        """
        now = (start + end) / 2 + LEAD
        total = np.full(len(_NAMES), _AT_REST)
        value = np.zeros(len(_NAMES))
        seal = 0.0
        for timing in self._near(now):
            stop = timing.start + timing.duration
            dominance = _bell(timing.start - now, ANTICIPATION) * _bell(now - stop, CARRY_OVER)
            hold = _HOLDS[timing.viseme] * dominance
            total += hold
            value += hold * _TARGETS[timing.viseme]
            if timing.viseme is Viseme.PP:
                middle = timing.start + timing.duration / 2
                touching = max(
                    _bell(timing.start - now, _CLOSING) * _bell(now - stop, _CLOSING),
                    float(start <= middle < end),
                )
                seal = max(seal, touching)
        blended = value / total
        blended[_SEAL] = seal
        blended[_PRESS] *= seal
        return Mouth(*(float(v) for v in blended))

    def _near(self, now: float) -> list[VisemeTiming]:
        first = bisect_right(self._starts, now - _LONGEST)
        last = bisect_right(self._starts, now + ANTICIPATION)
        return self._timings[first:last]


def _bell(distance: float, reach: float) -> float:
    """1 up to `distance` 0, then smoothly down to 0 at `reach`."""
    x = min(max(distance / reach, 0.0), 1.0)
    return (1 - x * x) ** 2


def mixed(weights: Floats, visemes: tuple[Viseme, ...]) -> Mouth:
    """The weighted sum of some visemes' targets."""
    blended = weights @ np.stack([_TARGETS[viseme] for viseme in visemes])
    return Mouth(*(float(v) for v in blended))


def eased(target: Mouth, origin: Mouth, amount: float) -> Mouth:
    """`target` with `amount` (0 to 1) of `origin` still in it; lips that must touch still do."""
    if amount <= 0:
        return target
    blended = Mouth(
        *((1 - amount) * getattr(target, name) + amount * getattr(origin, name) for name in _NAMES)
    )
    return replace(blended, seal=max(target.seal, blended.seal))
