"""Cuts a picture so that the face sits well in a video of any size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from linly_animator.engines.portrait import topology as mesh
from linly_animator.engines.portrait.arrays import Floats, Image

_FACE_SHARE = 0.46
"""Height of the face, hairline to chin, in a video that is as wide as high."""
_LARGEST_SHARE = 0.66
"""More than this would cut the hair; then the picture gets a border instead."""
_EYE_LEVEL = 0.47
"""Where the middle of the face lies, from the top."""


@dataclass(frozen=True, slots=True)
class Framed:
    """A picture at its final size."""

    picture: Image
    """height x width x 3, BGR."""
    landmarks: Floats
    """468 x 3 in the picture's pixels."""


def frame(picture: Image, landmarks: Floats, width: int, height: int) -> Framed:
    """Cuts and scales `picture` to `width` x `height` around the face.

    As much of the picture as suits a talking head is kept; a border, mirrored and blurred,
    is added only where a face fills the picture so far that its hair would be cut.
    """
    rows, columns = picture.shape[:2]
    low, high = landmarks[mesh.OVAL, :2].min(axis=0), landmarks[mesh.OVAL, :2].max(axis=0)
    # The face is measured across as well: a narrow video must hold its width.
    face = max(float(high[1] - low[1]), float(high[0] - low[0]) * 1.25)
    aspect = width / height
    unit = max(1.0, 1.0 / aspect)
    tall = face / _FACE_SHARE * unit
    fits = min(rows, columns / aspect)
    tall = min(tall, max(fits, face / _LARGEST_SHARE * unit))
    size = np.array([tall * aspect, tall])
    centre = (low + high) / 2
    corner = centre - size * (0.5, _EYE_LEVEL)
    room = np.array([columns, rows]) - size
    # Inside the picture if the picture is large enough, else the face in the middle.
    corner = np.where(room >= 0, np.clip(corner, 0, np.maximum(room, 0)), corner)
    cut = _cut(picture, corner, size)
    shrinks = size[1] > height
    scaled = cv2.resize(
        cut, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    )
    scale = np.array([width, height]) / (cut.shape[1], cut.shape[0])
    origin = np.floor(corner)
    moved = landmarks.copy()
    moved[:, :2] = (landmarks[:, :2] - origin + 0.5) * scale - 0.5
    moved[:, 2] *= scale[1]
    return Framed(_crisp(scaled), moved.astype(np.float32))


def _cut(picture: Image, corner: Floats, size: Floats) -> Image:
    rows, columns = picture.shape[:2]
    left, top = np.floor(corner).astype(int)
    right, bottom = (np.floor(corner) + np.round(size)).astype(int)
    before = max(0, -top), max(0, -left)
    after = max(0, bottom - rows), max(0, right - columns)
    inside = picture[max(0, top) : min(rows, bottom), max(0, left) : min(columns, right)]
    if not (*before, *after) > (0, 0, 0, 0):
        return inside
    padded = cv2.copyMakeBorder(
        inside, before[0], after[0], before[1], after[1], cv2.BORDER_REFLECT
    )
    soft = cv2.GaussianBlur(padded, (0, 0), max(2.0, 0.03 * padded.shape[0]))
    border = np.ones(padded.shape[:2], np.float32)
    border[before[0] : padded.shape[0] - after[0], before[1] : padded.shape[1] - after[1]] = 0
    border = cv2.GaussianBlur(border, (0, 0), 0.012 * padded.shape[0])[..., None]
    return np.asarray(padded + (soft.astype(np.float32) - padded) * border).astype(np.uint8)


def _crisp(picture: Image) -> Image:
    """Sharpens a little, which makes good what moving each pixel of a face costs."""
    blurred = cv2.GaussianBlur(picture, (0, 0), 1.0)
    return np.asarray(cv2.addWeighted(picture, 1.3, blurred, -0.3, 0))
