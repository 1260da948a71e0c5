"""What one stream's face does from frame to frame, so that nothing ever jumps."""

from __future__ import annotations

from linly_animator.engines.portrait.life import Life
from linly_animator.engines.portrait.pose import REST, Mouth, Pose
from linly_animator.engines.portrait.speech import Speech
from linly_animator.engines.portrait.visemes import eased

_EASING = 0.16
"""Seconds in which the mouth leaves what it did before."""
_FOLLOW = 6.0
"""Per second: how fast the head takes up and gives up the emphasis of a voice."""


class Performance:
    """Poses in the order in which they will be shown.

    The head lives on through speech and silence; the mouth eases from whatever it last
    showed. A cancelled speech is taken back to the frame that its viewer has seen.
    """

    def __init__(self, seed: int, frame_rate: int) -> None:
        self._life = Life(seed)
        self._step = 1 / frame_rate
        self._time = 0.0
        self._emphasis = 0.0
        self._last = REST
        self._origin = REST.mouth
        self._since = 0.0
        self._began = 0.0

    def begin(self) -> None:
        """A new speech or idle phase begins."""
        self._origin = self._last.mouth
        self._since = 0.0
        self._began = self._time

    def speak(self, speech: Speech, frame: int) -> Pose:
        """The pose of the next frame of a speech."""
        return self._next(speech.mouth(frame), speech.emphasis(frame))

    def rest(self) -> Pose:
        """The pose of the next frame without speech."""
        return self._next(REST.mouth, 0.0)

    def take_back(self, speech: Speech, shown: int) -> None:
        """Returns to the `shown`-th frame of a speech: what was made beyond it is not seen."""
        if 0 < shown < speech.made:
            self._time = self._began + shown * self._step
            self._last = Pose(speech.mouth(shown - 1), self._last.head)

    def skip(self, frames: int) -> None:
        """Lives on through frames that are not made."""
        self._time += frames * self._step
        self._since += frames * self._step

    def _next(self, target: Mouth, emphasis: float) -> Pose:
        self._emphasis += (emphasis - self._emphasis) * min(1.0, _FOLLOW * self._step)
        left = max(0.0, 1 - (self._since + self._step) / _EASING)
        mouth = eased(target, self._origin, left * left)
        pose = Pose(mouth, self._life.head(self._time, self._emphasis))
        self._time += self._step
        self._since += self._step
        self._last = pose
        return pose
