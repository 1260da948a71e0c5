"""One world for all tests: the shipped policy at addresses of its own."""

import shutil
import tempfile
from pathlib import Path

import pytest
from integration.policy.proxies import World
from own_mesh import free_network

from linly_mesh.identity.authority import Authority
from linly_mesh.proxy.policy.reader import read_mesh

SHIPPED = Path(__file__).parents[3] / "mesh"


@pytest.fixture(scope="session")
def world():
    # Not tmp_path: a socket's path has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="mesh-") as name:
        folder = Path(name)
        shutil.copytree(SHIPPED / "policy", folder / "policy")
        table = folder / "policy" / "addresses.toml"
        table.write_text(table.read_text().replace("127.0.1", free_network()))
        mesh = read_mesh(folder / "policy", SHIPPED / "kubernetes")
        yield World(mesh, folder, Authority(folder / "authority"))
