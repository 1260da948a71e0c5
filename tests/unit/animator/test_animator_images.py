"""Every kind of image that somebody will upload."""

import struct
import zlib
from io import BytesIO

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from linly_animator.engine import AvatarUnknownError, ImageRejectedError
from linly_animator.engines.portrait.avatars import AvatarStore
from linly_animator.engines.portrait.fields import spread
from linly_animator.engines.portrait.image import decode
from linly_animator.engines.portrait.landmarks import FaceFinder

from .conftest import PORTRAIT, png

Picture = npt.NDArray[np.uint8]


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises `width` x `height` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))


def reason(store: AvatarStore, image: bytes) -> str:
    with pytest.raises(ImageRejectedError) as caught:
        store.create(image)
    return caught.value.reason


@pytest.mark.parametrize("image", [b"", b"hello", b"\xff\xd8\xff", b"GIF89a" + bytes(100)])
def test_what_is_no_image_is_broken(store: AvatarStore, image: bytes) -> None:
    assert reason(store, image) == "IMAGE_BROKEN"


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_truncated_file_is_broken(
    store: AvatarStore, astronaut: Picture, image_format: str, share: float
) -> None:
    image = png(astronaut, image_format)
    assert reason(store, image[: int(len(image) * share)]) == "IMAGE_BROKEN"


@pytest.mark.parametrize("size", [(8000, 8000), (60_000, 60_000)])
def test_an_image_bomb_is_refused_by_its_header(store: AvatarStore, size: tuple[int, int]) -> None:
    assert reason(store, bomb(*size)) == "IMAGE_TOO_LARGE"


def test_no_face(store: AvatarStore) -> None:
    gradient = np.tile(np.linspace(0, 255, 400, dtype=np.uint8)[:, None, None], (1, 300, 3))
    assert reason(store, png(gradient)) == "NO_FACE"


def test_a_small_face(store: AvatarStore, astronaut: Picture) -> None:
    small = np.full((300, 300, 3), 128, np.uint8)
    small[50:250, 50:250] = cv2.resize(astronaut, (200, 200), interpolation=cv2.INTER_AREA)
    assert reason(store, png(small)) == "FACE_TOO_SMALL"


def turned(finder: FaceFinder, picture: Picture, degrees: float) -> Picture:
    """The face of `picture` as a camera sees it that stands `degrees` to the side."""
    face = finder.find(picture)[0].landmarks
    axis, landmarks = face[[234, 454]].mean(axis=0), face[::4]
    angle = np.radians(degrees)
    around = landmarks - axis
    seen = landmarks[:, :2].copy()
    seen[:, 0] = axis[0] + around[:, 0] * np.cos(angle) + around[:, 2] * np.sin(angle)
    height, width = picture.shape[:2]
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float32)
    moves = np.concatenate([landmarks[:, :2] - seen, np.zeros((4, 2))])[None]
    pixels = np.stack(np.meshgrid(np.arange(0, width, 8), np.arange(0, height, 8)), axis=-1)
    source = pixels + spread(np.concatenate([seen, corners]), moves, pixels.astype(np.float32))[0]
    return cv2.remap(
        picture, cv2.resize(source, (width, height)).astype(np.float32), None, cv2.INTER_LINEAR
    )


def test_a_face_may_look_a_little_to_the_side(
    store: AvatarStore, finder: FaceFinder, astronaut: Picture
) -> None:
    assert store.create(png(turned(finder, astronaut, 15))).face_count == 1


def test_a_profile(store: AvatarStore, finder: FaceFinder, astronaut: Picture) -> None:
    assert reason(store, png(turned(finder, astronaut, 40))) == "FACE_IN_PROFILE"


def test_of_several_faces_the_largest_is_taken_and_said(
    store: AvatarStore, astronaut: Picture
) -> None:
    group = np.hstack([astronaut, np.full((512, 340, 3), 150, np.uint8)])
    group[100:440, 512:] = cv2.resize(astronaut, (340, 340), interpolation=cv2.INTER_AREA)
    avatar = store.create(png(group))
    assert avatar.face_count == 2
    assert avatar.notices == ("2 faces found, the largest is animated",)


def test_a_small_face_in_a_large_picture_is_found(finder: FaceFinder, astronaut: Picture) -> None:
    wide = np.full((1000, 1400, 3), 128, np.uint8)
    wide[200:712, 800:1312] = astronaut[..., ::-1]
    face = finder.find(wide)[0]
    assert np.linalg.norm(face.landmarks[1, :2] - (1025, 330)) < 40


def test_a_drawing_is_a_face(store: AvatarStore) -> None:
    assert store.create(PORTRAIT.read_bytes()).face_count == 1


def test_exif_orientation_is_honoured(store: AvatarStore, astronaut: Picture) -> None:
    out = BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn me a quarter clockwise"
    Image.fromarray(np.rot90(astronaut)).save(out, "JPEG", exif=exif, quality=95)
    upright = decode(out.getvalue())
    assert np.abs(upright[..., ::-1].astype(int) - astronaut).mean() < 6


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "I;16", "CMYK"])
def test_other_kinds_of_pixels(store: AvatarStore, astronaut: Picture, mode: str) -> None:
    out = BytesIO()
    image = Image.fromarray(astronaut)
    if mode == "I;16":
        grey = np.asarray(image.convert("L")).astype(np.uint16) * 257
        Image.fromarray(grey).save(out, "PNG")
    else:
        image.convert(mode).save(out, "JPEG" if mode == "CMYK" else "PNG")
    picture = decode(out.getvalue())
    assert picture.shape == (512, 512, 3)
    assert abs(float(picture.mean()) - float(astronaut.mean())) < 12
    assert store.create(out.getvalue()).face_count == 1


def test_transparency_lies_on_grey() -> None:
    assert decode(png(np.zeros((40, 40, 4), np.uint8)))[20, 20].tolist() == [128, 128, 128]


def test_the_same_bytes_have_the_same_id_everywhere(finder: FaceFinder, photo: bytes) -> None:
    ids = {AvatarStore(finder, capacity=2).create(photo).avatar_id for _ in range(2)}
    assert len(ids) == 1


def test_the_avatar_not_used_for_longest_makes_room_but_never_the_default(
    finder: FaceFinder, astronaut: Picture
) -> None:
    store = AvatarStore(finder, capacity=2)
    default = store.create_default(PORTRAIT.read_bytes())
    first = store.create(png(astronaut)).avatar_id
    second = store.create(png(astronaut[:, ::-1])).avatar_id
    with pytest.raises(AvatarUnknownError):
        store.renderer(first, 128, 128)
    assert store.renderer(second, 128, 128) is not None
    assert store.renderer("", 128, 128) is store.renderer(default.avatar_id, 128, 128)
