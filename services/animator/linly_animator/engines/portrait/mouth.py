"""The opening between the lips: its outline in a pose, and what is seen through it."""

from __future__ import annotations

import cv2
import numpy as np

from linly_animator.engines.portrait import interior, rig, seam
from linly_animator.engines.portrait import topology as mesh
from linly_animator.engines.portrait.anatomy import Anatomy
from linly_animator.engines.portrait.arrays import Floats, Image
from linly_animator.engines.portrait.pose import REST, Mouth
from linly_animator.engines.portrait.rig import MOUTH, Controls

_FINE = 41
"""Points of each lip's edge once it is smoothed."""
_HAIR = 0.8
"""Lips that are fewer pixels apart than this touch."""
_THROAT = np.array([24, 22, 60], np.float32)
"""Colour of the dark behind the tongue, BGR."""
_LIP_SHADOW = np.array([0.55, 0.55, 0.4], np.float32)
"""How much of blue, green and red the line between closed lips takes away."""
_OVER = 4
"""Masks are drawn this much larger, then reduced: smooth edges."""
_ANCHORS = [0, 5, 10, 15]
"""Controls of the upper lip, at both ends, in the middle and above, that tell how a head moved."""


class MouthPainter:
    """Paints one mouth into frames of one size."""

    def __init__(self, picture: Image, anatomy: Anatomy, upper: Controls, lower: Controls) -> None:
        self._anatomy = anatomy
        self._edges = (upper, lower)
        corners = anatomy.normalise(anatomy.row(mesh.MOUTH_CORNERS))
        half_width = float(np.abs(corners[:, 0]).mean())
        self._pieces = interior.draw(_tooth_colour(picture, anatomy), half_width)
        self._drawn_line = seam.gap(anatomy) > seam.OPEN
        mouth, head = rig.mouth_weights(REST.mouth), rig.head_weights(REST.head)
        self._centre = anatomy.normalise(self._lip_line(mouth, head)[_FINE // 2])
        self._jaw = float(np.linalg.norm(lower.mouth[MOUTH.index("jaw"), 5]))

    def lower_side(self, mouth: Floats, head: Floats, box: tuple[int, int, int, int]) -> Floats:
        """0 to 1 for each pixel of `box`: whether it belongs to the lower lip's sheet of skin.

        A sharp step between the lips, a soft one beyond their corners, where the two
        sheets are all but the same.
        """
        left, top, width, height = box
        line = self._lip_line(mouth, head)
        slope = self._anatomy.axes[0, 1] / self._anatomy.axes[0, 0]
        x = np.arange(left, left + width, dtype=np.float32)
        y = np.interp(x, line[:, 0], line[:, 1])
        beyond = np.maximum(line[0, 0] - x, 0) - np.maximum(x - line[-1, 0], 0)
        y = y - beyond * slope
        band = 1.0 + 0.6 * np.abs(beyond)
        rows = np.arange(top, top + height, dtype=np.float32)[:, None]
        return np.asarray(np.clip((rows - y[None]) / band[None] + 0.5, 0, 1).astype(np.float32))

    def draw(self, frame: Image, pose: Mouth, mouth: Floats, head: Floats) -> None:
        """Paints the inside of the mouth into `frame`."""
        above, below = (self._edge(sheet, mouth, head) for sheet in self._edges)
        below = np.maximum(below, np.column_stack([below[:, 0], above[:, 1]]))
        gap = float((below - above)[:, 1].max())
        parted = min(max(gap / _HAIR - 1, 0.0), 1.0)
        if parted == 0 and not self._drawn_line:
            return
        margin = int(0.05 * self._anatomy.unit) + 2
        outline = np.concatenate([above, below[::-1]])
        low, high = (
            outline.min(axis=0).astype(int) - margin,
            outline.max(axis=0).astype(int) + margin + 1,
        )
        height, width = frame.shape[:2]
        left, top = max(0, low[0]), max(0, low[1])
        right, bottom = min(width, high[0]), min(height, high[1])
        if right <= left or bottom <= top:
            return
        size = (right - left, bottom - top)
        shift = np.array([left, top], np.float32)
        opening = _filled(outline - shift, size)
        soft = cv2.GaussianBlur(opening, (0, 0), 0.028 * self._anatomy.unit)
        inside = self._inside(pose, mouth, head, shift, soft)
        opening *= parted
        region = frame[top:bottom, left:right]
        skin = region.astype(np.float32) * (1 - 0.2 * np.clip(soft * 1.6, 0, 1))[..., None]
        if self._drawn_line:
            shadow = self._line((above + below) / 2 - shift, size) * (1 - parted)
            skin *= 1 - shadow[..., None] * _LIP_SHADOW
        region[...] = np.clip(skin + (inside - skin) * opening[..., None], 0, 255).astype(np.uint8)

    def _line(self, middle: Floats, size: tuple[int, int]) -> Floats:
        """The shadow between closed lips, for a picture that shows them open: 0 to 1."""
        width = 0.0055 * self._anatomy.unit
        taper = (1 - np.linspace(-1, 1, _FINE) ** 4)[:, None] * np.array([[0, width]])
        band = np.concatenate([middle - taper, (middle + taper)[::-1]]).astype(np.float32)
        return np.asarray(cv2.GaussianBlur(_filled(band, size), (0, 0), max(0.5, 0.5 * width)))

    def _inside(
        self, pose: Mouth, mouth: Floats, head: Floats, shift: Floats, soft: Floats
    ) -> Floats:
        drop = self._jaw * float(mouth[MOUTH.index("jaw")]) / self._anatomy.unit
        skull = self._to_picture(head, shift)
        size = soft.shape[::-1]
        # Light falls in through the opening: little of it reaches the edges and the depth.
        light = (soft / max(float(soft.max()), 0.05))[..., None]
        inside = _THROAT * (0.35 + 0.65 * light)
        top = drop * (0.5 - 0.4 * max(pose.tongue, pose.tongue_out)) + 0.004 * pose.tongue_out
        tongue = self._pieces.tongue.place(_lowered(skull, top), size)
        tongue[..., :3] *= 0.35 + 0.65 * light
        lower = self._pieces.lower_teeth.place(_lowered(skull, drop), size)
        upper = self._pieces.upper_teeth.place(skull, size)
        for teeth in (lower, upper):
            teeth[..., :3] *= 0.76 + 0.26 * light
        if pose.tongue_out > 0.5:
            _lay(inside, lower, pose.teeth)
            _lay(inside, tongue, 1.0)
        else:
            _lay(inside, tongue, 1.0)
            _lay(inside, lower, pose.teeth)
        _lay(inside, upper, pose.teeth)
        return inside

    def _to_picture(self, head: Floats, shift: Floats) -> Floats:
        """The affine map from u, v (from the middle of the lip line) to pixels."""
        sheet = self._edges[0]
        rows = sheet.points[_ANCHORS]
        moved = rows + np.tensordot(head, sheet.head[:, _ANCHORS], 1) - shift
        uv = self._anatomy.normalise(rows) - self._centre
        system = np.column_stack([uv, np.ones(len(uv))]).astype(np.float64)
        return np.asarray(np.linalg.lstsq(system, moved, rcond=None)[0].T)

    def _lip_line(self, mouth: Floats, head: Floats) -> Floats:
        """Midway between the lips' inner edges: _FINE x 2 pixels."""
        above, below = (self._edge(sheet, mouth, head) for sheet in self._edges)
        return (above + below) / 2

    def _edge(self, sheet: Controls, mouth: Floats, head: Floats) -> Floats:
        """The inner edge of one lip in a pose, smoothed: _FINE x 2 pixels."""
        moves = np.einsum("p,pnd->nd", mouth, sheet.mouth[:, sheet.lip])
        moves += np.einsum("p,pnd->nd", head, sheet.head[:, sheet.lip])
        return np.asarray(_SMOOTHING @ (sheet.points[sheet.lip] + moves), np.float32)


def _lay(under: Floats, piece: Floats, amount: float) -> None:
    under *= 1 - piece[..., 3:] * amount
    under += piece[..., :3] * amount


def _lowered(matrix: Floats, by: float) -> Floats:
    return np.asarray(matrix @ np.array([[1, 0, 0], [0, 1, by], [0, 0, 1]]))


def _filled(outline: Floats, size: tuple[int, int]) -> Floats:
    """0 to 1: how much of each pixel lies inside `outline`; drawn larger, so no jagged lips."""
    large = np.zeros((size[1] * _OVER, size[0] * _OVER), np.uint8)
    cv2.fillPoly(
        large, [np.round(((outline + 0.5) * _OVER - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_8, 4
    )
    mask = cv2.resize(large, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(mask, (3, 3), 0.6).astype(np.float32) / 255)


def _tooth_colour(picture: Image, anatomy: Anatomy) -> Floats:
    """Teeth in the light of the picture, whose brightness and tint the skin of the cheeks tells."""
    cheeks = np.round(anatomy.row((50, 280, 205, 425))).astype(int)
    height, width = picture.shape[:2]
    inside = cheeks[(cheeks >= 0).all(axis=1) & (cheeks[:, 0] < width) & (cheeks[:, 1] < height)]
    skin = picture[inside[:, 1], inside[:, 0]].mean(axis=0) if len(inside) else np.full(3, 200.0)
    light = float(np.clip(skin.max() * 1.1, 90, 242))
    tint = 0.65 * np.array([0.89, 0.95, 1.0]) + 0.35 * skin / max(float(skin.max()), 1.0)
    return np.asarray(tint * light, np.float32)


def _catmull_rom(points: int, fine: int) -> Floats:
    """The matrix that turns `points` of an open curve into `fine` points of a smooth one."""
    t = np.linspace(0, points - 1, fine)
    matrix = np.zeros((fine, points))
    for row, value in enumerate(t):
        index = min(int(value), points - 2)
        f = value - index
        weights = (
            -0.5 * f + f**2 - 0.5 * f**3,
            1 - 2.5 * f**2 + 1.5 * f**3,
            0.5 * f + 2 * f**2 - 1.5 * f**3,
            -0.5 * f**2 + 0.5 * f**3,
        )
        for offset, weight in zip((-1, 0, 1, 2), weights, strict=True):
            matrix[row, min(max(index + offset, 0), points - 1)] += weight
    return matrix.astype(np.float32)


_SMOOTHING = _catmull_rom(11, _FINE)
