import pytest

from linly_mesh.workload import Workload
from linly_tts.audio.encoding import AudioFormat, Encoding
from linly_tts.engines.espeak.library import EspeakLibrary
from linly_tts.session import Manner, SpeechSession

from .metronome import VOICE, Metronome


@pytest.fixture(scope="session")
def library() -> EspeakLibrary:
    return EspeakLibrary()


@pytest.fixture
def engine() -> Metronome:
    return Metronome()


@pytest.fixture
def workload() -> Workload:
    return Workload()


@pytest.fixture
def session(engine: Metronome, workload: Workload) -> SpeechSession:
    output = AudioFormat(Encoding.LINEAR16, VOICE.sample_rate)
    return SpeechSession(engine, Manner(VOICE, 1.0, output), workload)
