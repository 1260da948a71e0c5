import wave
from pathlib import Path

import numpy as np
import pytest

from linly_asr.endpointing import FRAME
from linly_asr.engine import Samples
from linly_asr.vad import SileroVad, VadStream
from linly_asr.weights import SILERO_VAD
from linly_mesh.weights import fetch

QUESTION = Path(__file__).parents[2] / "data" / "questions" / "why-is-the-sky-blue.wav"


@pytest.fixture(scope="session")
def vad() -> SileroVad:
    return SileroVad(fetch(SILERO_VAD) / "silero_vad.onnx")


@pytest.fixture(scope="session")
def question() -> Samples:
    with wave.open(str(QUESTION)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768


def probabilities(stream: VadStream, samples: Samples) -> list[float]:
    frames = len(samples) // FRAME
    return [stream.probability(f) for f in samples[: frames * FRAME].reshape(frames, FRAME)]


def test_speech_is_told_from_silence(vad: SileroVad, question: Samples) -> None:
    heard = np.array(probabilities(vad.stream(), question))
    second = 16_000 // FRAME
    assert heard[: second // 4].max() < 0.2
    assert np.median(heard[second // 2 : -second * 5 // 4]) > 0.9
    assert heard[-second // 2 :].max() < 0.2


def test_streams_do_not_hear_each_other(vad: SileroVad, question: Samples) -> None:
    alone = probabilities(vad.stream(), question)
    stream, other = vad.stream(), vad.stream()
    noise = np.random.default_rng(0).normal(0, 0.1, FRAME).astype(np.float32)
    interleaved = []
    for start in range(0, len(question) - FRAME + 1, FRAME):
        other.probability(noise)
        interleaved.append(stream.probability(question[start : start + FRAME]))
    assert interleaved == alone
