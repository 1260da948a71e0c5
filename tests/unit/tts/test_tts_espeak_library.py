import numpy as np
import pytest

from linly_tts.engine import Speech
from linly_tts.engines.espeak.library import EspeakLibrary, EventType
from linly_tts.engines.espeak.speaking import Order, speak

RATE = 22_050


def whole(piece: Speech) -> float:
    raise AssertionError("a piece that nobody asked for")


@pytest.mark.parametrize("words_per_minute", [80, 175, 449])
def test_events_end_with_the_audio(library: EspeakLibrary, words_per_minute: int) -> None:
    utterance = library.synthesize(
        "Hello, my name is Bob.", "gmw/en-US", words_per_minute, pause=True, go_on=lambda _: True
    )
    assert max(event.sample for event in utterance.events) == len(utterance.samples)
    assert {event.type for event in utterance.events} == {EventType.WORD, EventType.PHONEME}


def test_a_speech_that_is_not_wanted_any_more_stops_at_once(library: EspeakLibrary) -> None:
    asked = iter([True, True])
    text = "a very long text " * 20
    cut = library.synthesize(text, "gmw/en-US", 175, pause=True, go_on=lambda _: next(asked, False))
    assert len(cut.samples) <= 0.25 * RATE
    whole = library.synthesize("Hello.", "gmw/en-US", 175, pause=False, go_on=lambda _: True)
    assert 0.3 * RATE < len(whole.samples) < 0.6 * RATE


@pytest.mark.parametrize("rate", [0.25, 0.5, 0.8, 1.25, 2, 4])
def test_the_rate_changes_the_length_and_not_the_pitch(library: EspeakLibrary, rate: float) -> None:
    def speech(at: float) -> np.ndarray:
        text = "Nobody knows how many miles we have run since we left our home in the morning"
        result = speak(library, Order(text, "gmw/en-US", at), whole)
        assert result is not None
        return result.samples

    ratio = len(speech(1)) / len(speech(rate))
    assert ratio == pytest.approx(rate, rel=0.2)

    def brightness(samples: np.ndarray) -> float:
        spectrum = np.abs(np.fft.rfft(samples)) ** 2
        return float((spectrum * np.fft.rfftfreq(len(samples), 1 / RATE)).sum() / spectrum.sum())

    assert brightness(speech(rate)) == pytest.approx(brightness(speech(1)), rel=0.35)


def test_the_first_sound_comes_without_a_wait(library: EspeakLibrary) -> None:
    for text in ('"Quoted" text.', "(In brackets) and more.", "  Hello."):
        speech = speak(library, Order(text, "gmw/en-US", 1), whole)
        assert speech is not None
        audible = np.flatnonzero(np.abs(speech.samples.astype(int)) > 200)[0]
        assert audible < 0.06 * RATE
        assert speech.words[0].offset == 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("Hello,", 0.15), ("Hello.", 0.3), ('"Hello."', 0.3), ("Hello\n", 0.3), ("Hello", 0.01)],
)
def test_a_clause_ends_with_the_pause_of_its_mark(
    library: EspeakLibrary, text: str, seconds: float
) -> None:
    speech = speak(library, Order(text, "gmw/en-US", 1), whole)
    assert speech is not None
    audible = np.flatnonzero(np.abs(speech.samples.astype(int)) > 100)[-1]
    assert (len(speech.samples) - audible) / RATE == pytest.approx(seconds, abs=0.06)


@pytest.mark.parametrize("text", ["...", "\u200b", "\ufffd", "﷽", "—"])
def test_a_text_without_a_sound_gives_no_speech(library: EspeakLibrary, text: str) -> None:
    assert speak(library, Order(text, "gmw/en-US", 1), whole) is None


def test_a_script_that_the_voice_does_not_know_is_spoken_somehow(library: EspeakLibrary) -> None:
    for text in ("你好", "สวัสดี", "Привет", "שלום"):
        assert speak(library, Order(text, "gmw/en-US", 1), whole) is not None
