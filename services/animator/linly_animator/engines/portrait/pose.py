"""What the face does at one moment, in the terms of an animator."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mouth:
    """The mouth. All zero: at rest, lips closed."""

    jaw: float = 0.0
    """0 shut to 1 as far open as speech goes."""
    wide: float = 0.0
    """-1 corners drawn in to 1 corners drawn apart."""
    pucker: float = 0.0
    """0 to 1: lips rounded and pushed forward."""
    upper: float = 0.0
    """0 to 1: upper lip raised."""
    lower: float = 0.0
    """0 to 1: lower lip lowered."""
    press: float = 0.0
    """0 to 1: lips pressed together and rolled in."""
    tuck: float = 0.0
    """0 to 1: lower lip drawn under the upper teeth."""
    teeth: float = 0.0
    """0 to 1: how much of the teeth is to be seen behind open lips."""
    tongue: float = 0.0
    """0 lying to 1 raised behind the upper teeth."""
    tongue_out: float = 0.0
    """0 to 1: tip of the tongue between the teeth."""
    seal: float = 0.0
    """0 to 1: forces the lips together, whatever the rest says."""


@dataclass(frozen=True, slots=True)
class Head:
    """All but the mouth. All zero: looking straight ahead, eyes open."""

    yaw: float = 0.0
    """Radians; positive turns to the portrait's left."""
    pitch: float = 0.0
    """Radians; positive looks down."""
    roll: float = 0.0
    """Radians; positive leans to the viewer's right."""
    blink: float = 0.0
    """0 open to 1 shut."""
    brow: float = 0.0
    """0 to 1: brows raised."""
    breath: float = 0.0
    """0 breathed out to 1 breathed in."""


@dataclass(frozen=True, slots=True)
class Pose:
    """The whole face."""

    mouth: Mouth
    head: Head


REST = Pose(Mouth(), Head())
