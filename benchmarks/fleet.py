"""Processes to measure, with sockets of their own, apart from any mesh that runs already."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from linly_mesh.proxy.launcher import Pids, Process, launched
from linly_mesh.proxy.readiness import GrpcHealth

STAGES = ("asr", "llm", "tts", "animator")
"""The services that run a model, in the order of the pipeline."""
_REPOSITORY = Path(__file__).parent.parent

_Target = Callable[[str], str]


class Fleet:
    """Processes that are up."""

    def __init__(self, targets: Mapping[str, str], pids: Pids) -> None:
        """Addresses and ids of processes, by their names."""
        self.targets = targets
        self.pids = pids

    def target(self, name: str) -> str:
        """Where a process answers."""
        return self.targets[name]


@asynccontextmanager
async def real_mesh() -> AsyncIterator[Fleet]:
    """The services with their embedded engines, and the orchestrator."""
    with TemporaryDirectory(prefix="talker-bench-") as folder:
        target = _sockets(folder)
        stages = [_service(name, target) for name in STAGES]
        async with _up([*stages, _orchestrator(target)], folder, target) as fleet:
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
        async with _up([*stages, _orchestrator(target), mono], folder, target) as fleet:
            yield fleet


@asynccontextmanager
async def _up(processes: Sequence[Process], folder: str, target: _Target) -> AsyncIterator[Fleet]:
    targets = {process.name: target(process.name) for process in processes}
    async with launched(processes, Path(folder)) as pids:
        yield Fleet(targets, pids)


def _sockets(folder: str) -> _Target:
    return lambda name: f"unix:{folder}/{name}.sock"


def _service(name: str, target: _Target, **settings: str) -> Process:
    command = (sys.executable, "-m", f"linly_{name}")
    listen = {f"{name.upper()}_LISTEN": target(name)}
    return Process(name, command, GrpcHealth(target(name)), listen | settings)


def _orchestrator(target: _Target) -> Process:
    stages = {f"ORCHESTRATOR_{name.upper()}_TARGET": target(name) for name in STAGES}
    return _service("orchestrator", target, **stages)


def _stub(module: str, name: str, target: _Target) -> Process:
    # the fakes of the tests are the stubs; they live beside the tests, in no package
    folders = (str(_REPOSITORY), str(_REPOSITORY / "tests"), os.environ.get("PYTHONPATH", ""))
    command = (sys.executable, "-m", module, name, target(name))
    variables = {"PYTHONPATH": os.pathsep.join(folders)}
    return Process(name, command, GrpcHealth(target(name)), variables)
