"""A whole mesh of real processes with the embedded engines."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from own_mesh import own_environment

from linly_mesh.identity.settings import IdentitySettings
from linly_mesh.proxy.local import LocalMesh
from linly_mesh.proxy.policy.reader import read_mesh
from linly_mesh.rpc.target import Target

ROOT = Path(__file__).resolve().parents[2]
QUESTIONS = ROOT / "tests" / "data" / "questions"
STAGES = ("asr", "llm", "tts", "animator")
SHORT_REPLIES = {"LLM_DEFAULT_MAX_NEW_TOKENS": "24"}
"""A reply is spoken in real time, and nobody listens to what it says."""
TALKER = Path(sys.executable).with_name("talker")


class Mesh:
    """Workloads that are started and stopped one by one, each behind its proxy."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.environment = {**own_environment(folder), **settings}
        self.folder = Path(self.environment["XDG_RUNTIME_DIR"]) / "linly-talker"
        source = Path(self.environment["MESH_SOURCE"])
        identity = IdentitySettings(identity_folder=self.environment["MESH_IDENTITY_FOLDER"])
        mesh = read_mesh(source / "policy", source / "kubernetes")
        self.local = LocalMesh(mesh, identity, self.folder)
        self._running: dict[str, subprocess.Popen] = {}

    def target(self, service: str, caller: str = "client") -> Target:
        return self.local.target(service, caller)

    def talker(self, *arguments: str, timeout: float = 90) -> subprocess.CompletedProcess:
        """Runs a command to its end."""
        return subprocess.run(
            [TALKER, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def open(self, *arguments: str) -> subprocess.Popen:
        """Starts a command that is written to and read from while it runs."""
        return subprocess.Popen(
            [TALKER, *arguments],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def start(self, *services: str, timeout: float = 60) -> None:
        for service in services:
            self._running[service] = self.open("up", "--only", service)
        deadline = time.monotonic() + timeout
        for service in services:
            self.wait_serving(service, deadline)

    def wait_serving(self, service: str, deadline: float) -> None:
        while service not in self.serving():
            ended = self._running[service].poll()
            assert ended is None, self._running[service].stdout.read()
            assert time.monotonic() < deadline, f"{service} did not start"
            time.sleep(0.1)

    def serving(self) -> set[str]:
        return {
            service
            for service in (*STAGES, "orchestrator")
            if self.socket(service).exists() and self._healthy(service)
        }

    def socket(self, service: str) -> Path:
        """Of the application itself, behind its proxy."""
        return self.folder / service / "grpc.sock"

    def _healthy(self, service: str) -> bool:
        import grpc
        from grpc_health.v1 import health_pb2, health_pb2_grpc

        with grpc.insecure_channel(f"unix:{self.socket(service)}") as channel:
            try:
                answer = health_pb2_grpc.HealthStub(channel).Check(
                    health_pb2.HealthCheckRequest(), timeout=1
                )
            except grpc.RpcError:
                return False
        return answer.status == health_pb2.HealthCheckResponse.SERVING

    def signal(self, service: str) -> None:
        """Tells a service to stop, and does not wait for it."""
        self._running[service].send_signal(signal.SIGTERM)

    def stop(self, *services: str) -> None:
        for service in services:
            self.signal(service)
        for service in services:
            self._running.pop(service).communicate(timeout=60)

    def restart(self, service: str) -> None:
        self.stop(service)
        self.start(service)

    def stop_all(self) -> None:
        self.stop(*self._running)


@contextmanager
def running_mesh(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Mesh]:
    """All workloads; ``settings`` are added to their environment."""
    mesh = Mesh(folder, settings or {})
    try:
        mesh.start(*STAGES, "orchestrator")
        yield mesh
    finally:
        mesh.stop_all()


@pytest.fixture(scope="package")
def mesh(tmp_path_factory) -> Iterator[Mesh]:
    """One for all: who stops a service starts it again."""
    with running_mesh(tmp_path_factory.mktemp("m"), SHORT_REPLIES) as mesh:
        yield mesh
