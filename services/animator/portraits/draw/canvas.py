"""Drawing primitives: geometry, anti-aliased masks, blurs, noise and blending in linear light.

Every coordinate in the package is in design pixels (a 1024 x 1024 page); only this module knows
the supersampling factor.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

PAGE = 1024
SCALE = 2
SIZE = PAGE * SCALE
CENTRE_X = 512.0

Array = NDArray[np.float32]
Points = Sequence[tuple[float, float]] | NDArray[np.floating]

_SUBPIXEL_BITS = 4
# Wide blurs have no detail to keep, so they run on a reduced copy.
_WIDE_BLUR = 6.0
_BLUR_REDUCTION = 4

X, Y = np.meshgrid(
    (np.arange(SIZE, dtype=np.float32) + 0.5) / SCALE,
    (np.arange(SIZE, dtype=np.float32) + 0.5) / SCALE,
)


def to_linear(srgb: Array) -> Array:
    """Decode sRGB in [0, 1] to linear light."""
    low, high = srgb / 12.92, ((np.maximum(srgb, 0) + 0.055) / 1.055) ** 2.4
    return np.where(srgb <= 0.04045, low, high).astype(np.float32)


def to_srgb(linear: Array) -> Array:
    """Encode linear light as sRGB in [0, 1]."""
    clipped = np.clip(linear, 0, 1)
    curve = 1.055 * clipped ** (1 / 2.4) - 0.055
    return np.where(clipped <= 0.0031308, clipped * 12.92, curve).astype(np.float32)


def colour(code: str) -> Array:
    """Linear RGB triple of a hex code such as ``"c8a090"``."""
    return to_linear(np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)], np.float32) / 255)


def mirrored(points: Points, side: int) -> NDArray[np.floating]:
    """Place points given as (distance from the face's axis, y) on one side of the face."""
    placed = np.array(points, np.float64)
    placed[:, 0] = CENTRE_X + side * placed[:, 0]
    return placed


def spline(points: Points, closed: bool = False, steps: int = 14) -> NDArray[np.floating]:
    """Uniform Catmull-Rom curve through the points, as a dense polyline."""
    p = np.asarray(points, np.float64)
    if closed:
        p = np.vstack([p[-1], p, p[0], p[1]])
    else:
        p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False):
        parts.append(
            b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
        )
    return np.vstack(parts if closed else [*parts, p[-2:-1]])


def fixed_point(points: Points) -> NDArray[np.int32]:
    """Design coordinates as OpenCV sub-pixel integers."""
    scaled = (np.asarray(points, np.float64) * SCALE - 0.5) * (1 << _SUBPIXEL_BITS)
    return np.round(scaled).astype(np.int32)


def fill(image: NDArray[np.uint8], outline: Points, value: tuple[int, ...] | int) -> None:
    """Fill a polygon with anti-aliased edges, in place."""
    cv2.fillPoly(image, [fixed_point(outline)], value, cv2.LINE_AA, _SUBPIXEL_BITS)


def mask(outline: Points) -> Array:
    """Coverage of a closed outline, in [0, 1]."""
    image = np.zeros((SIZE, SIZE), np.uint8)
    fill(image, outline, 255)
    return image.astype(np.float32) / 255


def ribbon(path: Points, width: float, head: float = 0.0, tail: float = 0.0) -> NDArray:
    """Outline of a brush stroke that swells between its ends; ``head`` and ``tail`` are shares."""
    p = np.asarray(path, np.float64)
    t = np.linspace(0, 1, len(p))
    ends = head * (1 - t) + tail * t
    profile = ends + (1 - max(head, tail)) * np.sin(np.pi * t) ** 0.6
    tangent = np.gradient(p, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
    offset = np.stack([-tangent[:, 1], tangent[:, 0]], 1) * (profile * width / 2)[:, None]
    return np.vstack([p + offset, (p - offset)[::-1]])


def strokes(paths: Sequence[NDArray], width: float, head: float = 0.0, tail: float = 0.0) -> Array:
    """Coverage of several brush strokes."""
    image = np.zeros((SIZE, SIZE), np.uint8)
    for path in paths:
        fill(image, ribbon(path, width, head, tail), 255)
    return image.astype(np.float32) / 255


def soft(image: Array, sigma: float) -> Array:
    """Gaussian blur with sigma in design pixels."""
    pixels = sigma * SCALE
    if sigma < _WIDE_BLUR:
        return cv2.GaussianBlur(image, (0, 0), pixels)
    small = cv2.resize(image, None, fx=1 / _BLUR_REDUCTION, fy=1 / _BLUR_REDUCTION,
                       interpolation=cv2.INTER_AREA)  # fmt: skip
    small = cv2.GaussianBlur(small, (0, 0), pixels / _BLUR_REDUCTION)
    return cv2.resize(small, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)


def shifted(image: Array, dx: float, dy: float) -> Array:
    """Translate by design pixels, repeating the border."""
    matrix = np.array([[1, 0, dx * SCALE], [0, 1, dy * SCALE]], np.float32)
    return cv2.warpAffine(image, matrix, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)


def blob(x: float, y: float, rx: float, ry: float, angle: float = 0.0) -> Array:
    """Gaussian spot with radii in design pixels; ``angle`` in degrees, clockwise."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    dx, dy = X - x, Y - y
    u, v = (c * dx + s * dy) / rx, (c * dy - s * dx) / ry
    return np.exp(-0.5 * (u * u + v * v)).astype(np.float32)


def pair(dx: float, y: float, rx: float, ry: float, angle: float = 0.0) -> Array:
    """The same spot on both sides of the face."""
    return blob(CENTRE_X + dx, y, rx, ry, angle) + blob(CENTRE_X - dx, y, rx, ry, -angle)


def smoothstep(low: float, high: float, value: Array) -> Array:
    """Smooth ramp from 0 at ``low`` to 1 at ``high``."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def noise(rng: np.random.Generator, cell: float, stretch: float = 1.0) -> Array:
    """Smooth random field of unit variance with features about ``cell`` design pixels wide.

    ``stretch`` draws the features out vertically.
    """
    columns, rows = max(4, int(PAGE / cell)), max(4, int(PAGE / (cell * stretch)))
    field = rng.standard_normal((rows, columns)).astype(np.float32)
    field = cv2.resize(field, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    return field / field.std()


def over(base: Array, paint: Array, alpha: Array) -> Array:
    """Lay opaque paint (a triple or an image) over the base."""
    return base + (paint - base) * alpha[..., None]


def glaze(base: Array, tint: Array, alpha: Array) -> Array:
    """Multiply by a transparent tint, as a glaze of paint does."""
    return base * (1 + (tint - 1) * alpha[..., None])


def glow(base: Array, light: Array, alpha: Array) -> Array:
    """Screen light onto the base, never past white."""
    return base + (1 - base) * light * alpha[..., None]
