import asyncio
import wave

import pytest

from linly_client.wav import AudioFileError, Wav, WavWriter, read_wav


def write(path, *, rate=16000, channels=1, width=2, data=b"\1\0" * 1600):
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(data)
    return path


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_mono_is_read_as_it_is(tmp_path, rate):
    wav = read_wav(write(tmp_path / "a.wav", rate=rate))
    assert wav == Wav(rate, b"\1\0" * 1600)
    assert wav.duration == 1600 / rate


def test_stereo_is_mixed_down_without_changing_its_length(tmp_path):
    left, right = (1000).to_bytes(2, "little"), (3000).to_bytes(2, "little")
    wav = read_wav(write(tmp_path / "a.wav", channels=2, data=(left + right) * 4410))
    samples = memoryview(wav.pcm).cast("h").tolist()
    assert len(samples) == 4410
    assert set(samples) == {2000}


@pytest.mark.parametrize(
    ("shape", "complaint"),
    [
        ({"width": 1}, "8-bit samples; 16-bit are needed"),
        ({"width": 3, "data": bytes(300)}, "24-bit samples"),
        ({"channels": 6, "data": bytes(120)}, "6 channels"),
        ({"rate": 4000}, "4000 Hz; 8000 to 48000 Hz are needed"),
        ({"rate": 96000}, "96000 Hz"),
        ({"data": b""}, "holds no audio"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path, shape, complaint):
    with pytest.raises(AudioFileError, match=complaint):
        read_wav(write(tmp_path / "a.wav", **shape))


@pytest.mark.parametrize("content", [b"", b"RIFF", b"\x89PNG\r\n\x1a\n" * 20])
def test_what_is_no_wav_is_said(tmp_path, content):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(AudioFileError, match=r"a\.wav: not a PCM WAV file"):
        read_wav(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AudioFileError, match=r"b\.wav: No such file"):
        read_wav(tmp_path / "b.wav")


def test_a_file_that_was_cut_off_mid_sample_keeps_whole_samples(tmp_path):
    path = write(tmp_path / "a.wav")
    path.write_bytes(path.read_bytes()[:-101])
    assert len(read_wav(path).pcm) == 3098


def test_chunks_are_whole_samples_and_lose_nothing():
    wav = Wav(11025, bytes(range(256)) * 10)
    chunks = list(wav.chunks(0.02))
    assert b"".join(chunks) == wav.pcm
    assert all(len(chunk) % 2 == 0 for chunk in chunks)


async def test_speech_is_not_ahead_of_time():
    clock = asyncio.get_running_loop().time
    start = clock()
    times = [clock() - start async for _ in Wav(8000, bytes(1600)).as_spoken()]
    assert len(times) == 5
    assert all(time >= 0.02 * n - 0.005 for n, time in enumerate(times, start=1))


def test_what_is_written_is_read_again(tmp_path):
    writer = WavWriter(tmp_path / "o.wav", 22050)
    writer.audio(b"\1\0\2\0")
    writer.audio(b"\3\0")
    writer.close()
    assert read_wav(tmp_path / "o.wav") == Wav(22050, b"\1\0\2\0\3\0")
