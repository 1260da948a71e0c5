"""A folder whose files change all at once.

As in a Kubernetes secret volume (``AtomicWriter`` in kubernetes/pkg/volume/util): the files of
one generation lie in a folder of their own, ``..data`` is a link to it, and ``<name>`` links to
``..data/<name>``. Renaming a new ``..data`` into place changes every file in one step, and is the
event that Envoy's ``watched_directory`` waits for.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.private import check_folder, private_folder, read_private, write_private

_DATA = "..data"


def read_volume(folder: Path, names: Collection[str], private: Collection[str]) -> dict[str, bytes]:
    """The files ``names`` that exist, all of one generation.

    A folder without generations, which something else writes, is read as it is.

    Raises:
        ConfigurationError: others may read one of those that are ``private``.
        OSError: a file can't be read.
    """
    while True:
        generation = _generation(folder)
        source = folder / (generation or "")
        found: dict[str, bytes] = {}
        for name in names:
            with suppress(FileNotFoundError):
                path = source / name
                found[name] = read_private(path) if name in private else path.read_bytes()
        # A file may be missing because a new generation came and this one is being removed.
        if len(found) == len(names) or generation == _generation(folder):
            return found


class Volume:
    """The writer's side of such a folder, private to this user."""

    def __init__(self, folder: Path) -> None:
        """Nothing is touched before the first use."""
        self.folder = folder

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        """The files ``names`` that exist, all of one generation; none if the folder is missing.

        Raises:
            ConfigurationError: others may read the folder or one of the files.
        """
        if not self.folder.is_dir():
            return {}
        check_folder(self.folder)
        return read_volume(self.folder, names, private=names)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other writers out, of this process and of others. Waits; is not re-entrant.

        Raises:
            ConfigurationError: others may read the folder.
        """
        descriptor = os.open(private_folder(self.folder), os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def write(self, files: Mapping[str, bytes]) -> None:
        """Replaces all files by ``files``, in one step. The caller holds the lock.

        Raises:
            ConfigurationError: a file of that name is there which no volume has made.
        """
        for name in files:
            path = self.folder / name
            if path.exists() and not path.is_symlink():
                raise ConfigurationError(f"{path} exists and is kept; choose another folder")
        generation = Path(tempfile.mkdtemp(prefix="..", dir=self.folder))
        for name, content in files.items():
            write_private(generation / name, content)
        link = generation.with_name(f"{generation.name}.link")
        link.symlink_to(generation.name)
        link.replace(self.folder / _DATA)
        self._link(files)
        self._sweep(generation.name)

    def _link(self, names: Collection[str]) -> None:
        for name in names:
            path = self.folder / name
            if not path.is_symlink():
                path.symlink_to(f"{_DATA}/{name}")
        for path in self.folder.iterdir():
            ours = path.is_symlink() and os.readlink(path).startswith("..")
            if ours and path.name not in (_DATA, *names):
                path.unlink()

    def _sweep(self, current: str) -> None:
        """Removes older generations at once: one may hold a key that was to be gone."""
        for path in self.folder.iterdir():
            if path.name.startswith("..") and path.name not in (_DATA, current):
                shutil.rmtree(path)


def _generation(folder: Path) -> str | None:
    try:
        return os.readlink(folder / _DATA)
    except FileNotFoundError:
        return None
