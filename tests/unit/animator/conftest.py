"""Real face models, a photograph and the shipped portrait."""

from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import skimage.data
from PIL import Image

from linly_animator.engines.portrait.avatars import AvatarStore
from linly_animator.engines.portrait.landmarks import FaceFinder
from linly_animator.engines.portrait.renderer import Renderer
from linly_animator.weights import FACE
from linly_mesh.weights import fetch

PORTRAIT = Path(__file__).parents[3] / "services" / "animator" / "portraits" / "default.png"


@pytest.fixture(scope="session")
def finder() -> FaceFinder:
    cv2.setNumThreads(1)
    return FaceFinder(fetch(FACE))


@pytest.fixture(scope="session")
def store(finder: FaceFinder) -> AvatarStore:
    return AvatarStore(finder, capacity=8)


@pytest.fixture(scope="session")
def astronaut() -> npt.NDArray[np.uint8]:
    """A smiling face, RGB, 512 x 512, in the public domain (NASA)."""
    return np.asarray(skimage.data.astronaut())


@pytest.fixture(scope="session")
def photo(astronaut: npt.NDArray[np.uint8]) -> bytes:
    return png(astronaut)


@pytest.fixture(scope="session")
def drawn(store: AvatarStore) -> Renderer:
    """The shipped portrait at its usual size."""
    return store.renderer(store.create(PORTRAIT.read_bytes()).avatar_id, 512, 512)


@pytest.fixture(scope="session")
def photographed(store: AvatarStore, photo: bytes) -> Renderer:
    """A photograph whose mouth is open and smiles."""
    return store.renderer(store.create(photo).avatar_id, 512, 512)


def png(picture: npt.NDArray[np.generic], image_format: str = "PNG") -> bytes:
    out = BytesIO()
    Image.fromarray(picture).save(out, image_format)
    return out.getvalue()
