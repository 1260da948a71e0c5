"""What is seen between parted lips: teeth, tongue and the dark of the throat.

Drawn once per avatar, in mouth coordinates; a frame only places the pieces and lets the
lips cut them off.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from linly_animator.engines.portrait.arrays import Floats, Image

_SIDE = 256
"""Pixels per unit (the distance between the outer corners of the eyes) of the drawings."""
_SMOOTH = 2
"""Drawn this much larger, then reduced: clean edges."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A drawing with its place in the mouth."""

    colour: Floats
    """height x width x 4: BGR 0 to 255, opacity 0 to 1; premultiplied."""
    anchor: tuple[float, float]
    """The pixel of the drawing that lies on the middle of the lip line."""

    def place(self, to_picture: Floats, size: tuple[int, int]) -> Floats:
        """The drawing as seen in a picture of `size`; `to_picture` maps u, v to its pixels."""
        own = np.array(
            [
                [1 / _SIDE, 0, -self.anchor[0] / _SIDE],
                [0, 1 / _SIDE, -self.anchor[1] / _SIDE],
                [0, 0, 1],
            ]
        )
        matrix = to_picture @ own
        return np.asarray(cv2.warpAffine(self.colour, matrix, size, flags=cv2.INTER_LINEAR))


@dataclass(frozen=True, slots=True)
class Pieces:
    """Everything inside one mouth."""

    upper_teeth: Piece
    lower_teeth: Piece
    tongue: Piece


def draw(tooth: Floats, half_width: float) -> Pieces:
    """Draws a mouth.

    Args:
        tooth: BGR colour of a tooth in full light, 0 to 255.
        half_width: half the mouth's width in units.
    """
    reach = max(half_width, 0.22)
    return Pieces(
        upper_teeth=_teeth(
            tooth, reach, (0.098, 0.078, 0.086, 0.072, 0.066, 0.06), 0.115, 0.020, up=True
        ),
        lower_teeth=_teeth(
            tooth * 0.92, reach, (0.062, 0.066, 0.076, 0.07, 0.066, 0.06), 0.10, -0.004, up=False
        ),
        tongue=_tongue(reach),
    )


def _teeth(
    tooth: Floats, reach: float, widths: tuple[float, ...], height: float, edge: float, *, up: bool
) -> Piece:
    scale = _SIDE * _SMOOTH
    columns, rows = int(2.5 * reach * scale), int((height + 0.06) * scale)
    middle = columns / 2
    opacity = np.zeros((rows, columns), np.uint8)
    light = np.zeros((rows, columns), np.float32)
    x = 0.0
    biting = rows - int(0.02 * scale)
    for number, width in enumerate(widths):
        # Teeth further back stand behind and show less of themselves: the row is an arch.
        seen = width * np.cos(min(x / (reach * 1.25), 1.0) * 1.25)
        lift = 0.012 * (x / reach) ** 2 + (0.008 if number == 1 and up else 0.0)
        for sign in (-1, 1):
            left = middle + sign * (x + (seen if sign < 0 else 0)) * scale
            one = np.zeros_like(opacity)
            box = (int(left + 0.002 * scale), int(biting - height * scale))
            end = (int(left + (seen - 0.002) * scale), int(biting - lift * scale))
            _rounded(one, box, end, int(0.014 * scale * min(seen / 0.09, 1)))
            opacity |= one
            across = np.clip((np.arange(columns) - left) / (seen * scale), 0, 1)
            round_ = 1 - 0.28 * np.abs(across - 0.5) ** 2 * 4
            shade = (1 - 0.5 * min(x / reach, 1.0) ** 1.4) * round_
            light = np.where(one > 0, shade[None].astype(np.float32), light)
        x += seen
    # The gaps between teeth are shadow, not holes into the throat.
    row_mask = cv2.morphologyEx(
        opacity, cv2.MORPH_CLOSE, np.ones((1, int(0.012 * scale)), np.uint8)
    )
    light = np.where((row_mask > 0) & (opacity == 0), 0.84, light)
    light = cv2.GaussianBlur(light, (0, 0), 0.0025 * scale)
    down = np.linspace(0.88, 1.0, rows, dtype=np.float32)[:, None]
    colour = tooth[None, None] * (light * down)[..., None]
    alpha = cv2.GaussianBlur(row_mask.astype(np.float32) / 255, (0, 0), 0.002 * scale)
    if not up:
        colour, alpha, biting = colour[::-1], alpha[::-1], rows - biting
    anchor = (middle / _SMOOTH, (biting - edge * scale) / _SMOOTH)
    return Piece(_reduced(colour, alpha), anchor)


def _tongue(reach: float) -> Piece:
    scale = _SIDE
    columns, rows = int(2.6 * reach * scale), int(0.36 * scale)
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    u, v = (x / scale - 1.3 * reach) / (0.82 * reach), y / (rows - 1)
    # The far end is a low arch; the near end goes on below the lower lip.
    rim = 0.08 + 0.5 * np.abs(u) ** 2.6
    alpha = 1 / (1 + np.exp(-(v - rim) * 45))
    dome = np.clip((v - rim) / 0.5, 0, 1)
    light = 0.5 + 0.5 * np.sqrt(dome) * (1 - 0.35 * u**2)
    light = light * (1 - 0.2 * np.exp(-((u / 0.06) ** 2)) * dome) + 0.07 * np.exp(
        -(((v - rim - 0.28) / 0.1) ** 2)
    )
    colour = np.array([112, 108, 200], np.float32) * light[..., None]
    return Piece(_reduced(colour, alpha, smooth=1), (columns / 2, 0.08 * rows))


def _rounded(mask: Image, start: tuple[int, int], end: tuple[int, int], radius: int) -> None:
    (left, top), (right, bottom) = start, end
    radius = max(1, min(radius, (right - left) // 2))
    cv2.rectangle(mask, (left, top), (right, bottom - radius), 255, -1)
    cv2.rectangle(mask, (left + radius, top), (right - radius, bottom), 255, -1)
    for x in (left + radius, right - radius):
        cv2.circle(mask, (x, bottom - radius), radius, 255, -1)


def _reduced(colour: Floats, alpha: Floats, smooth: int = _SMOOTH) -> Floats:
    layer = np.dstack([colour * alpha[..., None], alpha]).astype(np.float32)
    if smooth == 1:
        return layer
    return np.asarray(
        cv2.resize(layer, None, fx=1 / smooth, fy=1 / smooth, interpolation=cv2.INTER_AREA)
    )
