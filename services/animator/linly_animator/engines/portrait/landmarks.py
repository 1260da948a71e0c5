"""Faces and their landmarks, by MediaPipe's two TFLite models run in OpenCV's own runtime.

The models and their pre- and post-processing are those of MediaPipe 0.10.21 (short-range
face detection and the 468-point face mesh, both Apache-2.0).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import cv2
import numpy as np

from linly_animator.engines.portrait.arrays import Floats, Image

_DETECTOR_SIDE = 128
_MESH_SIDE = 192
_MESH_MARGIN = 1.5
_SCORE = 0.5
_OVERLAP = 0.3
_RIGHT_EYE, _LEFT_EYE = 33, 263


@dataclass(frozen=True, slots=True)
class Face:
    """One face of an image."""

    landmarks: Floats
    """468 x 3: x, y in pixels; z in the same scale, smaller towards the viewer."""
    presence: float
    """0 to 1: how sure the mesh model is that it sees a face."""


@dataclass(frozen=True, slots=True)
class _Region:
    """A square of the image, turned so that the face in it stands upright."""

    centre: Floats
    side: float
    angle: float

    def matrix(self, side: int) -> Floats:
        """The affine map from the image to a patch of `side` pixels."""
        scale = side / self.side
        cos, sin = np.cos(self.angle) * scale, np.sin(self.angle) * scale
        turn = np.array([[cos, sin], [-sin, cos]])
        shift = np.full(2, side / 2) - turn @ self.centre
        return np.column_stack([turn, shift])


class FaceFinder:
    """Finds the faces of an image, the largest first. Safe to share between threads."""

    def __init__(self, models: Path) -> None:
        """Loads both models from the folder `models`."""
        self._detector = cv2.dnn.readNetFromTFLite(
            str(models / "face_detection_short_range.tflite")
        )
        self._mesh = cv2.dnn.readNetFromTFLite(str(models / "face_landmark.tflite"))
        self._anchors = _anchors()
        # A cv2.dnn network keeps its buffers between calls, so one caller at a time.
        self._lock = Lock()

    def find(self, image: Image) -> list[Face]:
        """Returns the faces in `image` (BGR), the largest first."""
        with self._lock:
            regions = self._detect(image) or self._detect_in_quarters(image)
            faces = [self._fit(image, region) for region in regions]
        return sorted((f for f in faces if f.presence > _SCORE), key=_extent, reverse=True)

    def _detect_in_quarters(self, image: Image) -> list[_Region]:
        """Looks again, closer: the detector overlooks faces smaller than a tenth of its view."""
        height, width = image.shape[:2]
        side = max(height, width) * 5 // 8
        found = []
        for top in sorted({0, max(0, height - side)}):
            for left in sorted({0, max(0, width - side)}):
                tile = image[top : top + side, left : left + side]
                found += self._detect(tile, np.array([left, top], np.float32))
        return _distinct(found)

    def _detect(self, image: Image, offset: Floats | None = None) -> list[_Region]:
        height, width = image.shape[:2]
        whole = _Region(
            np.array([width / 2, height / 2], np.float32), float(max(height, width)), 0.0
        )
        scores, boxes = self._run(
            self._detector,
            image,
            whole,
            _DETECTOR_SIDE,
            -1.0,
            1.0,
            ("classificators", "regressors"),
        )
        scores = 1 / (1 + np.exp(-np.clip(scores.reshape(-1), -80, 80)))
        keep = scores > _SCORE
        boxes = boxes.reshape(-1, 16)[keep] / _DETECTOR_SIDE
        anchors = self._anchors[keep]
        origin = whole.centre - whole.side / 2 + (0 if offset is None else offset)
        sides = boxes[:, 2:4].max(axis=1) * whole.side
        rects = [
            (*((box[:2] + anchor - side / whole.side / 2) * whole.side), side, side)
            for box, anchor, side in zip(boxes, anchors, sides, strict=True)
        ]
        chosen = cv2.dnn.NMSBoxes(rects, scores[keep].tolist(), _SCORE, _OVERLAP)
        regions = []
        for index in np.asarray(chosen, int).reshape(-1):
            centre = (boxes[index, :2] + anchors[index]) * whole.side + origin
            eyes = boxes[index, 4:8].reshape(2, 2)
            angle = float(np.arctan2(*(eyes[1] - eyes[0])[::-1]))
            regions.append(
                _Region(centre.astype(np.float32), float(sides[index] * _MESH_MARGIN), angle)
            )
        return regions

    def _fit(self, image: Image, region: _Region) -> Face:
        # The second pass looks at the square that the first one's points ask for, which
        # is what MediaPipe does from one video frame to the next.
        for _ in range(2):
            raw, flag = self._run(
                self._mesh, image, region, _MESH_SIDE, 0.0, 1.0, ("conv2d_21", "conv2d_31")
            )
            points = raw.reshape(468, 3)
            back = cv2.invertAffineTransform(region.matrix(_MESH_SIDE))
            flat = points[:, :2] @ back[:, :2].T + back[:, 2]
            depth = points[:, 2:] * (region.side / _MESH_SIDE)
            landmarks = np.concatenate([flat, depth], axis=1).astype(np.float32)
            region = _region_of(landmarks)
        presence = float(1 / (1 + np.exp(-flag.reshape(-1)[0])))
        return Face(landmarks, presence)

    @staticmethod
    def _run(
        net: Any,
        image: Image,
        region: _Region,
        side: int,
        low: float,
        high: float,
        outputs: tuple[str, ...],
    ) -> list[Floats]:
        patch = cv2.warpAffine(image, region.matrix(side), (side, side), flags=cv2.INTER_LINEAR)
        blob = (
            cv2.cvtColor(patch, cv2.COLOR_BGR2RGB).astype(np.float32) * ((high - low) / 255) + low
        )
        net.setInput(blob.transpose(2, 0, 1)[None])
        return list(net.forward(outputs))


def _region_of(landmarks: Floats) -> _Region:
    eyes = landmarks[_LEFT_EYE, :2] - landmarks[_RIGHT_EYE, :2]
    angle = float(np.arctan2(eyes[1], eyes[0]))
    cos, sin = np.cos(angle), np.sin(angle)
    upright = landmarks[:, :2] @ np.array([[cos, -sin], [sin, cos]], np.float32)
    low, high = upright.min(axis=0), upright.max(axis=0)
    centre = np.array([[cos, -sin], [sin, cos]], np.float32) @ ((low + high) / 2)
    return _Region(centre, float((high - low).max() * _MESH_MARGIN), angle)


def _anchors() -> Floats:
    """Centres of the detector's 896 anchors: 2 per cell of 16 x 16, 6 per cell of 8 x 8."""
    grids = []
    for cells, count in ((16, 2), (8, 6)):
        y, x = np.mgrid[:cells, :cells]
        centres = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) / cells
        grids.append(np.repeat(centres, count, axis=0))
    return np.concatenate(grids).astype(np.float32)


def _extent(face: Face) -> float:
    low, high = face.landmarks[:, :2].min(axis=0), face.landmarks[:, :2].max(axis=0)
    return float(np.prod(high - low))


def _distinct(regions: list[_Region]) -> list[_Region]:
    """Drops what was seen in two overlapping quarters."""
    kept: list[_Region] = []
    for region in sorted(regions, key=lambda r: r.side, reverse=True):
        if all(np.linalg.norm(region.centre - other.centre) > other.side / 4 for other in kept):
            kept.append(region)
    return kept
