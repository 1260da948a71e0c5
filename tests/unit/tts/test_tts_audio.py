from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from linly_tts.audio.encoding import AudioFormat, Encoding
from linly_tts.audio.g711 import encode_alaw, encode_mulaw
from linly_tts.audio.packer import AudioChunk, ClausePacker
from linly_tts.audio.resampler import Resampler
from linly_tts.engine import Speech, Viseme, VisemeSpan, Word

EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)


def decode_mulaw(data: bytes) -> NDArray[np.int32]:
    code = ~np.frombuffer(data, np.uint8) & 0xFF
    magnitude = ((((code & 0xF).astype(np.int32) << 3) + 132) << (code >> 4 & 7)) - 132
    return np.where(code & 0x80, -magnitude, magnitude)


def decode_alaw(data: bytes) -> NDArray[np.int32]:
    code = np.frombuffer(data, np.uint8) ^ 0x55
    segment = (code >> 4 & 7).astype(np.int32)
    step = ((code & 0xF).astype(np.int32) << 4) + 8
    magnitude = np.where(segment == 0, step, (step + 256) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude)


@pytest.mark.parametrize(
    ("encode", "values"),
    [
        (encode_mulaw, {0: 0xFF, 32767: 0x80, -32768: 0x00}),
        (encode_alaw, {0: 0xD5, 32767: 0xAA, -32768: 0x2A}),
    ],
)
def test_g711_agrees_with_the_standard_at_its_ends(encode, values: dict[int, int]) -> None:
    assert list(encode(np.array(list(values), np.int16))) == list(values.values())


@pytest.mark.parametrize(
    ("encode", "decode"), [(encode_mulaw, decode_mulaw), (encode_alaw, decode_alaw)]
)
def test_g711_is_off_by_at_most_half_a_step(encode, decode) -> None:
    error = np.abs(decode(encode(EVERY_SAMPLE)) - EVERY_SAMPLE)
    step = np.maximum(np.abs(EVERY_SAMPLE.astype(np.int32)) >> 4, 16)
    # the loudest mu-law samples are clipped, by the standard
    assert (error <= np.maximum(step, 8))[500:-500].all()


def tone(frequency: float, rate: int, seconds: float = 1.0) -> NDArray[np.int16]:
    time = np.arange(int(rate * seconds)) / rate
    return np.rint(10_000 * np.sin(2 * np.pi * frequency * time)).astype(np.int16)


def resample(samples: NDArray[np.int16], source: int, target: int, piece: int) -> NDArray[np.int16]:
    resampler = Resampler(source, target)
    pieces = [resampler.process(samples[i : i + piece]) for i in range(0, len(samples), piece)]
    return np.concatenate([*pieces, resampler.finish()])


@pytest.mark.parametrize("target", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000, 12_345])
def test_a_tone_keeps_its_pitch_phase_and_loudness_at_another_rate(target: int) -> None:
    result = resample(tone(1000, 22_050), 22_050, target, piece=777)
    expected = tone(1000, target)
    assert abs(len(result) - len(expected)) <= 1
    middle = slice(200, min(len(result), len(expected)) - 200)
    noise = result[middle].astype(float) - expected[middle]
    assert np.std(expected[middle]) / max(np.std(noise), 1e-9) > 1000  # 60 dB


def test_what_the_lower_rate_can_not_carry_is_gone() -> None:
    assert np.abs(resample(tone(6000, 22_050), 22_050, 8_000, 4096)[100:-100]).max() < 20


@pytest.mark.parametrize("piece", [1, 50, 999, 5000])
def test_pieces_do_not_show_in_the_resampled_speech(piece: int) -> None:
    speech = tone(440, 22_050, 0.2)
    whole = resample(speech, 22_050, 16_000, len(speech))
    assert np.array_equal(resample(speech, 22_050, 16_000, piece), whole)
    assert len(whole) == Resampler(22_050, 16_000).length(len(speech))


def packed(speech: Speech, output: AudioFormat, position: int = 0) -> list[AudioChunk]:
    packer = ClausePacker(22_050, output, position)
    packer.add(speech)
    packer.finish()
    chunks = []
    while chunk := packer.take(0.08):
        chunks.append(chunk)
    return chunks


SPEECH = Speech(
    tone(440, 22_050, 1.0),
    tuple(Word(i, i + 1, i * 2000, 1500) for i in range(11)),
    tuple(VisemeSpan(Viseme.AA, i * 2205, 2205) for i in range(10)),
)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 48_000])
@pytest.mark.parametrize("encoding", list(Encoding))
def test_chunks_meet_and_carry_each_timing_once(rate: int, encoding: Encoding) -> None:
    chunks = packed(SPEECH, AudioFormat(encoding, rate), position=rate)
    end = 1.0
    for chunk in chunks:
        assert chunk.offset == pytest.approx(end, abs=1e-9)
        end = chunk.offset + chunk.samples / rate
        assert len(chunk.audio) == chunk.samples * (2 if encoding is Encoding.LINEAR16 else 1)
        for timed in (*chunk.words, *chunk.visemes):
            assert chunk.offset - 1e-9 <= timed.offset < end
        assert 0.02 <= chunk.samples / rate <= 0.1
    assert [w.start for c in chunks for w in c.words] == list(range(11))
    visemes = [v for c in chunks for v in c.visemes]
    assert visemes[0].offset == 1.0
    for a, b in pairwise(visemes):
        assert a.offset + a.duration == pytest.approx(b.offset, abs=1e-9)
    assert visemes[-1].offset + visemes[-1].duration == pytest.approx(end, abs=1e-9)


def test_audio_at_the_voices_own_rate_is_passed_on_bit_by_bit() -> None:
    chunks = packed(SPEECH, AudioFormat(Encoding.LINEAR16, 22_050))
    assert b"".join(chunk.audio for chunk in chunks) == SPEECH.samples.astype("<i2").tobytes()


def test_a_chunk_waits_for_its_audio() -> None:
    packer = ClausePacker(22_050, AudioFormat(Encoding.LINEAR16, 22_050), 0)
    packer.add(Speech(tone(440, 22_050, 0.05), (), ()))
    assert packer.take(0.08) is None
    packer.add(Speech(tone(440, 22_050, 0.06), (), ()))
    assert packer.take(0.08) is not None
