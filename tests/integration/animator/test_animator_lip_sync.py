"""Sound and lips together, measured from the decoded video and not from its timestamps."""

import random
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from linly_animator.engines.portrait.anatomy import Anatomy
from linly_animator.engines.portrait.landmarks import FaceFinder
from linly_animator.weights import FACE
from linly_mesh.weights import fetch

from .animating import RATE, Animation, animate, config, decoded, end, end_speech, speech, voice
from .conftest import Service

FPS = 25
LOUDNESS = {"PP": 0.0, "SIL": 0.0, "SS": 0.1, "AA": 1.0, "E": 0.8, "O": 0.8, "NN": 0.5}


def babble(seconds: float) -> tuple[npt.NDArray[np.float64], list[tuple[str, float, float]]]:
    """Words of m, vowels, n and s with pauses, and their sound: loud where the mouth is open."""
    chance = random.Random(7)
    visemes, sound, start = [], [], 0.0
    while start < seconds:
        for name in ("PP", chance.choice(["AA", "E", "O"]), chance.choice(["NN", "SS"]),
                     chance.choice(["AA", "E"]), chance.choice(["PP", "SIL"])):  # fmt: skip
            length = round(chance.uniform(0.07, 0.2), 3)
            visemes.append((name, start, length))
            sound.append(LOUDNESS[name] * voice(length, start))
            start += length
    return np.concatenate(sound), visemes


@dataclass(frozen=True)
class Spoken:
    """A speech and the frames that came of it."""

    sound: npt.NDArray[np.float64]
    visemes: list[tuple[str, float, float]]
    given: Animation


@pytest.fixture(scope="module")
async def spoken(service: Service) -> Spoken:
    sound, visemes = babble(6.0)
    wanted = config(width=384, height=384)
    given = await animate(service.stub, wanted, speech("a", sound, visemes), end_speech("a"), end())
    return Spoken(sound, visemes, given)


@pytest.fixture(scope="module")
def openings(
    spoken: Spoken,
) -> npt.NDArray[np.float64]:
    """The gap between the lips in every frame, by the landmark model, in units of the face."""
    finder = FaceFinder(fetch(FACE))
    gaps = []
    for picture in decoded(spoken.given.frames("a")):
        face = Anatomy(finder.find(picture)[0].landmarks)
        gaps.append(float(np.linalg.norm(face.point(14) - face.point(13))) / face.unit)
    return np.array(gaps)


def test_lips_follow_the_sound_within_40_ms(
    spoken: Spoken,
    openings: npt.NDArray[np.float64],
) -> None:
    sound = spoken.sound
    per_frame = RATE // FPS
    whole = len(sound) // per_frame
    loudness = np.sqrt((sound[: whole * per_frame].reshape(whole, per_frame) ** 2).mean(axis=1))
    fine = np.arange(0, whole - 1, 0.1)
    lips = np.interp(fine, np.arange(whole), openings[:whole])
    envelope = np.interp(fine, np.arange(whole), loudness)
    lags = np.arange(-50, 51)
    match = [
        np.corrcoef(lips[60:-60], np.roll(envelope, lag)[60:-60])[0, 1] for lag in lags.tolist()
    ]
    best = lags[int(np.argmax(match))] * 0.1 / FPS
    assert max(match) > 0.6
    assert abs(best) <= 0.04


def test_lips_are_closed_on_p_b_m(
    spoken: Spoken,
    openings: npt.NDArray[np.float64],
) -> None:
    middles = [start + length / 2 for name, start, length in spoken.visemes if name == "PP"]
    closed = [openings[int(middle * FPS)] < 0.03 for middle in middles]
    assert len(closed) >= 10
    assert np.mean(closed) >= 0.95
