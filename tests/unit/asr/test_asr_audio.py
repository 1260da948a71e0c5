import numpy as np
import pytest

from linly_asr.audio import AudioStream, Encoding, decode
from linly_asr.engine import Samples
from linly_asr.resampling import Resampler


def tone(rate: int, seconds: float, hertz: float = 1000.0) -> Samples:
    return np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate).astype(np.float32)


def in_pieces(samples: Samples, sizes: list[int]) -> list[Samples]:
    return np.split(samples, np.cumsum(sizes))


def test_linear16_keeps_every_value() -> None:
    values = np.array([-32768, -1, 0, 1, 32767], "<i2")
    assert (decode(values.tobytes(), Encoding.LINEAR16) * 32768).tolist() == values.tolist()


@pytest.mark.parametrize(  # ITU-T G.711, tables 1 and 2, on the 16-bit scale
    ("encoding", "code", "value"),
    [
        (Encoding.MULAW, 0x00, -32124),
        (Encoding.MULAW, 0x80, 32124),
        (Encoding.MULAW, 0x7F, 0),
        (Encoding.MULAW, 0xFF, 0),
        (Encoding.MULAW, 0xEF, 132),
        (Encoding.ALAW, 0xD5, 8),
        (Encoding.ALAW, 0x55, -8),
        (Encoding.ALAW, 0xAA, 32256),
        (Encoding.ALAW, 0x2A, -32256),
        (Encoding.ALAW, 0xC5, 264),
    ],
)
def test_g711_follows_its_tables(encoding: Encoding, code: int, value: int) -> None:
    assert decode(bytes([code]), encoding)[0] * 32768 == value


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
def test_a_tone_comes_out_at_16_khz_without_delay(rate: int) -> None:
    output = Resampler(rate).push(tone(rate, 0.5))
    assert 8000 - 40 <= len(output) <= 8000
    assert np.abs(output - tone(16_000, 0.5)[: len(output)])[100:].max() < 1e-3


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_pieces_of_any_size_sound_like_the_whole(rate: int) -> None:
    samples = tone(rate, 0.3)
    resampler = Resampler(rate)
    pieces = [resampler.push(piece) for piece in in_pieces(samples, [0, 1, 7, 160, 3, 2000])]
    np.testing.assert_allclose(np.concatenate(pieces), Resampler(rate).push(samples), atol=1e-6)


def test_what_16_khz_can_not_hold_is_silenced() -> None:
    output = Resampler(48_000).push(tone(48_000, 0.5, hertz=12_000))
    assert np.abs(output)[100:].max() < 1e-3  # its sudden start is a click with all frequencies


def test_a_long_message_comes_in_short_blocks_and_is_counted_at_its_own_rate() -> None:
    stream = AudioStream(Encoding.LINEAR16, 8000)
    blocks = list(stream.push(bytes(2 * 8000 * 3)))
    assert stream.duration == 3.0
    assert max(len(block) for block in blocks) <= 1600
    assert sum(len(block) for block in blocks) == pytest.approx(48_000, abs=64)


def test_no_audio_is_no_block() -> None:
    assert list(AudioStream(Encoding.ALAW, 8000).push(b"")) == []
