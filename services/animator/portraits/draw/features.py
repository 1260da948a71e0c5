"""Painted details of the face: eyes, brows, nostrils, lips and blush."""

import numpy as np

from .canvas import (
    CENTRE_X,
    Array,
    X,
    Y,
    blob,
    colour,
    glaze,
    glow,
    mask,
    mirrored,
    noise,
    over,
    pair,
    smoothstep,
    soft,
    spline,
    strokes,
)

_UPPER_LID = [(41, 447.5), (55, 433.5), (73, 422.5), (93, 418.5), (113, 423.5), (132, 438.5)]
_LOWER_LID = [(132, 438.5), (116, 449.5), (97, 454.8), (72, 454.3), (53, 451), (41, 447.5)]
_CREASE = [(43, 432), (57, 415.5), (77, 404.5), (98, 402), (120, 409), (139, 427)]
_IRIS = (87.0, 437.0)
_IRIS_RADIUS = 21.5
_LIP_LINE = [
    (-71, 621), (-48, 628), (-20, 628.5), (0, 631.5), (20, 628.5), (48, 628), (71, 621),
]  # fmt: skip
_UPPER_LIP = [(71, 620.5), (50, 612.5), (24, 606), (10, 604.5), (0, 607.5)]
_LOWER_LIP = [(71, 622), (56, 642), (31, 656.5), (0, 661)]


def _centred(points: list[tuple[float, float]]) -> np.ndarray:
    return mirrored(points, 1)


def _both(half: list[tuple[float, float]]) -> np.ndarray:
    """Full-width curve, left to right, from its right half given corner first."""
    right = np.array(half[::-1])
    left = np.array(half) * [-1, 1]
    return _centred(np.vstack([left, right[1:]]).tolist())


def lip_masks() -> tuple[Array, Array, Array]:
    """Upper lip, lower lip and the closed line between them."""
    line = spline(_centred(_LIP_LINE))
    upper = np.vstack([spline(_both(_UPPER_LIP)), line[::-1]])
    lower = np.vstack([line, spline(_both(_LOWER_LIP))[::-1]])
    return mask(upper), mask(lower), strokes([line], 3.4, 0.35, 0.35)


def lips(image: Array, rng: np.random.Generator) -> Array:
    """Tinted, softly edged lips: shaded upper, lit lower, a clear closed line."""
    upper, lower, line = lip_masks()
    upper_soft, lower_soft = soft(upper, 2.3), soft(lower, 2.3)
    # Colour fades towards the corners, where lips turn inwards.
    fade = 1 - 0.55 * smoothstep(48, 76, np.abs(X - CENTRE_X))
    image = glaze(image, colour("d08488"), upper_soft * fade)
    image = glaze(image, colour("de999b"), lower_soft * fade)
    # Fine vertical creases, only strong enough to break the smooth gradient.
    crease = np.sin((X - CENTRE_X) * 0.62 + 1.2 * noise(rng, 26)) * noise(rng, 12)
    image = glaze(image, colour("c88880"), np.clip(crease, 0, 1) * 0.10 * (upper + lower))
    image = glaze(image, colour("a05a58"), soft(line, 4.0) * upper * 0.6)
    shine = blob(CENTRE_X - 10, 645, 26, 5) + 0.5 * blob(CENTRE_X + 22, 645, 14, 4)
    image = glow(image, colour("ffe4dc"), shine * lower_soft * 0.30)
    image = glow(image, colour("ffe4dc"), blob(CENTRE_X - 8, 604, 14, 2.2) * 0.16)
    image = glaze(image, colour("b8786a"), blob(CENTRE_X, 667, 34, 5.5) * 0.55)
    image = glaze(image, colour("b06a60"), pair(75, 620.5, 5, 4) * 0.55)
    return over(image, colour("6e2c2a"), soft(line, 0.9) * 0.90)


def nose(image: Array) -> Array:
    """Nostrils, the shadow under the tip and the wing creases."""
    image = glaze(image, colour("b87864"), blob(CENTRE_X + 4, 574, 28, 7) * 0.5)
    image = glaze(image, colour("b06a58"), pair(41, 554, 5, 10, -14) * 0.42)
    holes = [spline(mirrored([(9, 566), (17, 561.5), (27, 563), (29, 567)], s)) for s in (-1, 1)]
    image = over(image, colour("58231d"), soft(strokes(holes, 7.0, 0.2, 0.1), 1.6) * 0.85)
    return glow(image, colour("fff2e6"), soft(blob(CENTRE_X - 5, 538, 7, 6), 2.0) * 0.30)


def _iris(centre_x: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Iris colour and coverage, with fibres, a limbal ring and a dark pupil."""
    dx, dy = X - centre_x, Y - _IRIS[1]
    radius = np.sqrt(dx * dx + dy * dy) / _IRIS_RADIUS
    angle = np.arctan2(dy, dx)
    fibres = np.zeros_like(radius)
    for count in (17, 29, 43, 61):
        fibres += np.sin(count * angle + rng.uniform(0, 6.28) + 1.5 * radius) / 4
    paint = over(np.broadcast_to(colour("4a2a18"), (*radius.shape, 3)), colour("8a5a30"),
                 np.clip(0.55 + 0.5 * fibres, 0, 1) * smoothstep(0.25, 0.6, radius))  # fmt: skip
    # Light from above crosses the eye and brightens the far, lower side of the iris.
    lower_light = smoothstep(-0.2, 1.0, dy / _IRIS_RADIUS + 0.3 * dx / _IRIS_RADIUS)
    paint = glow(paint, colour("d09050"), lower_light * (1 - smoothstep(0.75, 0.95, radius)) * 0.5)
    paint = over(paint, colour("241410"), smoothstep(0.78, 1.0, radius) * 0.85)
    paint = over(paint, colour("0c0706"), 1 - smoothstep(0.36, 0.46, radius))
    return paint, 1 - smoothstep(0.95, 1.05, radius)


def _eyeball(image: Array, side: int, opening: Array, rng: np.random.Generator) -> Array:
    """White of the eye, iris and catch lights, shaded as a ball under the upper lid."""
    centre_x = CENTRE_X + side * _IRIS[0]
    ball = 1 - smoothstep(0.2, 1.25, np.hypot((X - centre_x) / 52, (Y - 440) / 32))
    paint = over(np.broadcast_to(colour("b08a80"), (*ball.shape, 3)), colour("f6ece3"), ball)
    inner_x = CENTRE_X + side * 45
    paint = over(paint, colour("d08a80"), blob(inner_x, 449, 5, 4) * 0.9)
    iris, cover = _iris(centre_x, rng)
    paint = over(paint, iris, soft(cover, 0.5))
    lid = strokes([spline(mirrored(_UPPER_LID, side))], 14.0, 0.8, 0.8)
    paint = glaze(paint, colour("503a3c"), np.clip(soft(lid, 3.2) * 1.1, 0, 1) * 0.85)
    catch = np.hypot((X - centre_x + 7.5) / 5.0, (Y - 429.5) / 5.6)
    paint = over(paint, colour("ffffff"), (1 - smoothstep(0.75, 1.15, catch)) * 0.96)
    paint = glow(paint, colour("e8eef4"), blob(centre_x + 8, 447, 3.4, 2.4) * 0.40)
    return over(image, paint, soft(opening, 0.5))


def _lashes(side: int, rng: np.random.Generator) -> tuple[list, list]:
    """Upper and lower lash paths, longer and more swept towards the outer corner."""
    upper, lower = spline(mirrored(_UPPER_LID, side)), spline(mirrored(_LOWER_LID, side))

    def sweep(root: np.ndarray, out: float, length: float, rise: float) -> np.ndarray:
        lean = side * length * (0.1 + 0.85 * out)
        tip = root + np.array([lean, rise])
        return spline([root, root + np.array([lean * 0.65, rise * 0.45]), tip], steps=6)

    top, bottom = [], []
    for t in np.linspace(0.14, 0.985, 46):
        root = upper[int(t * (len(upper) - 1))] + rng.normal(0, 0.25, 2)
        size = (2.5 + 9.5 * t**1.7) * rng.uniform(0.8, 1.1)
        top.append(sweep(root, t - 0.15, size, -size * (1.0 - 0.25 * t)))
    for t in np.linspace(0.03, 0.50, 16):
        root = lower[int(t * (len(lower) - 1))] + rng.normal(0, 0.4, 2)
        size = (5.5 - 4 * t) * rng.uniform(0.7, 1.1)
        bottom.append(sweep(root, 0.7 - t, size, size * 0.8))
    return top, bottom


def eye(image: Array, side: int, rng: np.random.Generator) -> Array:
    """One eye with its lids, crease and lashes."""
    upper, lower = spline(mirrored(_UPPER_LID, side)), spline(mirrored(_LOWER_LID, side))
    opening = mask(np.vstack([upper, lower]))
    crease = spline(mirrored(_CREASE, side))
    lid = mask(np.vstack([crease, upper[::-1]]))
    image = glaze(image, colour("c88e7c"), soft(lid, 3.0) * 0.45)
    image = glaze(image, colour("b07060"), soft(strokes([crease], 9.0, 0.2, 0.4), 4.0) * 0.55)
    image = over(image, colour("7c4236"), soft(strokes([crease], 2.6, 0.1, 0.2), 1.1) * 0.70)
    rim = spline(mirrored([(x, y + 2.6) for x, y in _LOWER_LID], side))
    image = glow(image, colour("f6c8b4"), soft(strokes([rim], 4.5, 0.3, 0.2), 1.4) * 0.30)
    bag = strokes([spline(mirrored([(58, 466), (88, 473), (120, 464)], side))], 6.0)
    image = glaze(image, colour("b87a68"), soft(bag, 4.0) * 0.35)
    image = _eyeball(image, side, opening, rng)
    top, bottom = _lashes(side, rng)
    image = over(image, colour("5a2e26"), soft(strokes([lower], 1.8, 0.5, 0.1), 0.8) * 0.55)
    rim = soft(strokes([upper - np.array([0, 1])], 6.2, 0.15, 0.6), 0.8)
    image = over(image, colour("241310"), rim * 0.95)
    image = over(image, colour("241310"), soft(strokes(top, 2.0, 1.0, 0.0), 0.35) * 0.85)
    return over(image, colour("3a201a"), soft(strokes(bottom, 0.9, 1.0, 0.0), 0.4) * 0.32)


def brow(image: Array, side: int, rng: np.random.Generator) -> Array:
    """An eyebrow: a soft underpainting and hairs that turn from upright to swept back."""
    low = spline(mirrored([(45, 394), (72, 386), (104, 378.5), (131, 381.5), (152, 395)], side))
    high = spline(mirrored([(46, 382.5), (72, 372), (103, 365.5), (131, 373), (152, 393)], side))
    body = mask(np.vstack([low, high[::-1]]))
    fade = smoothstep(40, 82, np.abs(X - CENTRE_X))
    image = glaze(image, colour("7c5040"), soft(body, 3.2) * (0.35 + 0.65 * fade))
    hairs = []
    for _ in range(330):
        t, across = rng.beta(1.0, 1.15), rng.uniform(0.0, 0.65)
        i = int(t * (len(low) - 1))
        root = low[i] * (1 - across) + high[i] * across
        tilt = np.radians(rng.normal(60 - 66 * min(t * 1.6, 1.15), 9))
        reach = rng.uniform(7, 13) * (1 - 0.35 * t)
        tip = root + reach * np.array([side * np.cos(tilt), -np.sin(tilt)])
        bend = (root + tip) / 2 + [side * 0.8, -0.9]
        hairs.append(spline([root, bend, tip], steps=5))
    dark = soft(strokes(hairs[::2], 1.5, 0.7, 0.0), 0.4) * (0.25 + 0.30 * fade)
    image = over(image, colour("34190f"), dark)
    brown = soft(strokes(hairs[1::2], 1.3, 0.7, 0.0), 0.4) * (0.25 + 0.25 * fade)
    return over(image, colour("5a3220"), brown)


def blush(image: Array, rng: np.random.Generator) -> Array:
    """Blood under the skin: cheeks, nose, chin, lids, and a faint mottling."""
    flush = 0.34 * pair(116, 532, 58, 40, 12) + 0.34 * blob(CENTRE_X, 545, 26, 18)
    flush += 0.18 * blob(CENTRE_X, 716, 40, 24) + 0.22 * pair(96, 412, 50, 14)
    flush *= 1 + 0.10 * noise(rng, 22)
    image = glaze(image, colour("ee9a8c"), np.clip(flush, 0, 1))
    mottle = 0.014 * noise(rng, 9) + 0.012 * noise(rng, 3)
    return image * (1 + mottle[..., None])
