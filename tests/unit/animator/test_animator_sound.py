"""Decoding audio, and mouth shapes from audio alone."""

import numpy as np
import pytest

from linly_animator.audio import decode
from linly_animator.engines.portrait.listening import Listener
from linly_animator.engines.portrait.pose import Mouth

RATE = 16_000


def vowel(seconds: float, *formants: float) -> np.ndarray:
    """A voice of 120 Hz whose harmonics peak at some formants."""
    time = np.arange(int(seconds * RATE)) / RATE
    sound = np.zeros_like(time)
    for harmonic in np.arange(120, 4000, 120.0):
        strength = sum(1 / (1 + ((harmonic - f) / 120) ** 2) for f in formants)
        sound += strength * np.sin(2 * np.pi * harmonic * time)
    return (0.2 * sound / np.abs(sound).max()).astype(np.float32)


def heard(*parts: np.ndarray) -> Listener:
    listener = Listener(RATE)
    for chunk in np.array_split(np.concatenate(parts), 7):
        listener.hear(chunk)
    return listener


def test_linear16() -> None:
    assert decode(b"\x00\x80\x00\x40\x00\x00", "linear16").tolist() == [-1.0, 0.5, 0.0]


def test_half_a_sample_is_an_error() -> None:
    with pytest.raises(ValueError, match="3 bytes"):
        decode(b"abc", "linear16")


# Values of ITU-T G.191's reference implementation.
@pytest.mark.parametrize(
    ("encoding", "codes", "values"),
    [
        ("mulaw", b"\x00\x80\x7f\xff", [-32124, 32124, 0, 0]),
        ("alaw", b"\x2a\xaa\x55\xd5", [-32256, 32256, -8, 8]),
    ],
)
def test_g711(encoding: str, codes: bytes, values: list[int]) -> None:
    assert np.round(decode(codes, encoding) * 32768).astype(int).tolist() == values


def test_silence_is_a_closed_mouth_and_a_voice_an_open_one() -> None:
    listener = heard(np.zeros(RATE, np.float32), vowel(0.5, 750, 1200), np.zeros(RATE, np.float32))
    assert listener.mouth(0.4, 0.44) == Mouth()
    assert listener.mouth(1.2, 1.24).jaw > 0.4
    assert listener.mouth(2.0, 2.04) == Mouth()


def test_dark_vowels_round_the_lips_bright_ones_spread_them() -> None:
    dark, bright = heard(vowel(1, 320, 600)), heard(vowel(1, 320, 2300))
    assert dark.mouth(0.5, 0.54).pucker > 0.3
    assert bright.mouth(0.5, 0.54).wide > 0.2
    assert bright.mouth(0.5, 0.54).pucker < 0.1


def test_a_hiss_shows_the_teeth_through_a_small_opening() -> None:
    rng = np.random.default_rng(0)
    hiss = np.diff(rng.standard_normal(RATE + 1)).astype(np.float32) * 0.05
    mouth = heard(vowel(0.5, 750, 1200), hiss).mouth(0.9, 0.94)
    assert mouth.teeth > 0.6
    assert mouth.jaw < 0.2


def test_chunks_of_any_size_sound_the_same() -> None:
    sound = vowel(1, 750, 1200)
    whole, crumbs = Listener(RATE), Listener(RATE)
    whole.hear(sound)
    for chunk in np.split(sound, np.cumsum([1, 2, 3, 500, 7, 4000])):
        crumbs.hear(chunk)
    assert crumbs.mouth(0.5, 0.54) == whole.mouth(0.5, 0.54)


def test_a_whisper_of_noise_is_not_speech() -> None:
    rng = np.random.default_rng(0)
    assert heard((rng.standard_normal(RATE) * 0.003).astype(np.float32)).mouth(0.5, 0.54) == Mouth()
