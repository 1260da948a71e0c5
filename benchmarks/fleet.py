"""Processes to measure, with sockets of their own, apart from any mesh that runs already."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from linly_mesh.identity.rotation import Rotation
from linly_mesh.identity.settings import IdentitySettings
from linly_mesh.proxy.launcher import Pids, Process, launched
from linly_mesh.proxy.local import LocalMesh
from linly_mesh.proxy.policy.reader import read_mesh
from linly_mesh.proxy.readiness import GrpcHealth
from linly_mesh.proxy.workload import workload
from linly_mesh.rpc.target import Target
from tests.own_mesh import own_source

STAGES = ("asr", "llm", "tts", "animator")
"""The services that run a model, in the order of the pipeline."""
SERVICES = (*STAGES, "orchestrator")
"""All that a talk runs through."""
CLIENT = "client"
"""Who calls, where that has to be proved."""
_REPOSITORY = Path(__file__).parent.parent


class Fleet:
    """Processes that are up."""

    def __init__(
        self, pids: Pids, target: Callable[[str], str | Target], metrics: str = ""
    ) -> None:
        """Made by what starts them."""
        self.pids = pids
        self.target = target
        """Where a process answers, by its name."""
        self.metrics = metrics
        """The socket of the orchestrator's ``/metrics``; empty: nowhere."""


@asynccontextmanager
async def real_mesh() -> AsyncIterator[Fleet]:
    """The services with their embedded engines, and the orchestrator; no proxies between."""
    with TemporaryDirectory(prefix="talker-bench-") as folder:
        target = _sockets(folder)
        processes = [_service(name, target(name)) for name in STAGES]
        processes.append(_orchestrator(target("orchestrator"), target))
        async with launched(processes, Path(folder)) as pids:
            yield Fleet(pids, target)


@asynccontextmanager
async def stub_mesh() -> AsyncIterator[Fleet]:
    """The orchestrator before stages that only sleep, and ``mono``, the same in one process.

    What the stages cost is set by ``STUB_…`` in the environment, see ``benchmarks.work``.
    """
    with TemporaryDirectory(prefix="talker-bench-") as folder:
        target = _sockets(folder)
        processes = [_stub("benchmarks.stub_stage", name, target(name)) for name in STAGES]
        processes.append(_stub("benchmarks.stub_mono", "mono", target("mono")))
        metrics = f"{folder}/metrics.sock"
        processes.append(_orchestrator(target("orchestrator"), target, f"unix:{metrics}"))
        async with launched(processes, Path(folder)) as pids:
            yield Fleet(pids, target, metrics)


@asynccontextmanager
async def local_mesh() -> AsyncIterator[LocalMesh]:
    """Policy, identities and addresses for processes behind proxies."""
    with TemporaryDirectory(prefix="talker-bench-") as name:
        folder = Path(name)
        source = own_source(folder)
        mesh = read_mesh(source / "policy", source / "kubernetes")
        identity = IdentitySettings(identity_folder=folder / "identity")
        local = LocalMesh(mesh, identity, folder)
        async with Rotation([local.svid(name) for name in SERVICES]).running():
            yield local


@asynccontextmanager
async def proxied_stub_mesh() -> AsyncIterator[Fleet]:
    """As ``stub_mesh``, each process behind a proxy of its own; without ``mono``."""
    async with local_mesh() as local:
        processes = [process for name in SERVICES for process in _behind_proxy(local, name)]
        async with launched(processes, local.runtime) as pids:
            yield Fleet(pids, lambda name: local.target(name, CLIENT))


def _behind_proxy(local: LocalMesh, name: str) -> tuple[Process, Process]:
    address = local.listen(name, "grpc")
    if name == "orchestrator":
        plain = _orchestrator(address, lambda stage: local.upstream(name, stage))
        return workload(local, name, plain.command, plain.environment, STAGES)
    plain = _stub("benchmarks.stub_stage", name, address)
    return workload(local, name, plain.command, plain.environment)


def _sockets(folder: str) -> Callable[[str], str]:
    return lambda name: f"unix:{folder}/{name}.sock"


def _service(name: str, address: str, settings: Mapping[str, str] | None = None) -> Process:
    command = (sys.executable, "-m", f"linly_{name}")
    prefix = name.upper()
    listen = {f"{prefix}_LISTEN": address, f"{prefix}_METRICS_LISTEN": ""}
    return Process(name, command, GrpcHealth(address), listen | dict(settings or {}))


def _orchestrator(address: str, stage_address: Callable[[str], str], metrics: str = "") -> Process:
    stages = {f"ORCHESTRATOR_{name.upper()}_TARGET": stage_address(name) for name in STAGES}
    return _service("orchestrator", address, stages | {"ORCHESTRATOR_METRICS_LISTEN": metrics})


def _stub(module: str, name: str, address: str) -> Process:
    # the fakes of the tests are the stubs; they live beside the tests, in no package
    folders = (str(_REPOSITORY), str(_REPOSITORY / "tests"), os.environ.get("PYTHONPATH", ""))
    command = (sys.executable, "-m", module, name, address)
    environment = {"PYTHONPATH": os.pathsep.join(folders)}
    return Process(name, command, GrpcHealth(address), environment)
