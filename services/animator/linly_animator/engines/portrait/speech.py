"""One speech on its way from sound to frames."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from threading import Lock

from linly_animator.engine import SpeechChunk
from linly_animator.engines.portrait.listening import Listener
from linly_animator.engines.portrait.pose import Mouth
from linly_animator.engines.portrait.visemes import Articulation
from linly_mesh.workload import Unit

LOOK_AHEAD = 0.06
"""Seconds of speech beyond a frame that are awaited, so that the mouth can anticipate."""
_MURMUR = 0.6
"""How far the jaw opens in the quietest sound, of what it does in the loudest."""
_EPSILON = 1e-9


class Speech:
    """What is known of a speech, and which of its frames can be made."""

    def __init__(self, speech_id: str, sample_rate: int, frame_rate: int, unit: Unit) -> None:
        """`unit` counts the speech in the service's workload."""
        self.speech_id = speech_id
        self.unit = unit
        self.made = 0
        """Frames made so far."""
        self.ended = False
        """No more sound comes."""
        self.cancelled = False
        self._sample_rate = sample_rate
        self._frame_rate = frame_rate
        self._wanted_from = 0
        self._samples = 0
        self._listener = Listener(sample_rate)
        self._articulation = Articulation()
        self._arrivals: deque[tuple[int, float]] = deque()
        # Sound is heard and frames are made on threads of their own.
        self._lock = Lock()

    def hear(self, chunk: SpeechChunk, arrived: float) -> None:
        """Takes the next chunk, which came in at `arrived` (monotonic seconds)."""
        with self._lock:
            before = self.due
            self._articulation.add(chunk.visemes)
            self._listener.hear(chunk.samples)
            self._samples += len(chunk.samples)
            if self.due > before:
                self._arrivals.append((before, arrived))

    @property
    def duration(self) -> float:
        """Seconds of sound received."""
        return self._samples / self._sample_rate

    @property
    def due(self) -> int:
        """How many frames the sound received so far is enough for."""
        if self.ended:
            return math.ceil(self.duration * self._frame_rate - _EPSILON)
        return max(0, math.floor((self.duration - LOOK_AHEAD) * self._frame_rate + _EPSILON))

    @property
    def complete(self) -> bool:
        """Every frame has been made."""
        return self.ended and self.made >= self.due

    @property
    def ahead(self) -> float:
        """Seconds of sound received for which no frame has been made."""
        return self.duration - self.made / self._frame_rate

    def skip_to(self, offset: float) -> None:
        """Frames before `offset` seconds are not wanted any more."""
        self._wanted_from = max(self._wanted_from, math.ceil(offset * self._frame_rate - _EPSILON))

    def pass_over(self) -> int:
        """Leaves out frames that are due and not wanted; returns how many."""
        passed = max(0, min(self._wanted_from, self.due) - self.made)
        self.made += passed
        return passed

    def next_batch(self, largest: int) -> tuple[int, float | None]:
        """How many frames go out together next, and when the chunk came that they begin.

        A batch never spans two chunks, so that each chunk's time can be told; the first
        frame of a speech goes alone, because someone waits for it.
        """
        arrived = None
        with self._lock:
            while self._arrivals and self._arrivals[0][0] <= self.made:
                arrived = self._arrivals.popleft()[1]
            until = self._arrivals[0][0] if self._arrivals else self.due
        return min(until - self.made, largest if self.made else 1), arrived

    def mouth(self, frame: int) -> Mouth:
        """The mouth of one frame."""
        start, end = frame / self._frame_rate, (frame + 1) / self._frame_rate
        with self._lock:
            if not self._articulation:
                return self._listener.mouth(start, end)
            mouth = self._articulation.mouth(start, end)
            # Loud syllables open the mouth further than murmured ones.
            force = _MURMUR + (1 - _MURMUR) * self._listener.level(start, end)
            return replace(mouth, jaw=mouth.jaw * force)

    def emphasis(self, frame: int) -> float:
        """How much the head follows the voice in one frame, 0 to 1."""
        end = (frame + 1) / self._frame_rate
        with self._lock:
            return self._listener.level(max(end - 0.3, 0.0), end)
