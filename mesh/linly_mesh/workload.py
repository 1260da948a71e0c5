"""An engine's own count of its work."""

import threading
from asyncio import CancelledError
from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

_State = Literal["queued", "active", "finished", "cancelled", "failed"]


@dataclass(frozen=True, slots=True)
class WorkloadSnapshot:
    """The counters at one moment."""

    active: int
    """Units that the model works on."""
    queued: int
    """Units that wait for the model."""
    started_total: int
    """Units ever taken."""
    finished_total: int
    """Units that came to their own end."""
    cancelled_total: int
    """Units that were cancelled."""
    failed_total: int
    """Units that failed."""

    @property
    def idle(self) -> bool:
        """Nothing runs and nothing waits."""
        return self.active == 0 and self.queued == 0


class Workload:
    """Counts units of work through their states. May be used from any thread."""

    def __init__(self) -> None:
        """Starts with nothing counted."""
        self._lock = threading.Lock()
        self._counts: Counter[_State] = Counter()
        self._started = 0

    def unit(self) -> "Unit":
        """Takes a new unit, which waits until its ``begin()``."""
        with self._lock:
            self._started += 1
            self._counts["queued"] += 1
        return Unit(self)

    def snapshot(self) -> WorkloadSnapshot:
        """The counters now, consistent with each other."""
        with self._lock:
            counts = self._counts
            return WorkloadSnapshot(
                active=counts["active"],
                queued=counts["queued"],
                started_total=self._started,
                finished_total=counts["finished"],
                cancelled_total=counts["cancelled"],
                failed_total=counts["failed"],
            )

    def _move(self, unit: "Unit", state: _State) -> None:
        with self._lock:
            if unit._state in ("finished", "cancelled", "failed"):
                return  # the first end counts; a cancel may race with the natural end
            self._counts[unit._state] -= 1
            self._counts[state] += 1
            unit._state = state


class Unit:
    """One unit of work; as a context manager it ends by the way the block is left."""

    def __init__(self, workload: Workload) -> None:
        """Made by ``Workload.unit``."""
        self._workload = workload
        self._state: _State = "queued"

    def begin(self) -> None:
        """The model takes the unit up."""
        self._workload._move(self, "active")

    def finish(self) -> None:
        """The unit came to its own end."""
        self._workload._move(self, "finished")

    def cancel(self) -> None:
        """The unit was cancelled."""
        self._workload._move(self, "cancelled")

    def fail(self) -> None:
        """The unit failed."""
        self._workload._move(self, "failed")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
        elif issubclass(kind, CancelledError | GeneratorExit):
            self.cancel()
        else:
            self.fail()
