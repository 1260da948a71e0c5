"""The last audio of a stream: what was not listened to yet, or not recognised yet."""

from collections.abc import Iterator

import numpy as np

from linly_asr.endpointing import FRAME
from linly_asr.engine import Samples


class Backlog:
    """Audio between two readers, each with its own place; positions count samples.

    The listener reads whole frames; the engine takes what was listened to, each sample at
    most once.
    """

    def __init__(self) -> None:
        """Starts empty, at sample 0."""
        self._samples: Samples = np.empty(0, np.float32)
        self._origin = 0
        self._listened = 0
        self._start = 0

    @property
    def start(self) -> int:
        """The first sample that was neither taken nor forgotten."""
        return self._start

    @property
    def ready(self) -> int:
        """How many samples ``take`` would give."""
        return max(self._listened - self._start, 0)

    def append(self, samples: Samples) -> None:
        """Adds the next audio."""
        done = min(self._listened, self._start) - self._origin
        self._samples = np.concatenate((self._samples[done:], samples))
        self._origin += done

    def frames(self) -> Iterator[Samples]:
        """The frames to listen to, each of shape (FRAME,)."""
        while self._listened + FRAME <= self._end:
            self._listened += FRAME
            yield self._slice(self._listened - FRAME, self._listened)

    def take(self) -> Samples:
        """What was listened to, for the engine."""
        return self._take(self._listened)

    def take_all(self) -> Samples:
        """All there is, for the engine; the last frame may be incomplete."""
        return self._take(self._end)

    def forget_before(self, position: int) -> None:
        """Gives up for the engine what lies before ``position``."""
        self._start = max(self._start, position)

    @property
    def _end(self) -> int:
        return self._origin + len(self._samples)

    def _take(self, end: int) -> Samples:
        taken = self._slice(self._start, end)
        self._start = max(self._start, end)
        return taken

    def _slice(self, start: int, end: int) -> Samples:
        return self._samples[start - self._origin : max(end, start) - self._origin]
