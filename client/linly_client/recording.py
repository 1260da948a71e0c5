"""A talk on one timeline, as a file: MP4 with the portrait, or WAV with the voice alone."""

from pathlib import Path
from types import TracebackType
from typing import Protocol

from linly_client.events import Audio, Event, Frame, Frames, TalkStarted
from linly_client.mp4 import Mp4Writer
from linly_client.wav import WavWriter

SUFFIXES = (".mp4", ".wav")


class RecordingError(Exception):
    """A talk can't be recorded; the message says why, in one line."""


class _Writer(Protocol):
    def audio(self, pcm: bytes) -> None: ...
    def frame(self, frame: Frame, at: float) -> None: ...
    def close(self) -> None: ...


class Recording:
    """Takes the events of a talk and writes what is heard and seen.

    Audio is the clock: within a turn the stream's own offsets hold, and each turn begins where
    the last one ended. The file appears under its name when the block is left without an
    exception; before that nothing that was there is touched.
    """

    def __init__(self, path: Path) -> None:
        """Prepares to write ``path``.

        Raises:
            RecordingError: the suffix is not of a known format, or the folder does not exist.
        """
        if path.suffix.lower() not in SUFFIXES:
            raise RecordingError(f"{path}: the name must end in {' or '.join(SUFFIXES)}")
        if not path.parent.is_dir():
            raise RecordingError(f"{path.parent}: no such folder")
        self._path = path
        self._part = path.with_name(f".{path.name}.part")
        self._writer: _Writer | None = None
        self._sample_rate = 0
        self._samples = 0
        self._turn_id: str | None = None
        self._turn_start = 0.0
        self._end = 0.0

    @property
    def duration(self) -> float:
        """Seconds recorded so far."""
        return self._end

    def add(self, event: Event) -> None:
        """Takes the next event of the talk; idle frames are left out."""
        match event:
            case TalkStarted():
                self._open(event)
            case Audio():
                self._enter(event.turn_id)
                self._add_audio(event)
            case Frames() if event.turn_id:
                self._enter(event.turn_id)
                for frame in event.frames:
                    self._add_frame(frame)
            case _:
                pass

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._writer is not None:
                self._writer.close()
            if kind is None and self._end > 0:
                self._part.replace(self._path)
        finally:
            self._part.unlink(missing_ok=True)

    def _open(self, started: TalkStarted) -> None:
        if started.sample_rate is None:
            raise RecordingError("the server sends no audio, so there is no clock to record by")
        self._sample_rate = started.sample_rate
        if self._path.suffix.lower() == ".wav":
            self._writer = WavWriter(self._part, started.sample_rate)
        else:
            self._writer = Mp4Writer(self._part, started.sample_rate, video=bool(started.codec))

    def _enter(self, turn_id: str) -> None:
        if turn_id != self._turn_id:
            self._turn_id, self._turn_start = turn_id, self._end

    def _add_audio(self, audio: Audio) -> None:
        assert self._writer is not None  # TalkStarted is the first event
        begin = round((self._turn_start + audio.offset) * self._sample_rate)
        silence = bytes(2 * max(0, begin - self._samples))
        self._writer.audio(silence + audio.data)
        self._samples += (len(silence) + len(audio.data)) // 2
        self._end = max(self._end, self._samples / self._sample_rate)

    def _add_frame(self, frame: Frame) -> None:
        assert self._writer is not None  # TalkStarted is the first event
        at = self._turn_start + frame.offset
        self._writer.frame(frame, at)
        self._end = max(self._end, at + frame.duration)
