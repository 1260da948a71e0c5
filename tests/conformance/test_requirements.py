"""The pinned versions are the ones that run here, and allow what each package asks for."""

import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECTS = sorted([*ROOT.glob("*/pyproject.toml"), *ROOT.glob("services/*/pyproject.toml")])
TORCHS_OWN = ("nvidia-", "cuda-", "triton")  # of its CUDA build, which pins them itself


def read(path: Path) -> Iterator[Requirement]:
    for line in path.read_text().splitlines():
        text = line.partition(" #")[0].strip()
        if text and not text.startswith("#"):
            yield Requirement(text)


TOOLS = [
    *read(ROOT / "requirements" / "build.txt"),
    *read(ROOT / "requirements" / "dev.txt"),
]


def pins() -> dict[str, str]:
    """Name → version, of this Python."""
    return {
        canonicalize_name(pin.name): next(iter(pin.specifier)).version
        for pin in read(ROOT / "requirements" / "constraints.txt")
        if pin.marker is None or pin.marker.evaluate()
    }


def third_party(project: Path) -> Iterator[Requirement]:
    """What a package of ours asks for, engines included."""
    description = tomllib.loads(project.read_text())
    declared = description["project"]
    extras = declared.get("optional-dependencies", {}).values()
    texts = [
        *description["build-system"]["requires"],
        *declared["dependencies"],
        *(text for extra in extras for text in extra),
    ]
    for requirement in (Requirement(text) for text in texts if "{root" not in text):
        if requirement.marker is None or requirement.marker.evaluate():
            yield requirement


def needed() -> dict[str, str]:
    """Name → installed version, of all that our packages and tools drag in."""
    waiting = [
        *TOOLS,
        *(requirement for project in PROJECTS for requirement in third_party(project)),
    ]
    seen: set[str] = set()
    versions: dict[str, str] = {}
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if str(requirement) in seen or name.startswith(TORCHS_OWN):
            continue
        seen.add(str(requirement))
        try:
            found = distribution(name)
        except PackageNotFoundError:  # of another engine, which nobody installed here
            continue
        versions[name] = Version(found.version).public
        for child in map(Requirement, found.requires or ()):
            wanted = requirement.extras or {""}
            if child.marker is None or any(child.marker.evaluate({"extra": e}) for e in wanted):
                waiting.append(child)
    return versions


def test_what_is_installed_is_pinned():
    pinned = pins()
    drifted = {name: found for name, found in needed().items() if pinned.get(name) != found}
    assert not drifted


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.parent.name)
def test_the_pins_satisfy_each_package(project):
    pinned = pins()
    refused = [
        str(requirement)
        for requirement in third_party(project)
        if not requirement.specifier.contains(pinned[canonicalize_name(requirement.name)])
    ]
    assert not refused


def test_every_tool_is_pinned():
    assert {canonicalize_name(tool.name) for tool in TOOLS} <= pins().keys()
