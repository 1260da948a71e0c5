"""Files that change as one."""

import os
import subprocess
import sys
import threading

import pytest

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.volume import Volume

NAMES = ("a", "b", "c")
SWAPS = 2000


@pytest.fixture
def volume(tmp_path):
    return Volume(tmp_path / "volume")


def write(volume, **files):
    with volume.locked():
        volume.write({name: content.encode() for name, content in files.items()})


def test_what_was_written_is_read(volume):
    write(volume, a="1", b="2")

    assert volume.read(NAMES) == {"a": b"1", "b": b"2"}
    assert (volume.folder / "a").read_text() == "1"


def test_a_missing_folder_is_empty_and_stays_missing(volume):
    assert volume.read(NAMES) == {}
    assert not volume.folder.exists()


def test_a_file_that_is_not_written_again_is_gone(volume):
    write(volume, a="1", b="2")
    write(volume, a="3")

    assert volume.read(NAMES) == {"a": b"3"}
    assert not os.path.lexists(volume.folder / "b")


def test_nothing_of_an_older_generation_is_left(volume):
    write(volume, a="a key that is to be destroyed")
    write(volume, a="new")

    contents = [path.read_text() for path in volume.folder.rglob("*") if path.is_file()]
    assert set(contents) == {"new"}
    assert len(list(volume.folder.iterdir())) == 3  # the generation, the link to it, the file's


def test_what_a_killed_writer_left_is_swept(volume):
    write(volume, a="1")
    (volume.folder / "..left").mkdir()
    (volume.folder / "..left" / "a").write_text("half")
    (volume.folder / "..left.link").symlink_to("..left")

    assert volume.read(NAMES) == {"a": b"1"}
    write(volume, a="2")

    assert volume.read(NAMES) == {"a": b"2"}
    assert not [path for path in volume.folder.iterdir() if "left" in path.name]


def test_a_file_of_somebody_else_is_kept(volume):
    volume.folder.mkdir(mode=0o700)
    (volume.folder / "a").write_text("mine")
    (volume.folder / "link").symlink_to("/etc/hostname")

    with pytest.raises(ConfigurationError, match="is kept"):
        write(volume, a="1")
    write(volume, b="1")

    assert (volume.folder / "a").read_text() == "mine"
    assert (volume.folder / "link").is_symlink()


def test_a_failed_write_changes_nothing(volume, monkeypatch):
    write(volume, a="1", b="1")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))

    with pytest.raises(OSError, match="disk full"):
        write(volume, a="2", b="2")

    assert volume.read(NAMES) == {"a": b"1", "b": b"1"}


READER = """
import sys
from pathlib import Path
from linly_mesh.identity.volume import read_volume

folder, stop, *names = sys.argv[1:]
seen = set()
print("begins", flush=True)
while not Path(stop).exists():
    found = read_volume(Path(folder), names, private=names)
    if len(found) != len(names) or len(set(found.values())) != 1:
        sys.exit(f"mixed: {found}")
    seen.update(found.values())
print(len(seen))
"""


def test_readers_never_see_two_generations_mixed(volume, tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: None)  # of the disk's pace this test is independent
    write(volume, a="0", b="0", c="0")
    stop = tmp_path / "stop"
    command = [sys.executable, "-c", READER, str(volume.folder), str(stop), *NAMES]
    pipe = subprocess.PIPE
    readers = [subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) for _ in range(2)]
    for reader in readers:
        assert reader.stdout.readline() == "begins\n"

    for number in range(SWAPS):
        write(volume, **dict.fromkeys(NAMES, str(number)))
    stop.touch()

    for reader in readers:
        output, complaint = reader.communicate()
        assert complaint == ""
        assert int(output) > 10  # it did read while the files changed


def test_writers_take_turns(volume):
    def fill(value: str) -> None:
        for _ in range(50):
            write(volume, **dict.fromkeys(NAMES, value))

    writers = [threading.Thread(target=fill, args=(value,)) for value in "xyz"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert len(set(volume.read(NAMES).values())) == 1
    assert len(list(volume.folder.glob("..*"))) == 2
