"""What surrounds the face: background, neck and clothes."""

import numpy as np

from .canvas import (
    CENTRE_X,
    PAGE,
    Array,
    X,
    Y,
    blob,
    colour,
    glaze,
    mask,
    mirrored,
    noise,
    over,
    pair,
    shifted,
    smoothstep,
    soft,
    spline,
    strokes,
)
from .relief import face_outline, gloss, inflate, lambert, normals, skin

_NECK = [(96, 600), (95, 720), (98, 800), (118, 850), (180, 886), (270, 915)]
_SHOULDER = [
    (112, 842), (170, 872), (270, 905), (380, 942), (450, 985), (490, 1040), (495, 1090),
]  # fmt: skip
_COLLAR = [(112, 842), (100, 885), (68, 925), (30, 946), (0, 951)]
_KEY = np.array([-0.45, -0.55, 0.70], np.float32)


def _symmetric(half: list[tuple[float, float]]) -> np.ndarray:
    """Open curve over the page from the left half's far end to the right half's far end."""
    return np.vstack([mirrored(half, -1)[::-1], mirrored(half, 1)])


def background(rng: np.random.Generator) -> Array:
    """A soft studio wall: lighter behind the lit side, with broad brush variation."""
    vertical = np.clip(Y / PAGE, 0, 1)
    image = over(np.broadcast_to(colour("a9bcc0"), (*Y.shape, 3)), colour("6f858e"), vertical)
    image = over(image, colour("e6e2d6"), blob(330, 330, 330, 330) * 0.75)
    image = glaze(image, colour("5c6c78"), smoothstep(430, 800, np.hypot(X - 470, Y - 440)) * 0.55)
    wash = 0.020 * noise(rng, 160) + 0.012 * noise(rng, 60)
    return image * (1 + wash[..., None])


def neck_shape() -> Array:
    """Where neck and upper chest are."""
    return mask(np.vstack([spline(_symmetric(_NECK)), [[800, 1023], [224, 1023]]]))


def neck(image: Array) -> Array:
    """Neck and upper chest, with the shadow of the jaw."""
    shape = neck_shape()
    column = np.clip(1 - ((X - CENTRE_X) / 128) ** 2, 0.02, 1) ** 0.5 * 95
    height = column * (1 - 0.65 * smoothstep(790, 900, Y)) + 60 * smoothstep(780, 900, Y)
    tendon = [spline(mirrored([(84, 720), (66, 810), (24, 915)], s)) for s in (-1, 1)]
    height = height + 2.5 * soft(strokes(tendon, 22.0, 0.6, 0.6), 10.0)
    height = height - 6 * blob(CENTRE_X, 915, 16, 14) + 5 * pair(90, 905, 50, 9, 12)
    paint = glaze(skin(soft(height, 5.0)), colour("e8c0b0"), np.ones_like(shape) * 0.6)
    head = mask(face_outline())
    cast = np.clip(1.15 * soft(shifted(head, 12, 52), 16.0), 0, 1)
    paint = glaze(paint, colour("9c5a4c"), cast * 0.85)
    paint = glaze(paint, colour("8a4c42"), soft(shifted(head, 4, 14), 6.0) * 0.85)
    turning = np.clip(np.abs(X - CENTRE_X) / 100, 0, 1) ** 5 * (1 - smoothstep(780, 870, Y))
    paint = glaze(paint, colour("8a5044"), turning * 0.6)
    return over(image, paint, soft(shape, 0.6))


def _ribs(collar: np.ndarray) -> Array:
    """Short knit ribs across the collar band."""
    centre = np.array([CENTRE_X, 780.0])
    paths = []
    for point in collar[2:-2:2]:
        away = (point - centre) / np.linalg.norm(point - centre)
        paths.append(np.array([point - away * 2, point + away * 10, point + away * 22]))
    return soft(strokes(paths, 2.6, 0.8, 0.8), 0.8)


def clothes(image: Array, rng: np.random.Generator) -> Array:
    """A plain knitted sweater with a ribbed collar."""
    collar = spline(np.vstack([mirrored(_COLLAR, -1), mirrored(_COLLAR[-2::-1], 1)]))
    right, left = spline(mirrored(_SHOULDER, 1)), spline(mirrored(_SHOULDER, -1))[::-1]
    body = mask(np.vstack([left, collar, right]))
    height = inflate(body, 95.0)
    folds = [
        [(210, 920), (190, 980), (180, 1040)], [(120, 960), (150, 1000), (160, 1050)],
        [(330, 950), (300, 1000), (290, 1050)],
    ]  # fmt: skip
    for side in (-1, 1):
        paths = [spline(mirrored(fold, side)) for fold in folds]
        height = height - 5 * soft(strokes(paths, 16.0), 9.0)
    n = normals(height)
    shade = lambert(n, _KEY, 0.5)
    paint = over(np.broadcast_to(colour("16343a"), (*shade.shape, 3)), colour("3f7f80"),
                 smoothstep(0.25, 1.0, shade))  # fmt: skip
    paint = paint + (gloss(n, _KEY, 12.0) * 0.05)[..., None]
    knit = np.sin(X * 1.9 + 0.5 * noise(rng, 40)) * np.sin(Y * 1.1 + 0.5 * noise(rng, 40))
    paint = paint * (1 + 0.05 * knit + 0.03 * noise(rng, 5))[..., None]
    band = strokes([collar], 46.0, 1.0, 1.0) * body
    paint = glaze(paint, colour("b8c8c8"), band * 0.35)
    paint = glaze(paint, colour("2c5054"), _ribs(collar) * band * 0.55)
    edge = collar + np.array([0, 23])
    paint = glaze(paint, colour("3a5a5c"), soft(strokes([edge], 4.0, 1, 1), 2.0) * body * 0.6)
    # The cloth shades skin and hair, but not the wall behind the shoulders.
    near = 1 - smoothstep(225, 265, np.abs(X - CENTRE_X))
    image = glaze(image, colour("6a3c36"), soft(shifted(body, 2, -6), 6.0) * near * 0.7)
    return over(image, paint, soft(body, 0.5))
