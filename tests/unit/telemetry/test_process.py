"""What a process takes of its machine, its workers counted in."""

import gc
import subprocess
import sys
import time

import pytest
from prometheus_client import CollectorRegistry

from linly_mesh.telemetry.process import ProcessCollector

HUNGRY = """
held = bytearray(64 << 20)
held[::4096] = b"1" * (16 << 10)
print("full", flush=True)
input()
"""
BUSY = "print('begun', flush=True)\nwhile True: pass"


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(ProcessCollector("asr"))
    return registry


@pytest.fixture
def worker():
    started = []

    def start(code: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(process)
        process.stdout.readline()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_workers_memory_is_the_services(registry, worker):
    before = registry.get_sample_value("linly_talker_memory_allocated_bytes", {"model": "asr"})
    workers = registry.get_sample_value("linly_talker_worker_processes", {"model": "asr"})
    worker(HUNGRY)
    after = registry.get_sample_value("linly_talker_memory_allocated_bytes", {"model": "asr"})
    assert after - before > 60 << 20
    assert (
        registry.get_sample_value("linly_talker_worker_processes", {"model": "asr"}) == workers + 1
    )


def test_a_workers_time_is_the_services(registry, worker):
    def others() -> float:
        return registry.get_sample_value("process_cpu_seconds_total") - time.process_time()

    before = others()
    worker(BUSY)
    while others() < before + 0.2:
        time.sleep(0.05)
    time.sleep(0.2)  # a share of a core since the last look
    assert registry.get_sample_value("linly_talker_cpu_usage_percent", {"model": "asr"}) > 20


def test_a_worker_that_has_gone_is_no_error(registry, worker):
    process = worker(HUNGRY)
    assert registry.get_sample_value("process_resident_memory_bytes") > 0
    process.kill()
    process.wait()
    assert registry.get_sample_value("process_resident_memory_bytes") > 0


def test_open_files_are_counted(registry, tmp_path):
    before = registry.get_sample_value("process_open_fds")
    with (tmp_path / "a").open("w"), (tmp_path / "b").open("w"):
        assert registry.get_sample_value("process_open_fds") == before + 2


def test_collections_of_garbage_are_counted(registry):
    before = registry.get_sample_value("python_gc_collections_total", {"generation": "2"})
    gc.collect()
    after = registry.get_sample_value("python_gc_collections_total", {"generation": "2"})
    assert after == before + 1
