"""What a memory trace finds in its own process, and how it ends."""

import subprocess
import sys
import threading
import tracemalloc

import pytest

from linly_mesh.telemetry.memory import MemoryTrace, NoTraceError, TraceRunningError
from linly_mesh.telemetry.memory_lines import shortened
from linly_mesh.telemetry.memory_processes import name_of

SIZE, NUMBER = 50_000, 40
GROWS = """
import sys
kept = []
print(flush=True)
for line in sys.stdin:
    kept.append(bytearray(b"x" * int(line)))
    print(flush=True)
"""


class Clock:
    """Timers that run out when they are told to."""

    def __init__(self) -> None:
        self.timers = []

    def __call__(self, seconds, action):
        timer = Timer(seconds, action)
        self.timers.append(timer)
        return timer


class Timer:
    def __init__(self, seconds, run_out) -> None:
        self.seconds, self.run_out = seconds, run_out
        self.started = self.cancelled = False

    def start(self) -> None:
        self.started = True

    def cancel(self) -> None:
        self.cancelled = True


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def trace(clock):
    trace = MemoryTrace(clock)
    yield trace
    trace.stop()
    assert not tracemalloc.is_tracing()


def leak(kept: list) -> None:
    kept += [bytes(SIZE) for _ in range(NUMBER)]


LEAK = leak.__code__.co_firstlineno + 1


def test_nothing_is_traced_before_the_start_and_after_the_stop(trace, clock):
    assert not tracemalloc.is_tracing()
    trace.start(1, 60)
    assert tracemalloc.is_tracing()
    trace.stop()
    assert not tracemalloc.is_tracing()
    assert clock.timers[0].cancelled
    with pytest.raises(NoTraceError):
        trace.growth(1)


def test_the_line_that_holds_on_is_first_whatever_thread_runs_it(trace):
    kept = []
    trace.start(1, 60)
    threads = [threading.Thread(target=leak, args=(kept,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first = trace.growth(1).allocations[0]
    assert first.frames[0].file.endswith("telemetry/test_memory.py")
    assert first.frames[0].line == LEAK
    assert first.size_diff >= 4 * NUMBER * SIZE
    kept.clear()
    assert all(each.size_diff < SIZE for each in trace.growth(20).allocations)


def test_the_callers_follow_the_line_that_allocated(trace):
    kept = []
    trace.start(3, 60)
    leak(kept)
    frames = trace.growth(1).allocations[0].frames
    assert frames[0].line == LEAK
    assert test_the_callers_follow_the_line_that_allocated.__code__.co_firstlineno + 3 in {
        frame.line for frame in frames[1:]
    }


def test_there_is_one_trace_in_a_process(trace):
    trace.start(1, 60)
    for other in (trace, MemoryTrace()):
        with pytest.raises(TraceRunningError):
            other.start(1, 60)


def test_a_trace_of_somebody_else_is_left_alone(trace):
    tracemalloc.start()
    try:
        with pytest.raises(TraceRunningError):
            trace.start(1, 60)
        trace.stop()
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_a_forgotten_trace_ends_when_its_time_is_up(trace, clock):
    trace.start(1, 60)
    (timer,) = clock.timers
    assert (timer.seconds, timer.started, timer.daemon) == (60, True, True)
    timer.run_out()
    assert not tracemalloc.is_tracing()


def test_a_timer_that_comes_too_late_does_not_end_the_next_trace(trace, clock):
    trace.start(1, 60)
    trace.stop()
    trace.start(1, 60)
    clock.timers[0].run_out()
    assert tracemalloc.is_tracing()
    clock.timers[1].run_out()
    assert not tracemalloc.is_tracing()


def test_tensors_are_counted_by_shape_and_their_storages_once(trace):
    import torch

    trace.start(1, 60)
    whole = [torch.ones(7, 1031) for _ in range(3)]
    rows = [torch.empty(0).set_(each.untyped_storage(), 0, (1031,), (1,)) for each in whole]
    found = {
        (each.likeness.device, each.likeness.dtype, each.likeness.shape): each
        for each in trace.growth(100).tensors
    }
    owner, view = found["cpu", "float32", (7, 1031)], found["cpu", "float32", (1031,)]
    assert (owner.count_diff, owner.size_diff) == (3, 3 * 7 * 1031 * 4)
    assert (view.count_diff, view.size_diff) == (3, 0)
    del whole, owner, view, found
    left = {each.likeness.shape: each for each in trace.growth(100).tensors}
    assert (7, 1031) not in left
    assert left[1031,].size_diff == 3 * 7 * 1031 * 4  # rows keep all of it alive
    assert len(rows) == 3


def test_a_worker_that_grows_is_before_the_one_that_does_not(trace):
    pipe = subprocess.PIPE
    command = (sys.executable, "-c", GROWS)
    with (
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as grows,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as rests,
    ):
        for worker in (grows, rests):
            worker.stdout.readline()
        trace.start(1, 60)
        grows.stdin.write(f"{64 << 20}\n")
        grows.stdin.flush()
        grows.stdout.readline()
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as late:
            late.stdout.readline()
            found = trace.growth(100).processes
    assert (found[0].usage.main, found[0].started) == (False, False)
    assert found[0].rss_diff >= 64 << 20
    others = [each for each in found[1:] if not each.usage.main]
    assert [each.started for each in others].count(True) == 1
    assert all(each.rss_diff < 64 << 20 for each in others)


@pytest.mark.parametrize(
    ("program", "command", "name"),
    [
        ("python3.11", ["python", "-B", "-m", "linly_tts", "secret"], "linly_tts"),
        ("python", ["python", "-X", "dev", "/a/b/worker.py", "--key=secret"], "worker.py"),
        ("python", ["python", "-c", "import secret"], "python"),
        ("python", ["python", "-c", "from multiprocessing.spawn import x; x(1)"],
         "multiprocessing.spawn"),
        ("python", ["python"], "python"),
        ("espeak-ng", ["espeak-ng", "secret words"], "espeak-ng"),
    ],
)  # fmt: skip
def test_a_process_is_named_without_its_arguments(program, command, name):
    assert name_of(program, command) == name


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("/v/lib/site-packages/torch/nn/a.py", "torch/nn/a.py"),
        ("/v/lib/asyncio/tasks.py", "asyncio/tasks.py"),
        ("/home/somebody/code/app/b.py", "app/b.py"),
        ("<frozen importlib._bootstrap>", "<frozen importlib._bootstrap>"),
    ],
)
def test_a_file_is_named_relative_to_its_package(file, name):
    assert shortened(file, ["", "/v/lib", "/v/lib/site-packages"]) == name
