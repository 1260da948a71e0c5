"""Where the lips of a closed mouth meet, to the pixel."""

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
