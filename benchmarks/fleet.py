"""Processes to measure, with sockets of their own, apart from any mesh that runs already."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from linly_mesh.proxy.launcher import Process, launched

STAGES = ("asr", "llm", "tts", "animator")
"""The services that run a model, in the order of the pipeline."""
_REPOSITORY = Path(__file__).parent.parent

_Target = Callable[[str], str]


class Fleet:
    """Processes that are up."""

    def __init__(self, processes: Sequence[Process]) -> None:
        """Finds the processes among this one's children."""
        self.targets = {process.name: process.target for process in processes}
        started = {tuple(child.cmdline()): child.pid for child in psutil.Process().children()}
        self.pids = {process.name: started[tuple(process.command)] for process in processes}

    def target(self, name: str) -> str:
        """Where a process answers."""
        return self.targets[name]


@asynccontextmanager
async def real_mesh() -> AsyncIterator[Fleet]:
    """The services with their embedded engines, and the orchestrator."""
    with TemporaryDirectory(prefix="talker-bench-") as folder:
        target = _sockets(folder)
        stages = [_service(name, target) for name in STAGES]
        async with _up([*stages, _orchestrator(target)], folder) as fleet:
            yield fleet


@asynccontextmanager
async def stub_mesh() -> AsyncIterator[Fleet]:
    """The orchestrator before stages that only sleep, and ``mono``, the same in one process.

    What the stages cost is set by ``STUB_…`` in the environment, see ``benchmarks.work``.
    """
    with TemporaryDirectory(prefix="talker-bench-") as folder:
        target = _sockets(folder)
        stages = [_stub("benchmarks.stub_stage", name, target) for name in STAGES]
        mono = _stub("benchmarks.stub_mono", "mono", target)
        async with _up([*stages, _orchestrator(target), mono], folder) as fleet:
            yield fleet


@asynccontextmanager
async def _up(processes: Sequence[Process], folder: str) -> AsyncIterator[Fleet]:
    async with launched(processes, Path(folder)):
        yield Fleet(processes)


def _sockets(folder: str) -> _Target:
    return lambda name: f"unix:{folder}/{name}.sock"


def _service(name: str, target: _Target, **settings: str) -> Process:
    command = (sys.executable, "-m", f"linly_{name}")
    listen = {f"{name.upper()}_LISTEN": target(name)}
    return Process(name, command, target(name), listen | settings)


def _orchestrator(target: _Target) -> Process:
    stages = {f"ORCHESTRATOR_{name.upper()}_TARGET": target(name) for name in STAGES}
    return _service("orchestrator", target, **stages)


def _stub(module: str, name: str, target: _Target) -> Process:
    # the fakes of the tests are the stubs; they live beside the tests, in no package
    folders = (str(_REPOSITORY), str(_REPOSITORY / "tests"), os.environ.get("PYTHONPATH", ""))
    command = (sys.executable, "-m", module, name, target(name))
    return Process(name, command, target(name), {"PYTHONPATH": os.pathsep.join(folders)})
