"""A clause in the hands of its stream: when it was due, and what became of it."""

import time

from linly_mesh.timing import Timing
from linly_mesh.workload import Unit
from linly_tts.script import PendingClause


class ClauseWork:
    """One clause from its turn to its end.

    It is a unit of work once the engine is asked for it, and not while it stands behind another
    clause of its stream, or waits until the caller wants it: more replicas would not speak it any
    sooner, and who waits for its own listener is not slow.
    """

    def __init__(self, pending: PendingClause) -> None:
        """It is its turn."""
        self.text = pending.clause.text
        self.segment_id = pending.segment_id
        self.start = pending.clause.start
        self.dropped = False
        """Nobody wants to hear it any more."""
        self._received = pending.received
        self._due = self._received
        self._begun: float | None = None
        self._unit: Unit | None = None

    def ask(self, unit: Unit, free: float) -> Unit:
        """The engine is asked for it, and its stream could have done so since ``free``."""
        self._unit = unit
        self._due = max(self._received, free)
        if self.dropped:
            unit.cancel()
        return unit

    def begin(self) -> None:
        """The engine takes it up."""
        self._begun = time.monotonic()
        if self._unit is not None:
            self._unit.begin()

    def drop(self) -> None:
        """Nobody wants to hear it any more."""
        self.dropped = True
        if self._unit is not None:
            self._unit.cancel()

    def timing(self) -> Timing:
        """Where its time went, if its first output is there now."""
        now = time.monotonic()
        if self._begun is None:
            return Timing(first_output=now - self._due)
        return Timing(self._begun - self._due, now - self._begun, now - self._due)
