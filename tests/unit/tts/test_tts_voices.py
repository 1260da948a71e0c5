import pytest

from linly_mesh.errors import ConfigurationError
from linly_tts.engine import Voice
from linly_tts.engines.espeak.library import EspeakLibrary
from linly_tts.engines.espeak.voices import voice_catalogue
from linly_tts.voices import VoiceBook


@pytest.fixture(scope="module")
def book(library: EspeakLibrary) -> VoiceBook:
    voices, _ = voice_catalogue(library.voices(), library.sample_rate)
    return VoiceBook(voices, "en-us")


@pytest.mark.parametrize(
    ("language", "voice"),
    [
        ("en-US", "en-us"),
        ("en", "en-us"),
        ("en-GB", "en-gb"),
        ("EN-gb", "en-gb"),
        ("en-AU", "en-us"),
        ("de-DE", "de"),
        ("de-AT", "de"),
        ("fr-FR", "fr-fr"),
        ("fr", "fr-fr"),
        ("fr-CA", "fr-fr"),
        ("es-MX", "es-419"),
        ("es-ES", "es"),
        ("pt-BR", "pt-br"),
        ("zh-CN", "cmn"),
        ("zh-Hans-CN", "cmn"),
        ("zh-HK", "yue"),
        ("no", "nb"),
        ("ja-JP", "ja"),
    ],
)
def test_a_language_finds_its_voice(book: VoiceBook, language: str, voice: str) -> None:
    found = book.speaking(language)
    assert found is not None
    assert found.name == voice


@pytest.mark.parametrize("language", ["xx", "tlh-Piqd", "-", "--", "e"])
def test_a_language_that_nobody_speaks_finds_none(book: VoiceBook, language: str) -> None:
    assert book.speaking(language) is None


def test_a_voice_is_found_by_its_exact_name(book: VoiceBook) -> None:
    assert book.named("cmn") is not None
    assert book.named("../../etc/passwd") is None


def test_voices_are_listed_by_name_and_language(book: VoiceBook) -> None:
    names = [voice.name for voice in book.of_language("")]
    assert names == sorted(names)
    assert len(names) > 100
    english = [voice.name for voice in book.of_language("en")]
    assert {"en-us", "en-gb"} <= set(english)
    assert all(name.startswith("en") for name in english)
    assert [voice.name for voice in book.of_language("en-US")] == ["en-us", "en-us-nyc"]
    assert [voice.name for voice in book.of_language("de-DE")] == ["de"]
    assert "cmn" in [voice.name for voice in book.of_language("zh-CN")]
    assert book.of_language("xx") == []


def test_every_listed_voice_speaks(library: EspeakLibrary) -> None:
    _, files = voice_catalogue(library.voices(), library.sample_rate)
    for name, file in files.items():
        speech = library.synthesize("a e i o", file, 300, pause=False, go_on=lambda _: True)
        assert len(speech.samples) > 2000, name


def test_a_default_voice_that_does_not_exist_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="TTS_DEFAULT_VOICE"):
        VoiceBook([Voice("en", ("en",), 22_050)], "de")
