"""Each service installs alone in an empty environment, and answers there.

What pip is given is a copy of the service's folder with the two that it builds on beside it, so
that nothing else of the repository can be reached. The four install at the same time.
"""

import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from .one_request import animate, generate, recognise, synthesise

ROOT = Path(__file__).parents[2]
SERVICES = {
    "tts": ("espeak", synthesise),
    "animator": ("portrait", animate),
    "asr": ("pocketsphinx", recognise),
    "llm": ("transformers", generate),
}
pytestmark = [pytest.mark.last, pytest.mark.timeout(300)]


def install(service: str, engine: str, folder: Path) -> Path:
    """Makes an environment with the service alone; returns its Python."""
    unneeded = shutil.ignore_patterns("generated", "__pycache__")
    for part in ("protos", "mesh", f"services/{service}"):
        shutil.copytree(ROOT / part, folder / "tree" / part, ignore=unneeded)
    python = folder / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python]
    # Most of what is installed is never imported: compiling it all would take half the time.
    options = ["--quiet", "--no-compile", "-c", ROOT / "requirements" / "constraints.txt"]
    for command in (
        [sys.executable, "-m", "venv", "--without-pip", folder / "venv"],
        [*pip, "install", *options, f"{folder}/tree/services/{service}[{engine}]"],
        [*pip, "check"],
    ):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return python


@pytest.fixture(scope="module")
def environments() -> Iterator[dict[str, Future[Path]]]:
    with (
        tempfile.TemporaryDirectory(prefix="standalone-") as folder,
        ThreadPoolExecutor(len(SERVICES)) as pool,
    ):
        yield {
            service: pool.submit(install, service, engine, Path(folder) / service)
            for service, (engine, _) in SERVICES.items()
        }


@contextmanager
def running(service: str, python: Path, folder: Path) -> Iterator[grpc.Channel]:
    """The service as a process that knows nothing of this one's environment."""
    listen = f"unix:{folder}/{service}.sock"
    kept = {name: os.environ[name] for name in ("HOME", "LINLY_CACHE") if name in os.environ}
    process = subprocess.Popen(
        [python, "-m", f"linly_{service}"],
        cwd=folder,
        env={**kept, f"{service.upper()}_LISTEN": listen, f"{service.upper()}_METRICS_LISTEN": ""},
    )
    try:
        with grpc.insecure_channel(listen) as channel:
            while not serves(service, channel):
                assert process.poll() is None, f"ended with status {process.returncode}"
            yield channel
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def serves(service: str, channel: grpc.Channel) -> bool:
    request = health_pb2.HealthCheckRequest(service=full_name(service))
    stub = health_pb2_grpc.HealthStub(channel)
    try:
        answer = stub.Check(request, wait_for_ready=True, timeout=1)
    except grpc.RpcError:
        return False
    return answer.status == health_pb2.HealthCheckResponse.SERVING


def full_name(service: str) -> str:
    return f"linly.{service}.v1.{service.capitalize()}Service"


def reflected(channel: grpc.Channel) -> set[str]:
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    (answer,) = stub.ServerReflectionInfo(iter([asked]), timeout=10)
    return {found.name for found in answer.list_services_response.service}


def described(service: str, channel: grpc.Channel) -> Any:
    messages = importlib.import_module(f"linly.{service}.v1.{service}_pb2")
    stubs = importlib.import_module(f"linly.{service}.v1.{service}_pb2_grpc")
    stub = getattr(stubs, f"{service.capitalize()}ServiceStub")(channel)
    return stub.GetCapabilities(messages.GetCapabilitiesRequest(), timeout=10).service


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_alone_answers(service, environments, tmp_path):
    engine, ask = SERVICES[service]
    python = environments[service].result()
    with running(service, python, tmp_path) as channel:
        assert full_name(service) in reflected(channel)
        itself = described(service, channel)
        assert (itself.name, itself.engine) == (service, engine)
        ask(channel)
