"""Eyelids: clean skin drawn down over the eye, with lashes along its edge."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from linly_animator.engines.portrait import topology as mesh
from linly_animator.engines.portrait.anatomy import Anatomy
from linly_animator.engines.portrait.arrays import Floats, Image

_EYES = (
    (mesh.RIGHT_EYE_UPPER, mesh.RIGHT_EYE_LOWER),
    (mesh.LEFT_EYE_UPPER, mesh.LEFT_EYE_LOWER),
)


@dataclass(frozen=True, slots=True)
class Lid:
    """One eye of a picture, measured in the columns of that picture."""

    box: tuple[int, int, int, int]
    """Left, top, right, bottom of the pixels that a blink can change, head motion included."""
    upper: Floats
    """y of the upper lid's edge when open."""
    closed: Floats
    """y where the lids meet."""
    span: Floats
    """1 between the corners of the eye, 0 outside."""
    lash: float
    """Thickness of the lid's edge, pixels."""
    ink: Floats
    """Colour of the lashes, BGR."""

    def draw(self, frame: Image, skin: Image, source: Floats, blink: float) -> None:
        """Closes the eye in `frame` by `blink`.

        `source` says where each pixel of the frame comes from; `skin` is the picture as if
        it had no eyes.
        """
        left, top, right, bottom = self.box
        at = source[top:bottom, left:right]
        x, y = at[..., 0], at[..., 1]
        column = np.clip(x + 0.5, 0, len(self.upper) - 1).astype(np.int32)
        upper, closed, span = self.upper[column], self.closed[column], self.span[column]
        edge = upper + blink * (closed - upper)
        began = min(1.0, 3 * blink)
        # The lashes of the open eye go down with the lid: skin takes their place.
        covered = np.clip((y - upper) / (2.2 * self.lash) + 2.4, 0, 1) * np.clip(
            edge - y + 0.5, 0, 1
        )
        round_ = np.clip((y - upper) / np.maximum(closed - upper, 1.0), 0, 1)
        shade = 1 + blink * (0.06 * np.sin(np.pi * round_) - 0.10 * round_**3)
        lashes = np.exp(-(((y - edge) / self.lash) ** 2)) * span * (0.8 * began)
        region = frame[top:bottom, left:right]
        open_eye = region.astype(np.float32)
        lid = cv2.remap(skin, at, None, cv2.INTER_LINEAR).astype(np.float32) * shade[..., None]
        mixed = open_eye + (lid - open_eye) * (covered * span * began)[..., None]
        mixed += (self.ink - mixed) * lashes[..., None]
        region[...] = np.clip(mixed, 0, 255).astype(np.uint8)


def lids(picture: Image, anatomy: Anatomy) -> tuple[Lid, ...]:
    """Both lids of the face in `picture`."""
    return tuple(_lid(picture, anatomy, upper, lower) for upper, lower in _EYES)


def without_eyes(picture: Image, anatomy: Anatomy) -> Image:
    """The picture with skin where the eyes are."""
    mask = np.zeros(picture.shape[:2], np.uint8)
    for upper, lower in _EYES:
        above, below = anatomy.row(upper), anatomy.row(lower)
        reach = anatomy.unit * anatomy.axes[1]
        outline = np.concatenate([above - 0.035 * reach, (below + 0.03 * reach)[::-1]])
        cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], 255)
    grow = max(3, int(0.03 * anatomy.unit)) | 1
    mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (grow, grow)))
    filled = cv2.inpaint(picture, mask, 0.05 * anatomy.unit, cv2.INPAINT_TELEA)
    # Inpainting leaves streaks; a lid is smooth.
    smooth = cv2.GaussianBlur(filled, (0, 0), 0.035 * anatomy.unit)
    weight = cv2.GaussianBlur(mask, (0, 0), 0.02 * anatomy.unit).astype(np.float32)[..., None] / 255
    return np.asarray(filled + (smooth.astype(np.float32) - filled) * weight).astype(np.uint8)


def _lid(picture: Image, anatomy: Anatomy, upper: tuple[int, ...], lower: tuple[int, ...]) -> Lid:
    height, width = picture.shape[:2]
    columns = np.arange(width)
    edge, bottom = _curve(columns, anatomy.row(upper)), _curve(columns, anatomy.row(lower))
    opening = np.maximum(bottom - edge, 0)
    corners = np.concatenate([anatomy.row(upper), anatomy.row(lower)])
    low, high = corners.min(axis=0), corners.max(axis=0)
    inside = np.minimum(columns - low[0], high[0] - columns)
    span = np.clip(inside / (0.03 * anatomy.unit) + 0.5, 0, 1)
    # The lower lid's own edge is hidden by the upper one's.
    closed = edge + opening + 0.024 * anatomy.unit * span
    margin = 0.15 * anatomy.unit
    low, high = low - margin, high + margin
    box = (
        max(0, int(low[0])),
        max(0, int(low[1])),
        min(width, int(high[0])),
        min(height, int(high[1])),
    )
    rows = np.clip(np.round(anatomy.row(upper)).astype(int), 0, [width - 1, height - 1])
    darkest = np.sort(picture[rows[:, 1], rows[:, 0]].astype(np.float32), axis=0)[: len(rows) // 2]
    return Lid(
        box,
        edge,
        closed.astype(np.float32),
        span.astype(np.float32),
        max(0.8, 0.011 * anatomy.unit),
        darkest.mean(axis=0),
    )


def _curve(columns: npt.NDArray[np.int64], row: Floats) -> Floats:
    order = np.argsort(row[:, 0])
    return np.asarray(np.interp(columns, row[order, 0], row[order, 1]).astype(np.float32))
