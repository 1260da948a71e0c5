"""Where a person stops speaking."""

import numpy as np
import pytest

from benchmarks.questions import read_questions, speech_end
from linly_client.wav import Wav

RATE = 16_000


def sound(*parts: tuple[float, int]) -> Wav:
    """Pieces of (seconds, amplitude)."""
    tones = [level * np.sin(np.arange(round(seconds * RATE)) * 0.3) for seconds, level in parts]
    return Wav(RATE, np.concatenate(tones).astype("<i2").tobytes())


def test_speech_ends_before_the_silence_that_follows():
    assert speech_end(sound((0.3, 0), (0.7, 8000), (1.0, 0))) == pytest.approx(1.0, abs=0.011)


def test_a_pause_is_not_the_end():
    wav = sound((0.5, 8000), (0.3, 0), (0.2, 8000), (0.5, 0))
    assert speech_end(wav) == pytest.approx(1.0, abs=0.011)


def test_noise_far_below_the_speech_is_silence():
    assert speech_end(sound((0.5, 8000), (1.0, 80))) == pytest.approx(0.5, abs=0.011)


def test_silence_has_no_speech():
    assert speech_end(sound((1.0, 0))) == 0.0


def test_every_shipped_question_leaves_a_second_of_silence():
    for question in read_questions():
        assert 0.9 < question.wav.duration - question.speech_end < 1.2
