import pytest

from linly_tts.engines.espeak.library import EspeakLibrary


@pytest.fixture(scope="session")
def library() -> EspeakLibrary:
    return EspeakLibrary()
