"""Hair: locks of strands swept from a side parting, lit by one soft band."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .canvas import (
    SIZE,
    Array,
    Points,
    X,
    Y,
    blob,
    colour,
    fill,
    glaze,
    mask,
    noise,
    over,
    ribbon,
    shifted,
    smoothstep,
    soft,
    spline,
)
from .relief import inflate, lambert, normals

_KEY = np.array([-0.42, -0.62, 0.66], np.float32)


@dataclass(frozen=True)
class Lock:
    """A sheet of hair between two guide curves that run from root to tip."""

    inner: Points
    outer: Points
    strands: int
    width: float


_LEFT = Lock(
    inner=[(555, 244), (508, 236), (449, 258), (391, 312), (347, 394), (328, 490), (316, 580),
           (314, 680), (334, 775), (376, 855), (404, 940)],
    outer=[(550, 80), (478, 70), (386, 96), (313, 173), (278, 300), (264, 430), (246, 550),
           (228, 660), (226, 775), (244, 880), (262, 970)],
    strands=1700,
    width=3.0,
)  # fmt: skip
_RIGHT = Lock(
    inner=[(556, 245), (592, 244), (630, 268), (665, 314), (686, 396), (698, 490), (710, 580),
           (712, 680), (694, 775), (652, 855), (622, 940)],
    outer=[(548, 80), (609, 72), (681, 103), (732, 186), (756, 310), (768, 440), (784, 555),
           (798, 660), (800, 775), (784, 880), (766, 970)],
    strands=1500,
    width=3.0,
)  # fmt: skip
_BACK_OUTLINE = [
    (512, 110), (380, 140), (300, 260), (280, 430), (262, 620), (258, 760), (296, 850),
    (400, 890), (512, 900), (624, 890), (728, 850), (766, 760), (762, 620), (744, 430),
    (724, 260), (644, 140),
]  # fmt: skip


def _strand(lock: Lock, t: float, rng: np.random.Generator) -> np.ndarray:
    """One hair of the sheet: between the guides, with a wave that grows towards the tip."""
    inner, outer = np.asarray(lock.inner, float), np.asarray(lock.outer, float)
    guides = spline(inner, steps=3), spline(outer, steps=3)
    path = guides[0] * (1 - t) + guides[1] * t
    along = np.linspace(0, 1, len(path))
    phase = 1.6 * np.sin(4 * t) + rng.normal(0, 0.30)
    path[:, 0] += 17 * along**1.5 * np.sin(15 * along + phase) + rng.normal(0, 2.0) * along
    path[:, 1] += rng.normal(0, 3.0) * (1 - along)
    path += rng.normal(0, 0.35, path.shape)
    return spline(path, steps=4)


def _tone(t: float, rng: np.random.Generator) -> int:
    """Grey value of a strand: clumps share one, which reads as hair and not as noise."""
    clump = 30 * np.sin(t * 29 + 1.7 * np.sin(t * 9)) + 18 * np.sin(t * 71 + 1)
    edge = -22 * np.exp(-((t / 0.07) ** 2)) - 25 * np.exp(-(((1 - t) / 0.05) ** 2))
    return int(np.clip(132 + clump + edge + rng.normal(0, 20), 15, 250))


def _texture(locks: Sequence[Lock], rng: np.random.Generator) -> tuple[Array, Array]:
    """Strand brightness and coverage of the locks, painted strand over strand."""
    value = np.full((SIZE, SIZE), 90, np.uint8)
    cover = np.zeros((SIZE, SIZE), np.uint8)
    for lock in locks:
        for i in range(lock.strands):
            # A few thin strays leave the sheet, so that its edges do not look cut out.
            stray = i % 12 == 0
            t = float(rng.choice([-0.03, 1.0]) + rng.uniform(0, 0.04)) if stray else rng.uniform()
            width = 1.1 if stray else lock.width * rng.uniform(0.5, 1.2)
            outline = ribbon(_strand(lock, t, rng), width, 0.5, 0.0)
            fill(value, outline, _tone(t, rng))
            fill(cover, outline, 255)
    return value.astype(np.float32) / 255, cover.astype(np.float32) / 255


def _sheet(lock: Lock) -> Array:
    inner, outer = spline(lock.inner), spline(lock.outer)
    return mask(np.vstack([inner, outer[::-1]]))


def _paint(texture: Array, shade: Array, band: Array) -> Array:
    """Chestnut hair: strand tone times form, with a sheen that follows the strands."""
    tone = np.clip(texture * 0.75 + (shade - 0.5) * 0.75, 0, 1)
    image = over(np.broadcast_to(colour("1a0d0a"), (*tone.shape, 3)), colour("57301f"),
                 smoothstep(0.05, 0.65, tone))  # fmt: skip
    image = over(image, colour("8f5836"), smoothstep(0.5, 1.0, tone))
    sheen = band * smoothstep(0.30, 0.95, texture)
    image = image * (1 - 0.38 * _hollows())[..., None]
    return image + sheen[..., None] * colour("dca878") * 0.62


def _sheen() -> Array:
    """The band where the crown turns towards the light, and its echo on the long locks."""
    crown = np.hypot((X - 520) / 245, (Y - 400) / 270)
    crown = crown + 0.012 * np.sin(X / 23) + 0.008 * np.sin(X / 9)
    band = 1.2 * np.exp(-0.5 * ((crown - 0.90) / 0.085) ** 2) * (1 - smoothstep(250, 380, Y))
    left = blob(284, 500, 24, 70, 6) * 0.75 + blob(256, 730, 26, 60, 8) * 0.7
    right = blob(742, 540, 18, 66, -6) * 0.5 + blob(748, 770, 18, 56, 0) * 0.4
    lit = 1.15 - 0.6 * smoothstep(380, 760, X)
    return (band * lit + left + right).astype(np.float32)


def _hollows() -> Array:
    """Troughs of the wave, where the long locks turn away from the light."""
    left = blob(270, 615, 60, 34, -25) + 0.8 * blob(290, 850, 70, 40, -25)
    right = blob(748, 655, 55, 34, 25) + 0.8 * blob(730, 870, 70, 40, 25)
    return np.clip(left + right, 0, 1).astype(np.float32)


def back(image: Array, rng: np.random.Generator) -> Array:
    """The dark mass of hair behind the neck."""
    shape = mask(spline(_BACK_OUTLINE, closed=True))
    streak = noise(rng, 5, 40) * 0.5 + 0.5
    paint = over(np.broadcast_to(colour("150a08"), (*shape.shape, 3)), colour("2e1812"),
                 np.clip(streak, 0, 1) * 0.6)  # fmt: skip
    return over(image, paint, soft(shape, 1.0))


def cast(image: Array, where: Array) -> Array:
    """Shadow of the front hair on the skin ``where`` covers."""
    sheets = np.maximum(_sheet(_LEFT), _sheet(_RIGHT))
    shade = soft(shifted(sheets, 9, 13), 10.0)
    image = glaze(image, colour("a8604e"), shade * where * 0.75)
    return glaze(image, colour("8a4a3c"), soft(shifted(sheets, 3, 4), 4.0) * where * 0.5)


def front(image: Array, rng: np.random.Generator) -> Array:
    """The two swept sheets of hair that frame the face."""
    texture, cover = _texture((_RIGHT, _LEFT), rng)
    sheets = np.maximum(_sheet(_LEFT), _sheet(_RIGHT))
    height = inflate((soft(sheets, 4.0) > 0.4).astype(np.float32), 38.0)
    # Clumps stand out a little, so that the light separates them.
    shade = lambert(normals(height + 14 * soft(texture, 4.0)), _KEY, 0.35)
    paint = _paint(texture, shade, _sheen())
    parting = np.exp(-0.5 * ((X - 552) / 5) ** 2) * (1 - smoothstep(190, 235, Y))
    paint = glaze(paint, colour("7a5040"), parting * 0.55)
    filled = smoothstep(0.45, 0.95, soft(sheets, 3.0))
    alpha = np.maximum(cover, filled)
    # Along the forehead the roots are sparse and let the skin through.
    forehead = 1 - smoothstep(0.7, 1.05, np.hypot((X - 520) / 176, (Y - 350) / 150))
    roots = smoothstep(0.30, 0.98, soft(sheets, 5.0) * (0.75 + 0.5 * texture))
    return over(image, paint, alpha * (1 - forehead * (1 - roots)))
