"""What a recogniser has been given, and when each part of it reached this process."""

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass

from linly.asr.v1 import asr_pb2
from linly_orchestrator import clock

_REMEMBERED = 4096
"""Arrival times kept: 80 s of 20 ms chunks, more than a recogniser takes to notice an end."""
_UNHEARD = 25
"""Messages kept for the next recogniser: half a second of 20 ms chunks."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message for the recogniser and when its cause reached this process."""

    request: asr_pb2.StreamingRecognizeRequest
    when: float

    @property
    def is_flush(self) -> bool:
        """Whether it asks to finish; else it is audio."""
        return self.request.HasField("flush")


class Arrivals:
    """What one call was given: maps offsets in its audio to the clock of this process."""

    def __init__(self, bytes_per_second: int) -> None:
        """For audio of that data rate."""
        self._rate = bytes_per_second
        self._received = 0
        self._ends: deque[float] = deque(maxlen=_REMEMBERED)
        self._times: deque[float] = deque(maxlen=_REMEMBERED)
        self._flushes: deque[float] = deque()
        self._unheard: deque[tuple[float, Arrival]] = deque(maxlen=_UNHEARD)

    @property
    def offset(self) -> float:
        """Seconds of audio given so far."""
        return self._received / self._rate

    @property
    def flush(self) -> float | None:
        """When the oldest flush arrived that has not been answered."""
        return self._flushes[0] if self._flushes else None

    def record(self, arrival: Arrival) -> None:
        """The recogniser is given another message."""
        if arrival.is_flush:
            self._flushes.append(arrival.when)
        else:
            self._received += len(arrival.request.audio)
            self._ends.append(self.offset)
            self._times.append(arrival.when)
        self._unheard.append((self.offset, arrival))

    def at(self, offset: float) -> float:
        """When the audio at ``offset`` seconds arrived."""
        if not self._times:
            return clock.now()
        index = bisect_left(self._ends, offset)
        return self._times[min(index, len(self._times) - 1)]

    def heard(self, offset: float) -> None:
        """The recogniser has made all it will of the audio before ``offset`` seconds."""
        while self._unheard and self._unheard[0][0] <= offset and not self._unheard[0][1].is_flush:
            self._unheard.popleft()

    def flush_answered(self) -> float:
        """The oldest flush was answered; returns when it had arrived."""
        while self._unheard and not self._unheard.popleft()[1].is_flush:
            pass
        return self._flushes.popleft() if self._flushes else clock.now()

    def unheard(self) -> list[Arrival]:
        """The end of what was given, as far as it may not have been taken up."""
        return [arrival for _, arrival in self._unheard]
