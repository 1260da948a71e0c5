import numpy as np
import pytest

from linly_tts.engine import Speech, Viseme
from linly_tts.engines.espeak.alignment import visemes, words
from linly_tts.engines.espeak.ipa import visemes_of
from linly_tts.engines.espeak.library import EspeakLibrary, Event, EventType
from linly_tts.engines.espeak.speaking import Order, speak

RATE = 22_050
SENTENCES = [
    ("Bob bumped my pump, maybe on Monday.", "gmw/en-US"),
    ("Peter Piper picked a peck of pickled peppers.", "gmw/en-US"),
    ('"Dr. Smith paid $3.14 for 1,000 apples at 12:30.', "gmw/en-US"),
    ("Don't e-mail U.S. state-of-the-art 2024 stuff & more out of the blue!", "gmw/en-US"),
    ("你好世界，我很好。", "sit/cmn"),
    ("Bonjour, je m'appelle Pierre.", "roa/fr"),
    ("Die Äpfel kosten 3,50 €.", "gmw/de"),
    ("नमस्ते, आप कैसे हैं?", "inc/hi"),
    ("今日は東京へ行きます。", "jpx/ja"),
    ("مرحبا بالعالم", "sem/ar"),
]


def spoken(library: EspeakLibrary, text: str, voice: str = "gmw/en-US", rate: float = 1) -> Speech:
    speech = speak(library, Order(text, voice, rate), lambda: True)
    assert speech is not None
    return speech


@pytest.mark.parametrize("rate", [0.25, 0.7, 1, 2, 4])
@pytest.mark.parametrize(("text", "voice"), SENTENCES)
def test_visemes_cover_the_speech_without_a_gap(
    library: EspeakLibrary, text: str, voice: str, rate: float
) -> None:
    speech = spoken(library, text, voice, rate)
    at = 0
    for span in speech.visemes:
        assert span.offset == at
        assert span.duration > 0
        at += span.duration
    assert at == len(speech.samples)
    assert len({span.viseme for span in speech.visemes}) > 4


@pytest.mark.parametrize("text", ["Bob bumped my pump, maybe on Monday.", "Pop. Mum! Imbibe?"])
def test_lips_close_visibly_on_every_bilabial(library: EspeakLibrary, text: str) -> None:
    closures = [s for s in spoken(library, text).visemes if s.viseme is Viseme.PP]
    assert all(span.duration >= 0.045 * RATE for span in closures)
    assert len(closures) >= 5


@pytest.mark.parametrize("rate", [1, 4])
def test_no_bilabial_is_lost(library: EspeakLibrary, rate: float) -> None:
    utterance = library.synthesize(
        "Above a puma I buy mops.", "gmw/en-US", 175, pause=True, go_on=lambda _: True
    )
    sounds = [e.phoneme for e in utterance.events if e.phoneme]
    bilabials = sum(any(c in "pbm" for c in sound) for sound in sounds)
    speech = spoken(library, "Above a puma I buy mops.", rate=rate)
    assert sum(s.viseme is Viseme.PP for s in speech.visemes) == bilabials == 6


def test_a_closure_takes_time_from_its_neighbours_and_leaves_them_some() -> None:
    names = [("ɑ", 0), ("p", 1000), ("ɑ", 1000), ("", 3000)]
    events = [Event(EventType.PHONEME, at, 0, name) for name, at in names]
    a, lips, b, rest = visemes(events, 5000, RATE)
    assert (a.viseme, lips.viseme, b.viseme, rest.viseme) == (
        Viseme.AA,
        Viseme.PP,
        Viseme.AA,
        Viseme.SIL,
    )
    assert lips.duration == round(0.05 * RATE)
    assert a.duration >= 500
    assert b.duration >= 1000


@pytest.mark.parametrize(
    ("phoneme", "expected"),
    [
        ("p", "PP"), ("ˈoʊ", "O U"), ("aɪ", "AA I"), ("tʃ", "CH"), ("dʒ", "CH"), ("ɔːɹ", "O RR"),
        ("əl", "E NN"), ("θ", "TH"), ("v", "FF"), ("ɾ", "DD"), ("ŋ", "KK"), ("ts", "SS"),
        ("ɔ̃", "O"), ("ˈɑu", "AA U"), ("5", ""), ("ˈ", ""), ("m̩", "PP"), ("iː", "I"),
    ],
)  # fmt: skip
def test_sounds_have_the_shape_of_their_lips(phoneme: str, expected: str) -> None:
    assert " ".join(viseme.name for viseme in visemes_of(phoneme)) == expected


@pytest.mark.parametrize(("text", "voice"), SENTENCES)
def test_words_cover_what_is_spoken_in_order(library: EspeakLibrary, text: str, voice: str) -> None:
    speech = spoken(library, text, voice)
    covered: set[int] = set()
    offset = end = 0
    for word in speech.words:
        assert end <= word.start < word.end
        assert offset <= word.offset < len(speech.samples)
        assert word.offset + word.duration <= len(speech.samples)
        covered |= set(range(word.start, word.end))
        offset, end = word.offset, word.end
    assert all(i in covered for i, c in enumerate(text) if c.isalnum())


def test_words_are_those_of_the_text_also_where_it_is_read_otherwise(
    library: EspeakLibrary,
) -> None:
    text = 'So, "Dr. Smith" paid $3.14 for 1,000 e-mails  at 12:30 & don\'t ask.'
    found = [text[word.start : word.end] for word in spoken(library, text).words]
    expected = "So|Dr|Smith|paid|$3.14|for|1,000|e-mails|at|12:30|&|don't|ask"
    assert "|".join(found) == expected


def test_text_beyond_the_basic_plane_does_not_shift_positions(library: EspeakLibrary) -> None:
    text = "𝔸 𠀀 then  after this"
    found = [text[word.start : word.end] for word in spoken(library, text).words]
    assert found[-3:] == ["then", "after", "this"]


def test_chinese_words_are_the_ones_the_voice_makes(library: EspeakLibrary) -> None:
    text = "你好世界，我很好。"
    found = [text[word.start : word.end] for word in spoken(library, text, "sit/cmn").words]
    assert found == ["你好", "世", "界", "我", "很好"]


def test_vowels_are_loud_where_they_are_said_to_be(library: EspeakLibrary) -> None:
    speech = spoken(library, "Father, the car. A moon, too.")
    energy = speech.samples.astype(float) ** 2

    def loudness(*shapes: Viseme) -> float:
        spans = [s for s in speech.visemes if s.viseme in shapes]
        parts = [energy[s.offset : s.offset + s.duration] for s in spans]
        return float(np.sqrt(np.concatenate(parts).mean()))

    assert loudness(Viseme.AA, Viseme.U) > 20 * loudness(Viseme.SIL)


def test_words_of_speech_without_events_are_none() -> None:
    assert words("text", [], 100) == ()
