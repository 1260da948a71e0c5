"""The head as a height field, and the light that falls on it."""

import cv2
import numpy as np

from .canvas import (
    CENTRE_X,
    PAGE,
    SCALE,
    SIZE,
    Array,
    X,
    Y,
    blob,
    colour,
    mask,
    mirrored,
    over,
    pair,
    smoothstep,
    soft,
    spline,
)

_RIGHT_CONTOUR = [
    (0, 128), (95, 140), (162, 205), (190, 300), (196, 385), (193, 460), (184, 535),
    (165, 605), (134, 664), (91, 712), (46, 740), (0, 748),
]  # fmt: skip
_KEY = np.array([-0.42, -0.50, 0.76], np.float32)
_FILL = np.array([0.75, -0.05, 0.55], np.float32)
_BOUNCE = np.array([0.05, 0.85, 0.35], np.float32)


def face_outline() -> np.ndarray:
    """Closed outline of the head's skin, from the crown round the jaw."""
    right = mirrored(_RIGHT_CONTOUR, 1)
    left = mirrored(_RIGHT_CONTOUR[-2:0:-1], -1)
    return spline(np.vstack([right, left]), closed=True)


def inflate(shape: Array, height: float) -> Array:
    """Round a flat shape into a cushion by solving a Poisson problem, coarse grid to fine."""
    u = np.zeros((64, 64), np.float32)
    for grid, rounds in ((64, 1500), (128, 500), (256, 200)):
        step = PAGE / grid
        inside = cv2.resize(shape, (grid, grid), interpolation=cv2.INTER_AREA)
        u = cv2.resize(u, (grid, grid), interpolation=cv2.INTER_LINEAR)
        kernel = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4
        for _ in range(rounds):
            u = (cv2.filter2D(u, -1, kernel, borderType=cv2.BORDER_REPLICATE) + step**2) * inside
    cushion = np.sqrt(np.maximum(u, 0) / u.max())
    cushion = cv2.GaussianBlur(cushion, (0, 0), 1.2)
    return soft(cv2.resize(cushion, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC), 3.0) * height


def _nose() -> Array:
    """Bridge, ball, wings and the step below the tip."""
    along = smoothstep(405, 540, Y)
    width = 13 + 8 * along
    bridge = np.exp(-0.5 * ((X - CENTRE_X) / width) ** 2) * (7 + 21 * along)
    bridge = bridge * smoothstep(385, 440, Y) * (1 - smoothstep(532, 582, Y))
    ball = 14 * blob(CENTRE_X, 543, 17, 15) + 13 * pair(30, 553, 10, 11)
    return (bridge + ball).astype(np.float32)


def _features() -> Array:
    """Everything that stands out from, or sinks into, the plain rounded head."""
    sockets = -20 * pair(84, 428, 46, 26) - 8 * pair(46, 432, 16, 24)
    eyeballs = 13 * pair(89, 438, 34, 20)
    brows = 8 * pair(92, 386, 52, 15, -5) - 3 * blob(CENTRE_X, 395, 22, 30)
    cheeks = 17 * pair(112, 528, 46, 44) - 7 * pair(118, 626, 34, 52, 20)
    folds = -2.6 * pair(64, 590, 12, 30, 28) - 2.0 * pair(84, 626, 9, 11)
    muzzle = 15 * blob(CENTRE_X, 622, 62, 38) - 3 * blob(CENTRE_X, 590, 6, 12)
    philtrum = 1.5 * pair(9, 592, 4, 13)
    chin = 13 * blob(CENTRE_X, 716, 42, 26) - 9 * blob(CENTRE_X, 674, 40, 10)
    forehead = 10 * blob(CENTRE_X, 290, 100, 60) - 6 * pair(170, 380, 24, 50)
    parts = (sockets, eyeballs, brows, cheeks, folds, muzzle, philtrum, chin, forehead)
    return np.sum(parts, axis=0) + _nose()


def lips_relief(upper: Array, lower: Array, line: Array) -> Array:
    """Two soft cushions with a groove where they meet."""
    return 5 * soft(upper, 6.0) + 9 * soft(lower, 6.0) - 3.5 * soft(line, 3.0)


def normals(height: Array) -> Array:
    """Unit surface normals of a height field in design pixels; z points at the viewer."""
    dx = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3) * (SCALE / 8)
    dy = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3) * (SCALE / 8)
    n = np.dstack([-dx, -dy, np.ones_like(dx)])
    return n / np.linalg.norm(n, axis=2, keepdims=True)


def lambert(n: Array, light: Array, wrap: float) -> Array:
    """Diffuse term; ``wrap`` lets light creep round the form as it does through skin."""
    amount = (n @ (light / np.linalg.norm(light)) + wrap) / (1 + wrap)
    return np.clip(amount, 0, 1).astype(np.float32)


def gloss(n: Array, light: Array, power: float) -> Array:
    """Specular term for a viewer straight ahead."""
    half = light / np.linalg.norm(light) + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    return (np.clip(n @ half, 0, 1) ** power).astype(np.float32)


def skin(height: Array) -> Array:
    """Paint skin on a height field: a warm ramp, a cool fill, hollows and a faint sheen."""
    n = normals(height)
    shade = lambert(n, _KEY, 0.45)
    image = over(np.broadcast_to(colour("8a4a3c"), (*shade.shape, 3)), colour("d99c80"),
                 smoothstep(0.16, 0.66, shade))  # fmt: skip
    image = over(image, colour("f9d5bb"), smoothstep(0.50, 1.0, shade))
    image = image + lambert(n, _FILL, 0.0)[..., None] ** 2 * colour("5a4a52") * 0.28
    image = image + lambert(n, _BOUNCE, 0.0)[..., None] * colour("8a5a48") * 0.30
    hollow = np.clip(soft(height, 14.0) - height, 0, 12) / 12
    image = image * (1 - hollow[..., None] * (1 - colour("b87060")) * 0.55)
    return image + (gloss(n, _KEY, 26.0) * 0.10)[..., None] * colour("fff0e0")


def face_height(lips: Array) -> Array:
    """Height field of the face."""
    wide = soft(mask(face_outline()), 2.0)
    # The cushion is a little larger than the face, so that its edge never turns fully away.
    grown = (soft(wide, 12.0) > 0.12).astype(np.float32)
    return inflate(grown, 150.0) + _features() + lips
