"""What processes use, as the kernel counts it; a process stands for all that it started."""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a process and its workers."""

    rss: float
    """MiB in memory; pages that several share are counted for each."""
    pss: float
    """MiB in memory; of shared pages only the share."""


def tree(pid: int) -> list[int]:
    """The process and its descendants."""
    return [pid, *descendants(pid)]


def descendants(pid: int) -> list[int]:
    """All that the process started and that still runs."""
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def cpu_seconds(pid: int) -> float:
    """Time on a core of all threads that are alive."""
    nanoseconds = 0
    for schedstat in _threads(pid, "schedstat"):
        with suppress(OSError):  # a thread that has just ended
            nanoseconds += int(schedstat.read_text().split()[0])
    return nanoseconds / 1e9


def memory(pid: int) -> Memory:
    """Memory now. Reads every mapping, which takes milliseconds."""
    found = [psutil.Process(each).memory_full_info() for each in tree(pid)]
    return Memory(sum(f.rss for f in found) / MIB, sum(f.pss for f in found) / MIB)


def pin(pid: int, cores: set[int]) -> None:
    """Lets all threads there are, and those that they start, run on these cores alone."""
    for task in _threads(pid, ""):
        with suppress(ProcessLookupError):
            os.sched_setaffinity(int(task.name), cores)


def freeze(pids: list[int]) -> None:
    """Stops processes where they are."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)


def thaw(pids: list[int]) -> None:
    """Lets them go on."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def _threads(pid: int, file: str) -> list[Path]:
    return [task / file for each in tree(pid) for task in Path(f"/proc/{each}/task").iterdir()]
