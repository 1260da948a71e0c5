"""A mesh of a test's own: the shipped policy at addresses that nobody else uses."""

import contextlib
import itertools
import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

SHIPPED = Path(__file__).parents[1] / "mesh"


def own_source(folder: Path) -> Path:
    """Policy and manifests, to be read instead of the shipped ones."""
    source = folder / "mesh"
    for part in ("policy", "kubernetes"):
        shutil.copytree(SHIPPED / part, source / part)
    table = source / "policy" / "addresses.toml"
    table.write_text(table.read_text().replace("127.0.1.", f"{free_network()}."))
    return source


def own_environment(folder: Path) -> Mapping[str, str]:
    """For commands and processes: sockets, identities and addresses apart from all others."""
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    return {
        **os.environ,
        "COLUMNS": "80",
        "XDG_RUNTIME_DIR": str(runtime),
        "MESH_IDENTITY_FOLDER": str(folder / "identity"),
        "MESH_SOURCE": str(own_source(folder)),
    }


def free_network() -> str:
    """The first three bytes of loopback addresses at which nobody listens; never twice the same."""
    for number in _networks:
        network = f"127.{64 + number // 256 % 64}.{number % 256}"
        with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
            probe.bind((f"{network}.11", 50051))  # the first in the table
            return network
    raise AssertionError("not reached: the networks are counted without end")


_networks = itertools.count(os.getpid() * 16)  # other test runs on this machine begin elsewhere
