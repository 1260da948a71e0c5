"""Envoy takes every configuration that the compiler writes."""

import subprocess

import pytest
from integration.policy.proxies import ENVOY
from unit.policy import meshes

from linly_mesh.proxy.envoy.bootstrap import configure
from linly_mesh.proxy.policy.shipped import read_shipped_mesh

SHIPPED = read_shipped_mesh()


def validate(mesh, name, world):
    files = world.files(f"check-{name}", name)
    configure(mesh, name, files).write(files)
    return subprocess.run(
        [ENVOY, "--mode", "validate", "--log-level", "warning", "-c", files.bootstrap],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", SHIPPED.workloads)
def test_the_shipped_configuration_is_valid(world, name):
    done = validate(SHIPPED, name, world)
    assert done.returncode == 0, done.stderr
    assert "OK" in done.stdout


@pytest.mark.parametrize("name", ["asr", "orchestrator"])
def test_a_configuration_of_everything_that_is_supported_is_valid(world, tmp_path, name):
    meshes.write(tmp_path, meshes.complete())
    done = validate(meshes.read(tmp_path), name, world)
    assert done.returncode == 0, done.stderr


def test_what_envoy_does_not_know_is_not_valid(world):
    """Else the tests above would prove nothing."""
    files = world.files("check-broken", "asr")
    files.configuration.mkdir()
    files.bootstrap.write_text("static_resources: {listenerz: []}\n")
    command = [ENVOY, "--mode", "validate", "-c", files.bootstrap]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
