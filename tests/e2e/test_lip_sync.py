"""Lips and voice together, measured from the recorded film and not from its timestamps."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from linly_animator.engines.portrait.landmarks import FaceFinder
from linly_animator.weights import FACE
from linly_client import Audio, Playback, TalkClient, TalkOptions, Viseme
from linly_mesh.weights import fetch

_TEXT = (
    "My mother bakes perfect bread. Bob and Pam buy maple jam. "
    "Please bring the blue umbrella back home before the big storm begins."
)
_FPS = 25
_UPPER_LIP, _LOWER_LIP = 13, 14  # the inner edges of the lips, in MediaPipe's mesh
_FOREHEAD, _CHIN = 10, 152


@dataclass(frozen=True)
class Film:
    """What was recorded and what was meant."""

    openings: np.ndarray
    """Gap between the lips in each frame, as a share of the face's height."""
    loudness: np.ndarray
    """RMS of the sound of each frame."""
    visemes: list[Viseme]


@pytest.fixture(scope="module")
async def film(mesh, tmp_path_factory) -> Film:
    path = tmp_path_factory.mktemp("film") / "say.mp4"
    done = mesh.talker("say", _TEXT, "-o", str(path))
    assert done.returncode == 0, done.stderr
    options = TalkOptions(video=None, playback=Playback.SENT)
    visemes: list[Viseme] = []
    async with TalkClient(mesh.target("orchestrator")).converse(options) as talk:
        await talk.say(_TEXT)
        await talk.end()
        async for event in talk:
            if isinstance(event, Audio):
                visemes.extend(event.visemes)
    return Film(_openings(path), _loudness(path), visemes)


def _openings(path: Path) -> np.ndarray:
    finder = FaceFinder(fetch(FACE))
    gaps = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            marks = finder.find(frame.to_ndarray(format="bgr24"))[0].landmarks[:, :2]
            height = np.linalg.norm(marks[_CHIN] - marks[_FOREHEAD])
            gaps.append(np.linalg.norm(marks[_LOWER_LIP] - marks[_UPPER_LIP]) / height)
    return np.array(gaps)


def _loudness(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        rate = container.streams.audio[0].rate
        sound = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    frame = rate // _FPS
    whole = sound[: len(sound) // frame * frame].reshape(-1, frame)
    return np.sqrt((whole.astype(float) ** 2).mean(axis=1))


def test_the_mouth_follows_the_voice_within_40_ms(film):
    count = min(len(film.openings), len(film.loudness))
    assert count > 5 * _FPS
    fine = np.arange(0, count - 1, 0.125)  # 5 ms
    lips = np.interp(fine, np.arange(count), film.openings[:count])
    voice = np.interp(fine, np.arange(count), film.loudness[:count])
    margin = 50
    lags = range(-margin, margin + 1)

    def match(lag: int) -> float:
        shifted = voice[margin - lag : len(voice) - margin - lag]
        return float(np.corrcoef(lips[margin:-margin], shifted)[0, 1])

    best = max(lags, key=match)
    assert match(best) > 0.4
    assert abs(best * 0.005) <= 0.040, f"lips are {best * 5} ms behind the voice"


def test_lips_close_on_m_b_and_p(film):
    closed = []
    widest = np.percentile(film.openings, 95)
    for viseme in film.visemes:
        if viseme.name == "PP":
            first = round((viseme.offset - 0.02) * _FPS)
            last = round((viseme.offset + viseme.duration + 0.02) * _FPS)
            closed.append(film.openings[max(first, 0) : last + 1].min() < 0.2 * widest)
    assert len(closed) >= 20
    assert np.mean(closed) >= 0.95, f"{np.mean(closed):.0%} of {len(closed)}"


def test_lips_are_closed_before_the_first_word_and_after_the_last(film):
    widest = np.percentile(film.openings, 95)
    assert film.openings[-1] < 0.2 * widest
