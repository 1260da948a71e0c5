"""Displacement fields: from a few control points to every point of a grid, and back again."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from linly_animator.engines.portrait.arrays import Floats

_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Grid:
    """A coarse lattice over a rectangle of the picture, one point in the middle of each cell.

    Fields of skin are smooth, so they are worked out here and enlarged afterwards. One row
    of cells more on each side makes the enlargement exact up to the rectangle's edge.
    """

    left: int
    top: int
    width: int
    height: int
    step: int
    """Pixels; the four above, too."""

    def positions(self) -> Floats:
        """Pixel coordinates of the lattice: rows x columns x 2."""
        columns, rows = -(-self.width // self.step) + 2, -(-self.height // self.step) + 2
        x = self.left + (np.arange(columns) - 0.5) * self.step - 0.5
        y = self.top + (np.arange(rows) - 0.5) * self.step - 0.5
        return np.stack(np.meshgrid(x, y), axis=-1).astype(np.float32)

    def origins(self, forward: Floats, positions: Floats) -> Floats:
        """Turns "how far does this point go" into "where does this point come from".

        `forward` holds displacements on the lattice, the result pixel coordinates. Solves
        x = y - forward(x) by fixed-point iteration, which converges because a face is never
        stretched to more than about twice its size.
        """
        origin = positions - forward
        offset = positions[0, 0] / self.step
        for _ in range(_ROUNDS):
            at = origin * np.float32(1 / self.step) - offset
            origin = positions - cv2.remap(
                forward, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        return origin

    def enlarge(self, field: Floats) -> Floats:
        """A field on the lattice, for every pixel of the rectangle."""
        rows, columns = field.shape[:2]
        step = self.step
        large = cv2.resize(field, (columns * step, rows * step), interpolation=cv2.INTER_LINEAR)
        return np.asarray(large[step : step + self.height, step : step + self.width])


def spread(points: Floats, moves: Floats, positions: Floats) -> Floats:
    """Spreads displacements of control points smoothly over a lattice.

    Thin-plate splines (Bookstein 1989). `points` is n x 2, `moves` parameters x n x 2,
    `positions` rows x columns x 2; returns parameters x rows x columns x 2.
    """
    scale = float(np.ptp(points, axis=0).max())
    controls = points.astype(np.float64) / scale
    n = len(controls)
    border = np.column_stack([np.ones(n), controls])
    system = np.zeros((n + 3, n + 3))
    # A trace of smoothing keeps neighbouring landmarks from fighting over a pixel.
    system[:n, :n] = _kernel(controls, controls) + 1e-6 * np.eye(n)
    system[:n, n:], system[n:, :n] = border, border.T
    target = np.concatenate(
        [moves.transpose(1, 0, 2).reshape(n, -1), np.zeros((3, moves.shape[0] * 2))]
    )
    weights = np.linalg.solve(system, target)
    at = positions.reshape(-1, 2).astype(np.float64) / scale
    basis = np.column_stack([_kernel(at, controls), np.ones(len(at)), at])
    values = (basis @ weights).reshape(*positions.shape[:2], moves.shape[0], 2)
    return np.ascontiguousarray(values.transpose(2, 0, 1, 3), np.float32)


def _kernel(a: Floats, b: Floats) -> Floats:
    squared = ((a[:, None] - b[None]) ** 2).sum(axis=-1)
    return np.where(squared > 0, squared * np.log(np.maximum(squared, 1e-300)), 0.0)
