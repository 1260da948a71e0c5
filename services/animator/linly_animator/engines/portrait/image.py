"""From the bytes of an image file to a picture, trusting nothing."""

from __future__ import annotations

import io
import warnings

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from linly_animator.engine import ImageRejectedError

MAX_PIXELS = 50_000_000
"""Of an image as its header states it, before anything is decoded."""
_FORMATS = ("JPEG", "PNG", "WEBP")
_AVERAGEABLE = ("RGB", "RGBA", "L", "LA", "CMYK")
_LONGEST_SIDE = 2048
"""Pixels; no output needs more."""
_NEUTRAL = (128, 128, 128)
"""What shows through a transparent image."""


def decode(data: bytes) -> npt.NDArray[np.uint8]:
    """Decodes a JPEG, PNG or WebP file to height x width x 3, BGR, upright.

    Honours the EXIF orientation, lays transparency on grey, brings 16 bits down to 8.

    Raises:
        ImageRejectedError: IMAGE_BROKEN or IMAGE_TOO_LARGE.
    """
    with warnings.catch_warnings():
        # Pillow warns of large images; ours is an error, from the header alone, below.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                return _decode(image)
        except Image.DecompressionBombError as error:
            raise _too_large() from error
        except UnidentifiedImageError as error:
            raise ImageRejectedError("IMAGE_BROKEN", "not a JPEG, PNG or WebP image") from error
        # Pillow's parsers answer a damaged file with whatever they tripped over.
        except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError) as error:
            raise ImageRejectedError(
                "IMAGE_BROKEN", "the image is damaged or incomplete"
            ) from error


def _decode(image: Image.Image) -> npt.NDArray[np.uint8]:
    if image.width * image.height > MAX_PIXELS:
        raise _too_large()
    # A JPEG can be decoded at a half, a quarter or an eighth for a fraction of the memory.
    image.draft("RGB", (_LONGEST_SIDE, _LONGEST_SIDE))
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    # Small before anything else, since each copy of the whole costs up to 200 MB. Pixels that
    # number a palette's colours or are 16 bits deep can't be averaged as they are.
    if image.mode not in _AVERAGEABLE:
        image = _to_rgb(image)
    image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), Image.Resampling.LANCZOS)
    return np.ascontiguousarray(np.asarray(_to_rgb(image))[..., ::-1])


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        deep = np.asarray(image).astype(np.float32)
        return Image.fromarray((deep / 257).clip(0, 255).astype(np.uint8)).convert("RGB")
    if "A" in image.mode or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGB", layer.size, _NEUTRAL)
        ground.paste(layer, mask=layer.getchannel("A"))
        return ground
    return image.convert("RGB")


def _too_large() -> ImageRejectedError:
    return ImageRejectedError("IMAGE_TOO_LARGE", f"the image has more than {MAX_PIXELS} pixels")
