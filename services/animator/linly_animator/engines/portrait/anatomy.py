"""A face measured: where its parts are in one picture, in units that suit every face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from linly_animator.engines.portrait import topology
from linly_animator.engines.portrait.arrays import Floats


@dataclass(frozen=True)
class Anatomy:
    """The landmarks of one face, and coordinates that belong to that face.

    The unit of length is the distance between the outer corners of the eyes, about 90 mm
    of a grown-up. The origin is the middle of the mouth; u points to the viewer's right
    along the line of the eyes, v from there down to the chin.
    """

    landmarks: Floats
    """468 x 3, pixels."""

    @cached_property
    def unit(self) -> float:
        """Pixels between the outer corners of the eyes."""
        return float(np.linalg.norm(self._eye_line))

    @cached_property
    def origin(self) -> Floats:
        """Middle of the mouth, pixels."""
        return np.asarray(self.row(topology.MOUTH_CORNERS).mean(axis=0))

    @cached_property
    def axes(self) -> Floats:
        """2 x 2: rows are the directions of u and v in the picture."""
        u = self._eye_line / self.unit
        return np.array([u, [-u[1], u[0]]], np.float32)

    def point(self, index: int) -> Floats:
        """x, y of one landmark, pixels."""
        return self.landmarks[index, :2]

    def row(self, indices: tuple[int, ...]) -> Floats:
        """x, y of several landmarks, pixels: n x 2."""
        return self.landmarks[list(indices), :2]

    def normalise(self, points: Floats) -> Floats:
        """Pixels to u, v."""
        return np.asarray((points - self.origin) @ self.axes.T / self.unit, np.float32)

    def to_pixels(self, points: Floats) -> Floats:
        """u, v to pixels."""
        return np.asarray(points @ self.axes * self.unit + self.origin, np.float32)

    def forwardness(self, indices: tuple[int, ...]) -> Floats:
        """How far each landmark stands before the plane of the ears, in units."""
        ears = (self.landmarks[topology.RIGHT_EAR, 2] + self.landmarks[topology.LEFT_EAR, 2]) / 2
        return np.asarray((ears - self.landmarks[list(indices), 2]) / self.unit, np.float32)

    @cached_property
    def chin(self) -> float:
        """V of the chin."""
        return float(self.normalise(self.point(topology.CHIN))[1])

    @cached_property
    def yaw(self) -> float:
        """How far the head is turned away, from 0 facing us to 1 in full profile.

        The bridge of the nose moves from the middle between the ears towards one of them.
        """
        nose, right, left = (
            float(self.normalise(self.point(i))[0])
            for i in (topology.NOSE_BRIDGE, topology.RIGHT_EAR, topology.LEFT_EAR)
        )
        near, far = sorted((abs(nose - right), abs(left - nose)))
        return 1.0 - near / max(far, 1e-6)

    @property
    def _eye_line(self) -> Floats:
        return self.point(topology.LEFT_EYE_CORNER) - self.point(topology.RIGHT_EYE_CORNER)
