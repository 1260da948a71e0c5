"""Where a running process grows: lines of Python, tensors of torch, worker processes.

Off and free until a trace is started. tracemalloc is one for the whole process, so there is one
trace at a time, whoever asks.
"""

import threading
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from linly_mesh.telemetry import memory_lines, memory_processes, memory_tensors

LONGEST = 3600.0
"""Seconds that a trace may run."""
DEEPEST = 25
"""Frames that may be kept per allocation."""
_LOCK = threading.Lock()


class TraceRunningError(Exception):
    """There is a trace already."""


class NoTraceError(Exception):
    """No trace runs, or it has ended meanwhile."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What has grown since a trace began; each list holds the largest growth first."""

    elapsed: float
    """Seconds since the baseline."""
    traced: int
    """Bytes that Python has allocated since and not freed."""
    overhead: int
    """Bytes that the trace itself takes."""
    allocations: list[memory_lines.AllocationGrowth]
    """By line, or by traceback."""
    tensors: list[memory_tensors.TensorGrowth]
    """All that are alive."""
    processes: list[memory_processes.ProcessGrowth]
    """This process and its workers."""


@dataclass(frozen=True, eq=False)
class _Baseline:
    begin: float
    tensors: dict[memory_tensors.Likeness, memory_tensors.Held]
    processes: dict[Any, memory_processes.Usage]


class MemoryTrace:
    """Starts, reads and ends the trace of this process. Every method may take long: use a thread.

    A trace that is forgotten ends by itself.
    """

    def __init__(
        self,
        timer: Callable[[float, Callable[[], None]], threading.Timer] = threading.Timer,
    ) -> None:
        """``timer`` calls a function after so many seconds, unless it is cancelled."""
        self._new_timer = timer
        self._timer: threading.Timer | None = None
        self._baseline: _Baseline | None = None

    def start(self, traceback_limit: int, ttl: float) -> None:
        """Takes the baseline and begins to trace.

        Args:
            traceback_limit: frames kept per allocation, 1 to ``DEEPEST``.
            ttl: seconds after which the trace ends by itself.

        Raises:
            TraceRunningError: also if somebody else uses tracemalloc in this process.
        """
        with _LOCK:
            if tracemalloc.is_tracing():
                raise TraceRunningError
            self._forget()
            tensors, processes = memory_tensors.living(), memory_processes.usages()
            baseline = _Baseline(time.monotonic(), tensors, processes)
            self._timer = self._new_timer(ttl, lambda: self._end(baseline))
            self._timer.daemon = True  # a process that is told to stop doesn't wait for it
            self._timer.start()  # first: nothing is traced that nobody would end
            self._baseline = baseline
            tracemalloc.start(traceback_limit)

    def growth(self, top: int) -> Growth:
        """What has grown since the baseline, ``top`` of each kind.

        Raises:
            NoTraceError: there is no baseline.
        """
        with _LOCK:
            baseline = self._baseline
            if baseline is None or not tracemalloc.is_tracing():
                raise NoTraceError
            traced, _ = tracemalloc.get_traced_memory()
            return Growth(
                elapsed=time.monotonic() - baseline.begin,
                traced=traced,
                overhead=tracemalloc.get_tracemalloc_memory(),
                allocations=memory_lines.largest(top),
                tensors=memory_tensors.grown(baseline.tensors, memory_tensors.living(), top),
                processes=memory_processes.grown(
                    baseline.processes, memory_processes.usages(), top
                ),
            )

    def stop(self) -> None:
        """Ends the trace that was started here, if one runs."""
        self._end(None)

    def _end(self, only: _Baseline | None) -> None:
        """Ends the trace; by a timer only its own one, since another may run by now."""
        with _LOCK:
            if self._baseline is not None and only in (None, self._baseline):
                tracemalloc.stop()
                self._forget()

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._baseline = None
