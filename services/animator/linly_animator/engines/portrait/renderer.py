"""One portrait at one size, drawn in any pose."""

from __future__ import annotations

import cv2
import numpy as np

from linly_animator.engines.portrait import rig, seam
from linly_animator.engines.portrait.anatomy import Anatomy
from linly_animator.engines.portrait.arrays import Floats, Image
from linly_animator.engines.portrait.fields import Grid, spread
from linly_animator.engines.portrait.lids import lids, without_eyes
from linly_animator.engines.portrait.mouth import MouthPainter
from linly_animator.engines.portrait.pose import Pose

_COARSE, _FINE = 8, 4
"""Pixels between points of the head's and of the mouth's lattice, at 512 pixels."""


class Renderer:
    """Draws frames of one portrait: some tenths of a second to prepare, a few milliseconds a frame.

    Never changes once it is made, so any number of streams may draw with it at once.
    """

    def __init__(self, picture: Image, landmarks: Floats) -> None:
        """`picture` is height x width x 3 (BGR), `landmarks` 468 x 3 in its pixels."""
        self._height, self._width = picture.shape[:2]
        self._anatomy = Anatomy(seam.settled(picture, landmarks))
        self._picture = seam.without_teeth(picture, self._anatomy)
        upper, lower = rig.sheets(self._anatomy, self._width, self._height)
        scale = max(1, min(self._width, self._height) // 256)
        self._whole = Grid(0, 0, self._width, self._height, _COARSE * scale // 2)
        self._whole_at = self._whole.positions()
        self._head = spread(upper.points, upper.head, self._whole_at)
        self._part = Grid(*self._mouth_box(), _FINE * scale // 2)
        self._part_at = self._part.positions()
        fade = _fade(*self._part_at.shape[:2])
        self._sheets = [
            np.concatenate(
                [
                    spread(sheet.points, sheet.mouth, self._part_at) * fade,
                    spread(sheet.points, sheet.head, self._part_at),
                ]
            )
            for sheet in (upper, lower)
        ]
        self._lids = lids(picture, self._anatomy)
        self._eyeless = without_eyes(picture, self._anatomy)
        self._mouth = MouthPainter(self._picture, self._anatomy, upper, lower)

    def draw(self, pose: Pose) -> Image:
        """The portrait in `pose`: height x width x 3, BGR."""
        head, mouth = rig.head_weights(pose.head), rig.mouth_weights(pose.mouth)
        source = self._source(head, mouth)
        frame = cv2.remap(
            self._picture, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        if pose.head.blink > 0.01:
            for lid in self._lids:
                lid.draw(frame, self._eyeless, source, pose.head.blink)
        self._mouth.draw(frame, pose.mouth, mouth, head)
        return np.asarray(frame)

    def _source(self, head: Floats, mouth: Floats) -> Floats:
        """Where each pixel of the frame comes from."""
        source = self._whole.enlarge(self._whole.origins(_sum(head, self._head), self._whole_at))
        weights = np.concatenate([mouth, head])
        part = self._part
        above, below = (
            part.enlarge(part.origins(_sum(weights, sheet), self._part_at))
            for sheet in self._sheets
        )
        box = (part.left, part.top, part.width, part.height)
        is_lower = self._mouth.lower_side(mouth, head, box)
        target = source[part.top : part.top + part.height, part.left : part.left + part.width]
        # Above its lips the mouth's lattice is all upper sheet.
        split = int(np.argmax(is_lower.any(axis=1)))
        target[:split] = above[:split]
        target[split:] = above[split:] + (below[split:] - above[split:]) * is_lower[split:, :, None]
        return source

    def _mouth_box(self) -> tuple[int, int, int, int]:
        """Left, top, width, height of all that speech can move."""
        chin = self._anatomy.chin
        corners = self._anatomy.to_pixels(
            np.array([[u, v] for u in (-0.85, 0.85) for v in (-0.5, chin + 0.5)], np.float32)
        )
        low, high = corners.min(axis=0), corners.max(axis=0)
        left, top = max(0, int(low[0])), max(0, int(low[1]))
        return (
            left,
            top,
            min(self._width, int(high[0])) - left,
            min(self._height, int(high[1])) - top,
        )


def _fade(rows: int, columns: int) -> Floats:
    """1 at the mouth, 0 at the edge of the mouth's lattice, so that no border shows."""
    ramps = [
        np.clip(np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.16 * n), 0, 1)
        for n in (rows, columns)
    ]
    window = np.outer(*[r * r * (3 - 2 * r) for r in ramps])
    return np.asarray(window[..., None], np.float32)


def _sum(weights: Floats, fields: Floats) -> Floats:
    """The sum of some fields, each with its weight."""
    count, rows, columns, axes = fields.shape
    return np.asarray(weights @ fields.reshape(count, -1)).reshape(rows, columns, axes)
