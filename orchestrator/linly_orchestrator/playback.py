"""How far the reply has been played: the clock that paces everything."""

import asyncio
import math
from collections.abc import Callable

from linly.talk.v1 import talk_pb2
from linly_orchestrator import clock

_PRECISION = 0.002
"""Seconds by which playback may fall short of the end: players round, and so do timers."""
_REPORTS = talk_pb2.PLAYBACK_MODE_CLIENT_REPORTS
_SENT = talk_pb2.PLAYBACK_MODE_SENT
_REAL_TIME = talk_pb2.PLAYBACK_MODE_REAL_TIME


class PlaybackStalledError(Exception):
    """The client promised reports of its playback and stopped sending them."""


class Playback:
    """The playback of one turn's speech. Times in seconds from the start of the speech."""

    def __init__(
        self,
        mode: "talk_pb2.PlaybackMode",
        max_lead: float,
        report_limit: float,
        *,
        reads_reported: bool = False,
    ) -> None:
        """Output may be ``max_lead`` ahead of what is played.

        Args:
            mode: what is known of playback.
            max_lead: seconds.
            report_limit: seconds after which a client that promised reports and sends none
                is taken to have stopped playing.
            reads_reported: whether the client says how far it has read; otherwise it has read
                what was sent.
        """
        self._mode = mode or _REAL_TIME
        self._lead = math.inf if mode == _SENT else max_lead
        self._report_limit = report_limit
        self._started: float | None = None
        self._reported = 0.0
        self._sent = 0.0
        self._read = 0.0
        self._reads_reported = reads_reported
        self._changed = asyncio.Event()

    @property
    def real_time(self) -> bool:
        """Whether playback goes by the clock."""
        return self._mode == _REAL_TIME

    @property
    def sent(self) -> float:
        """Audio sent so far."""
        return self._sent

    @property
    def passed_on(self) -> float:
        """Audio that the client has taken, as far as is known."""
        return min(self._read, self._sent) if self._reads_reported else self._sent

    @property
    def played(self) -> float:
        """Audio played so far, never more than was sent."""
        if self._mode == _SENT:
            return self._sent
        if self._mode == _REPORTS:
            return min(self._reported, self._sent)
        return min(self.clock, self._sent)

    @property
    def clock(self) -> float:
        """Where a player is that plays in real time, as if what was sent never ran out."""
        return 0.0 if self._started is None else clock.now() - self._started

    def is_end(self, played: float) -> bool:
        """Whether ``played`` is all that was sent."""
        return played >= self._sent - _PRECISION

    def audio_sent(self, until: float) -> None:
        """Audio has been sent up to there."""
        if self._started is None:
            self._started = clock.now()
        elif self.clock > self._sent:  # the player had run dry; it resumes where it stopped
            self._started = clock.now() - self._sent
        self._sent = max(self._sent, until)
        self._wake()

    def report(self, until: float) -> None:
        """The client says that it has played up to there."""
        self._reported = max(self._reported, until)
        self._wake()

    def read(self, until: float) -> None:
        """The client says that it has read up to there."""
        self._read = max(self._read, until)
        self._wake()

    def reports_over(self) -> None:
        """The client can't report any more: from where it is, it is taken to read and play on."""
        if self._reads_reported:
            self._reads_reported = False
            self._wake()
        if self._mode == _REPORTS:
            if self._started is not None:
                self._started = clock.now() - self.played
            self._mode = _REAL_TIME
            self._wake()

    async def due(self, until: float) -> None:
        """Waits until output that ends there may be sent; the first output always may."""
        if self._started is None or self._lead == math.inf:
            return
        await self._until(until - self._lead)

    async def covered(self, offset: float, all_sent: Callable[[], bool]) -> None:
        """Waits until audio has been sent beyond ``offset``, or all there is."""
        while self._sent <= offset and not all_sent():
            await self._changed.wait()

    async def passed_beyond(self, offset: float) -> None:
        """Waits until the client has taken audio up to ``offset``."""
        while self.passed_on < offset:
            await self._changed.wait()

    async def finished(self) -> None:
        """Waits until everything sent has been played."""
        if self._mode != _SENT and self._started is not None:
            await self._until(self._sent)

    def all_sent(self) -> None:
        """No more audio will be sent."""
        self._wake()

    async def _until(self, played: float) -> None:
        while self._mode == _REPORTS and self._reported < played - _PRECISION:
            try:
                async with asyncio.timeout(self._report_limit):
                    await self._changed.wait()
            except TimeoutError:
                raise PlaybackStalledError from None
        if self._mode == _REAL_TIME and (wait := played - self.clock) > 0:
            await asyncio.sleep(wait)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
