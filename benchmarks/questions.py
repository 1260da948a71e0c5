"""The spoken questions of the tests, and where in each the person stops speaking."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from linly_client.wav import Wav, read_wav

_FOLDER = Path(__file__).parent.parent / "tests/data/questions"
_WINDOW = 0.01
"""Seconds of audio that are judged together."""
_QUIET = 0.02
"""Share of the loudest window's level below which one is silence (-34 dB): the questions are
synthetic, with nothing between their sounds."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the silence after it."""

    wav: Wav
    speech_end: float
    """Seconds to the end of the last window that holds speech."""


def read_questions() -> list[Question]:
    """All of them, in the order of their names."""
    wavs = [read_wav(path) for path in sorted(_FOLDER.glob("*.wav"))]
    return [Question(wav, speech_end(wav)) for wav in wavs]


def speech_end(wav: Wav) -> float:
    """Seconds to where the last speech ends; 0 for silence."""
    samples = np.frombuffer(wav.pcm, "<i2").astype(np.float64)
    width = round(_WINDOW * wav.sample_rate)
    windows = samples[: len(samples) // width * width].reshape(-1, width)
    levels = np.sqrt((windows**2).mean(axis=1))
    spoken = np.flatnonzero(levels > _QUIET * levels.max(initial=0.0))
    return float(spoken[-1] + 1) * _WINDOW if len(spoken) else 0.0
