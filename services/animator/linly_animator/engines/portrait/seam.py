"""Where the lips meet: found to the pixel in a closed mouth, made in an open one."""

from __future__ import annotations

import cv2
import numpy as np

from linly_animator.engines.portrait import topology as mesh
from linly_animator.engines.portrait.anatomy import Anatomy
from linly_animator.engines.portrait.arrays import Floats, Image

OPEN = 0.035
"""A gap wider than this, in units, is an open mouth; a smaller one is the mesh model's error."""


def gap(anatomy: Anatomy) -> float:
    """The widest opening between the lips, in units."""
    above, below = anatomy.row(mesh.LIP_UPPER_INNER), anatomy.row(mesh.LIP_LOWER_INNER)
    return float(((below - above) @ anatomy.axes[1]).max() / anatomy.unit)


def settled(picture: Image, landmarks: Floats) -> Floats:
    """The landmarks, with both inner edges of closed lips laid on the dark line between them.

    The mesh model is a few pixels off there, which no one sees until the lips part and one
    of them keeps the line. An open mouth is returned as it is.
    """
    anatomy = Anatomy(landmarks)
    if gap(anatomy) > OPEN:
        return landmarks
    above, below = anatomy.row(mesh.LIP_UPPER_INNER), anatomy.row(mesh.LIP_LOWER_INNER)
    middle = (above + below) / 2
    reach = 0.035 * anatomy.unit
    offsets = np.arange(-reach, reach + 0.25, 0.5, dtype=np.float32)
    probes = middle[:, None] + offsets[None, :, None] * anatomy.axes[1]
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    grey = cv2.GaussianBlur(grey, (0, 0), max(0.6, 0.006 * anatomy.unit)).astype(np.float32)
    light = cv2.remap(grey, probes.astype(np.float32), None, cv2.INTER_LINEAR)
    cost = light / max(float(light.mean()), 1.0) + 0.12 * (offsets / reach) ** 2
    at = offsets[np.argmin(cost, axis=1)]
    at = np.convolve(np.pad(at, 2, mode="edge"), [0.1, 0.25, 0.3, 0.25, 0.1], "valid")
    line = middle + at[:, None] * anatomy.axes[1]
    result = landmarks.copy()
    result[list(mesh.LIP_UPPER_INNER), :2] = line
    result[list(mesh.LIP_LOWER_INNER), :2] = line
    return result


def without_teeth(picture: Image, anatomy: Anatomy) -> Image:
    """Fills an open mouth with the colour of its lips, so that closing it shows no teeth."""
    above, below = anatomy.row(mesh.LIP_UPPER_INNER), anatomy.row(mesh.LIP_LOWER_INNER)
    if gap(anatomy) < OPEN:
        return picture
    mask = np.zeros(picture.shape[:2], np.uint8)
    # Between the last tooth and the corner it is dark: that goes too.
    inner, outer = anatomy.row(mesh.INNER_CORNERS), anatomy.row(mesh.MOUTH_CORNERS)
    corners = inner + 1.7 * (outer - inner)
    outline = np.concatenate([corners[:1], above, corners[1:], below[::-1]])
    cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
    grow = max(3, int(0.035 * anatomy.unit)) | 1
    mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (grow, grow)))
    filled = cv2.inpaint(picture, mask, 0.04 * anatomy.unit, cv2.INPAINT_TELEA)
    smooth = cv2.GaussianBlur(filled, (0, 0), 0.02 * anatomy.unit).astype(np.float32)
    weight = cv2.GaussianBlur(mask, (0, 0), 0.008 * anatomy.unit)[..., None] / np.float32(255)
    return np.asarray(filled + (smooth - filled) * weight).astype(np.uint8)
