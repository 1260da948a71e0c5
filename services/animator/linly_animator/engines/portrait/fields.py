"""Displacement fields: from a few control points to every point of a grid, and back again."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Grid:
    """A coarse lattice over a rectangle of the picture, one point in the middle of each cell.

    Fields of skin are smooth, so they are worked out here and enlarged afterwards.
    """

    left: int
    top: int
    columns: int
    rows: int
    step: int
    """Pixels."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the rectangle in pixels."""
        return self.columns * self.step, self.rows * self.step

    def positions(self) -> Array:
        """Pixel coordinates of the lattice: rows x columns x 2."""
        x = self.left + (np.arange(self.columns) + 0.5) * self.step - 0.5
        y = self.top + (np.arange(self.rows) + 0.5) * self.step - 0.5
        return np.stack(np.meshgrid(x, y), axis=-1).astype(np.float32)

    def invert(self, forward: Array, positions: Array) -> Array:
        """Turns "where does this point go" into "where does this point come from".

        `forward` and the result are displacements on the lattice, rows x columns x 2 in
        pixels. Solves b(y) = -f(y + b(y)) by fixed-point iteration, which converges
        because a face is never stretched to more than about twice its size.
        """
        backward = -forward
        offset = np.float32([(0.5 - self.left) / self.step - 0.5, (0.5 - self.top) / self.step - 0.5])
        for _ in range(_ROUNDS):
            at = (positions + backward) * np.float32(1 / self.step) + offset
            backward = -cv2.remap(forward, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return backward

    def enlarge(self, field: Array) -> Array:
        """A field on the lattice, for every pixel of the rectangle."""
        return cv2.resize(field, self.size, interpolation=cv2.INTER_LINEAR)


def spread(points: Array, moves: Array, positions: Array) -> Array:
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
    target = np.concatenate([moves.transpose(1, 0, 2).reshape(n, -1), np.zeros((3, moves.shape[0] * 2))])
    weights = np.linalg.solve(system, target)
    at = positions.reshape(-1, 2).astype(np.float64) / scale
    basis = np.column_stack([_kernel(at, controls), np.ones(len(at)), at])
    values = (basis @ weights).reshape(*positions.shape[:2], moves.shape[0], 2)
    return np.ascontiguousarray(values.transpose(2, 0, 1, 3), np.float32)


def _kernel(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    squared = ((a[:, None] - b[None]) ** 2).sum(axis=-1)
    return np.where(squared > 0, squared * np.log(np.maximum(squared, 1e-300)), 0.0)
