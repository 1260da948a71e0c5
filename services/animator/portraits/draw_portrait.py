"""Draw the default portrait: an invented person, made of curves, gradients and brush strokes.

Nothing is loaded: the picture is computed from the numbers in ``draw`` and a fixed seed, so every
run gives the same image.

    python draw_portrait.py [output.png]
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from draw import features, figure, hair, relief
from draw.canvas import PAGE, Array, mask, over, soft, to_srgb

_SEED = 20240601
_DEFAULT_OUTPUT = Path(__file__).with_name("default.png")


def head(image: Array, rng: np.random.Generator) -> Array:
    """The face with all its details, and the shadow of the hair on it."""
    shape = mask(relief.face_outline())
    paint = relief.skin(relief.face_height(relief.lips_relief(*features.lip_masks())))
    paint = features.blush(paint, rng)
    paint = features.nose(paint)
    paint = features.lips(paint, rng)
    for side in (-1, 1):
        paint = features.eye(paint, side, rng)
        paint = features.brow(paint, side, rng)
    paint = hair.cast(paint, shape)
    return over(image, paint, soft(shape, 0.7))


def portrait() -> Array:
    """The whole picture, back to front, in linear light at drawing resolution."""
    rng = np.random.default_rng(_SEED)
    image = figure.background(rng)
    image = hair.back(image, rng)
    image = hair.cast(figure.neck(image), figure.neck_shape())
    image = head(image, rng)
    image = hair.front(image, rng)
    return figure.clothes(image, rng)


def save(image: Array, path: Path) -> None:
    """Reduce to the page size, encode as sRGB and write."""
    small = cv2.resize(image, (PAGE, PAGE), interpolation=cv2.INTER_AREA)
    pixels = np.round(to_srgb(small) * 255).astype(np.uint8)
    if not cv2.imwrite(str(path), pixels[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        raise OSError(f"could not write {path}")


if __name__ == "__main__":
    save(portrait(), Path(sys.argv[1]) if len(sys.argv) > 1 else _DEFAULT_OUTPUT)
