"""One world for all tests: the shipped policy at addresses of its own."""

import tempfile
from pathlib import Path

import pytest
from integration.policy.proxies import own_world


@pytest.fixture(scope="session")
def world():
    # Not tmp_path: a socket's path has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="mesh-") as name:
        yield own_world(Path(name))
