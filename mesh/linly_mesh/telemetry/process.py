"""What this process takes of its machine, with the workers that it has started.

All of it is read when it is scraped, and never while a call is served.
"""

import gc
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from linly_mesh.telemetry.catalogue import Audience, Family, Kind

MEMORY = Family(
    "linly_talker_memory_allocated_bytes",
    Kind.GAUGE,
    Audience.RESOURCE,
    "Resident memory of the service and its worker processes.",
    ("model",),
)
CPU_PERCENT = Family(
    "linly_talker_cpu_usage_percent",
    Kind.GAUGE,
    Audience.RESOURCE,
    "Time on a core since the last scrape, in percent of one core, workers included.",
    ("model",),
)
CPU_SECONDS = Family(
    "process_cpu_seconds_total",
    Kind.COUNTER,
    Audience.RESOURCE,
    "Time on a core, user and system, of the process and its workers that run.",
)
RESIDENT = Family(
    "process_resident_memory_bytes",
    Kind.GAUGE,
    Audience.RESOURCE,
    "Resident memory of the process and its workers.",
)
START = Family(
    "process_start_time_seconds",
    Kind.GAUGE,
    Audience.RESOURCE,
    "When the process started, in seconds since 1970.",
)
OPEN_FILES = Family(
    "process_open_fds",
    Kind.GAUGE,
    Audience.RESOURCE,
    "Open file descriptors of the process and its workers.",
)
THREADS = Family(
    "process_threads",
    Kind.GAUGE,
    Audience.RESOURCE,
    "Threads of the process and its workers.",
)
WORKERS = Family(
    "linly_talker_worker_processes",
    Kind.GAUGE,
    Audience.RESOURCE,
    "Worker processes that the service has started and that run.",
    ("model",),
)
COLLECTIONS = Family(
    "python_gc_collections_total",
    Kind.COUNTER,
    Audience.RESOURCE,
    "Runs of Python's garbage collector, by generation.",
    ("generation",),
)
FAMILIES = (
    MEMORY,
    CPU_PERCENT,
    CPU_SECONDS,
    RESIDENT,
    START,
    OPEN_FILES,
    THREADS,
    WORKERS,
    COLLECTIONS,
)


class ProcessCollector(Collector):
    """Sums over the process and all that it has started."""

    def __init__(self, model: str) -> None:
        """``model`` is the stage's name."""
        self._model = model
        self._own = psutil.Process()
        # A process remembers its last reading, so that each one's share since then is known.
        self._known: dict[int, psutil.Process] = {self._own.pid: self._own}
        self._own.cpu_percent()

    def collect(self) -> Iterable[Metric]:
        """Reads the kernel's accounts."""
        percent = cpu = 0.0
        memory = files = threads = 0
        running = self._processes()
        for process in running:
            with suppress(psutil.Error), process.oneshot():  # one that has just ended
                times = process.cpu_times()
                memory += process.memory_info().rss
                percent += process.cpu_percent()
                cpu += times.user + times.system
                files += process.num_fds()
                threads += process.num_threads()
        yield _gauge(MEMORY, memory, self._model)
        yield _gauge(CPU_PERCENT, percent, self._model)
        yield _gauge(WORKERS, len(running) - 1, self._model)
        seconds = CounterMetricFamily(CPU_SECONDS.name, CPU_SECONDS.help)
        seconds.add_metric((), cpu)
        yield seconds
        yield _gauge(RESIDENT, memory)
        yield _gauge(START, self._own.create_time())
        yield _gauge(OPEN_FILES, files)
        yield _gauge(THREADS, threads)
        collections = CounterMetricFamily(
            COLLECTIONS.name, COLLECTIONS.help, labels=COLLECTIONS.labels
        )
        for generation, counted in enumerate(gc.get_stats()):
            collections.add_metric((str(generation),), counted["collections"])
        yield collections

    def _processes(self) -> list[psutil.Process]:
        found = {self._own.pid: self._own}
        for pid in _descendants(self._own.pid):
            with suppress(psutil.Error):  # it has just ended
                found[pid] = self._known.get(pid) or psutil.Process(pid)
        self._known = found
        return list(found.values())


def _descendants(pid: int) -> Iterable[int]:
    """Those that a process has started, and those that these have.

    Linux lists them by thread; elsewhere all processes of the machine are looked at.
    """
    threads = Path(f"/proc/{pid}/task")
    if not threads.is_dir():
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    found: list[int] = []
    with suppress(OSError):
        for thread in threads.iterdir():
            for child in map(int, (thread / "children").read_text().split()):
                found += (child, *_descendants(child))
    return found


def _gauge(family: Family, value: float, *labels: str) -> GaugeMetricFamily:
    metric = GaugeMetricFamily(family.name, family.help, labels=family.labels)
    metric.add_metric(labels, value)
    return metric
