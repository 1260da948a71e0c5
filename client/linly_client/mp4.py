"""H.264 as it came and AAC, in an MP4 file that browsers play."""

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from linly_client.events import Frame

_VIDEO_CLOCK = 90_000
_AAC_RATES = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000})


class Mp4Writer:
    """Muxes one H.264 and one AAC stream; the index stands in front of the media.

    Pictures are not encoded again. The container must know both streams before the first
    packet, and what the video is like stands in its first key frame: audio waits for it.
    """

    def __init__(self, path: Path, sample_rate: int, *, video: bool) -> None:
        """Creates the file.

        Args:
            path: where; any name.
            sample_rate: of the PCM that will come.
            video: whether frames will come.

        Raises:
            OSError: the file can't be created.
        """
        self._file = av.open(str(path), "w", format="mp4", options={"movflags": "faststart"})
        self._rate = sample_rate
        self._awaits_video = video
        self._held_audio: list[bytes] = []
        self._video: Any = None
        self._audio: Any = None
        self._resampler: Any = None
        self._samples = 0

    def audio(self, pcm: bytes) -> None:
        """Appends 16-bit mono PCM."""
        if self._awaits_video:
            self._held_audio.append(pcm)
        elif pcm:
            self._encode(pcm)

    def frame(self, frame: Frame, at: float) -> None:
        """Adds an access unit (Annex B) that is shown ``at`` seconds from the beginning."""
        if self._awaits_video:
            if not frame.key_frame:
                return  # nothing can be decoded yet
            self._open_streams(frame.data)
        packet = av.Packet(frame.data)
        packet.stream = self._video
        packet.time_base = Fraction(1, _VIDEO_CLOCK)
        packet.pts = packet.dts = round(at * _VIDEO_CLOCK)  # live streams have no B-frames
        packet.duration = round(frame.duration * _VIDEO_CLOCK)
        packet.is_keyframe = frame.key_frame
        self._file.mux(packet)

    def close(self) -> None:
        """Completes the file."""
        if self._held_audio:
            self._open_streams(None)
        if self._audio is not None:
            for resampled in self._resampler.resample(None):
                self._file.mux(self._audio.encode(resampled))
            self._file.mux(self._audio.encode(None))
        self._file.close()

    def _open_streams(self, key_frame: bytes | None) -> None:
        self._awaits_video = False
        if key_frame is not None:
            with av.open(io.BytesIO(key_frame), format="h264") as parsed:
                self._video = self._file.add_stream_from_template(parsed.streams.video[0])
            self._video.time_base = Fraction(1, _VIDEO_CLOCK)
        self._open_audio()
        held, self._held_audio = b"".join(self._held_audio), []
        if held:
            self._encode(held)

    def _open_audio(self) -> None:
        rate = self._rate if self._rate in _AAC_RATES else 48_000
        self._audio = self._file.add_stream("aac", rate=rate, layout="mono")
        self._resampler = av.AudioResampler(format=self._audio.format, layout="mono", rate=rate)

    def _encode(self, pcm: bytes) -> None:
        if self._audio is None:
            self._open_audio()
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // 2)
        frame.planes[0].update(pcm)
        frame.rate = self._rate
        frame.time_base = Fraction(1, self._rate)
        frame.pts = self._samples
        self._samples += frame.samples
        for resampled in self._resampler.resample(frame):
            self._file.mux(self._audio.encode(resampled))
