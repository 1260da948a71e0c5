"""One portrait at one size, drawn in any pose."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from linly_animator.engines.portrait import rig, seam
from linly_animator.engines.portrait import topology as mesh
from linly_animator.engines.portrait.anatomy import Anatomy
from linly_animator.engines.portrait.fields import Grid, spread
from linly_animator.engines.portrait.lids import lids, without_eyes
from linly_animator.engines.portrait.mouth import MouthPainter
from linly_animator.engines.portrait.pose import Pose

Array = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

_COARSE, _FINE = 8, 4
"""Pixels between points of the head's and of the mouth's lattice, at 512 pixels."""


class Renderer:
    """Draws frames of one portrait. Preparation costs a tenth of a second, a frame a few milliseconds.

    Not safe to share between threads: buffers are kept from frame to frame.
    """

    def __init__(self, picture: Image, landmarks: Array) -> None:
        """`picture` is height x width x 3 (BGR), `landmarks` 468 x 3 in its pixels."""
        self._height, self._width = picture.shape[:2]
        self._anatomy = Anatomy(seam.settled(picture, landmarks))
        self._picture = _without_teeth(picture, self._anatomy)
        upper, lower = rig.sheets(self._anatomy, self._width, self._height)
        scale = max(1, min(self._width, self._height) // 256)
        self._whole = _cover((0, 0, self._width, self._height), _COARSE * scale // 2)
        whole_at = self._whole.positions()
        self._whole_at = whole_at
        self._head = spread(upper.points, upper.head, whole_at)
        self._part = _cover(self._mouth_box(), _FINE * scale // 2)
        self._part_at = self._part.positions()
        fade = self._fade(self._part_at)
        self._sheets = [
            np.concatenate([
                spread(sheet.points, sheet.mouth, self._part_at) * fade,
                spread(sheet.points, sheet.head, self._part_at),
            ])
            for sheet in (upper, lower)
        ]
        self._lids = lids(picture, self._anatomy)
        self._eyeless = without_eyes(picture, self._anatomy)
        self._mouth = MouthPainter(self._picture, self._anatomy, upper, lower)
        self._pixels = np.stack(
            np.meshgrid(np.arange(self._width), np.arange(self._height)), axis=-1
        ).astype(np.float32)

    def draw(self, pose: Pose) -> Image:
        """The portrait in `pose`: height x width x 3, BGR."""
        head, mouth = rig.head_weights(pose.head), rig.mouth_weights(pose.mouth)
        source = self._source(head, mouth)
        frame = cv2.remap(self._picture, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if pose.head.blink > 0.01:
            for lid in self._lids:
                lid.draw(frame, self._eyeless, source, pose.head.blink)
        self._mouth.draw(frame, pose.mouth, mouth, head)
        return frame

    def _source(self, head: Array, mouth: Array) -> Array:
        """Where each pixel of the frame comes from."""
        moved = self._whole.invert(np.tensordot(head, self._head, 1), self._whole_at)
        field = self._whole.enlarge(moved)[: self._height, : self._width]
        weights = np.concatenate([mouth, head])
        part = self._part
        above, below = (
            part.enlarge(part.invert(np.tensordot(weights, sheet, 1), self._part_at))
            for sheet in self._sheets
        )
        width, height = part.size
        is_lower = self._mouth.lower_side(mouth, head, (part.left, part.top, width, height))
        above += (below - above) * is_lower[..., None]
        rows, columns = slice(part.top, part.top + height), slice(part.left, part.left + width)
        target = field[rows, columns]
        target[...] = above[: target.shape[0], : target.shape[1]]
        return field + self._pixels

    def _mouth_box(self) -> tuple[int, int, int, int]:
        """Left, top, width, height of all that speech can move."""
        chin = float(self._anatomy.normalise(self._anatomy.point(mesh.CHIN))[1])
        corners = self._anatomy.to_pixels(
            np.array([[u, v] for u in (-0.85, 0.85) for v in (-0.5, chin + 0.5)], np.float32)
        )
        low, high = corners.min(axis=0), corners.max(axis=0)
        left, top = max(0, int(low[0])), max(0, int(low[1]))
        return left, top, min(self._width, int(high[0])) - left, min(self._height, int(high[1])) - top

    def _fade(self, positions: Array) -> Array:
        """1 at the mouth, 0 at the edge of the mouth's lattice, so that no border shows."""
        rows, columns = positions.shape[:2]
        ramps = [np.clip(np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.16 * n), 0, 1)
                 for n in (rows, columns)]
        window = np.outer(*[r * r * (3 - 2 * r) for r in ramps])
        return window[..., None].astype(np.float32)


def _cover(box: tuple[int, int, int, int], step: int) -> Grid:
    left, top, width, height = box
    return Grid(left, top, -(-width // step), -(-height // step), step)


def _without_teeth(picture: Image, anatomy: Anatomy) -> Image:
    """Fills an open mouth with the colour of the lips around it, so that closing it shows no teeth."""
    above, below = anatomy.row(mesh.LIP_UPPER_INNER), anatomy.row(mesh.LIP_LOWER_INNER)
    if seam.gap(anatomy) < seam.OPEN:
        return picture
    mask = np.zeros(picture.shape[:2], np.uint8)
    # Between the last tooth and the corner it is dark: that goes too.
    corners = anatomy.row((78, 308)) + 1.7 * (anatomy.row((61, 291)) - anatomy.row((78, 308)))
    outline = np.concatenate([corners[:1], above, corners[1:], below[::-1]])
    cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
    grow = max(3, int(0.035 * anatomy.unit)) | 1
    mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (grow, grow)))
    filled = cv2.inpaint(picture, mask, 0.04 * anatomy.unit, cv2.INPAINT_TELEA)
    smooth = cv2.GaussianBlur(filled, (0, 0), 0.02 * anatomy.unit).astype(np.float32)
    weight = cv2.GaussianBlur(mask, (0, 0), 0.008 * anatomy.unit).astype(np.float32)[..., None] / 255
    return np.asarray(filled + (smooth - filled) * weight).astype(np.uint8)
