"""WAV files: questions in, replies out."""

import asyncio
import wave
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import av

from linly_client.events import Frame

_MIN_RATE, _MAX_RATE = 8000, 48000


class AudioFileError(Exception):
    """An audio file can't be used; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Wav:
    """A piece of speech."""

    sample_rate: int
    """Samples per second."""
    pcm: bytes
    """Signed 16-bit little-endian mono PCM."""

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.pcm) / 2 / self.sample_rate

    def chunks(self, seconds: float) -> Iterator[bytes]:
        """The audio in pieces of ``seconds``; the last may be shorter."""
        size = 2 * round(seconds * self.sample_rate)
        for start in range(0, len(self.pcm), size):
            yield self.pcm[start : start + size]

    async def as_spoken(self, seconds: float = 0.02) -> AsyncIterator[bytes]:
        """The same pieces, each no earlier than a microphone would have it."""
        clock = asyncio.get_running_loop().time
        start = clock()
        for index, chunk in enumerate(self.chunks(seconds), start=1):
            await asyncio.sleep(start + index * seconds - clock())
            yield chunk


def read_wav(path: Path) -> Wav:
    """Reads 16-bit PCM, mono or stereo, 8 to 48 kHz; stereo is mixed down.

    Raises:
        AudioFileError: the file is missing, broken or of another kind.
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            pcm = file.readframes(file.getnframes())
    except OSError as error:
        raise AudioFileError(f"{path}: {error.strerror or error}") from None
    except (wave.Error, EOFError) as error:
        raise AudioFileError(f"{path}: not a PCM WAV file ({error or 'it is cut off'})") from None
    if width != 2:
        raise AudioFileError(f"{path}: {8 * width}-bit samples; 16-bit are needed")
    if channels not in (1, 2):
        raise AudioFileError(f"{path}: {channels} channels; one or two are needed")
    if not _MIN_RATE <= rate <= _MAX_RATE:
        raise AudioFileError(f"{path}: {rate} Hz; {_MIN_RATE} to {_MAX_RATE} Hz are needed")
    pcm = pcm[: len(pcm) // (2 * channels) * 2 * channels]  # a cut-off file ends mid-sample
    if not pcm:
        raise AudioFileError(f"{path}: holds no audio")
    return Wav(rate, pcm if channels == 1 else _mono(pcm, rate))


class WavWriter:
    """Writes the reply's audio; video is not for this file."""

    def __init__(self, path: Path, sample_rate: int) -> None:
        """Creates the file; OSError if that can't be done."""
        self._file = wave.open(str(path), "wb")  # noqa: SIM115  # closed by close()
        self._file.setparams((1, 2, sample_rate, 0, "NONE", ""))

    def audio(self, pcm: bytes) -> None:
        """Appends 16-bit mono PCM."""
        self._file.writeframes(pcm)

    def frame(self, frame: Frame, at: float) -> None:
        """Leaves the frame out."""

    def close(self) -> None:
        """Completes the file."""
        self._file.close()


def _mono(pcm: bytes, rate: int) -> bytes:
    frame = av.AudioFrame(format="s16", layout="stereo", samples=len(pcm) // 4)
    frame.rate = rate
    frame.planes[0].update(pcm)
    mixer = av.AudioResampler(format="s16", layout="mono", rate=rate)
    mixed = [*mixer.resample(frame), *mixer.resample(None)]
    return b"".join(bytes(f.planes[0])[: 2 * f.samples] for f in mixed)
