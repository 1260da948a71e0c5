"""Folders and files that nobody else may read."""

import os
import stat
from pathlib import Path

from linly_mesh.errors import ConfigurationError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def private_folder(path: Path) -> Path:
    """Makes the folder, with its parents, with mode 0700 if missing; checks that it is safe.

    Raises:
        ConfigurationError: it is no folder, belongs to another user, or is open to others.
    """
    _make(path)
    check_folder(path)
    return path


def check_folder(path: Path) -> None:
    """Checks that the folder is this user's and closed to others.

    Raises:
        ConfigurationError: it is not.
        OSError: it can't be looked at.
    """
    found = path.lstat()  # not stat: another user's link must not be followed
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise ConfigurationError(f"{path} must be a folder of yours")
    if found.st_mode & _OTHERS:
        raise ConfigurationError(
            f"{path} has mode {stat.S_IMODE(found.st_mode):04o}; a folder of private keys must "
            "have mode 0700"
        )


def read_private(path: Path) -> bytes:
    """Reads a private key's file.

    Raises:
        ConfigurationError: others may read it, or it belongs to a user who is neither this one
            nor root.
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        found = os.fstat(file.fileno())  # of the opened file: a check by name could be outrun
        if found.st_uid not in (os.geteuid(), 0):
            raise ConfigurationError(f"{path} belongs to another user; it is not used")
        if found.st_mode & _OTHERS:
            raise ConfigurationError(
                f"{path} has mode {stat.S_IMODE(found.st_mode):04o}: others may have read this "
                f"private key; replace it, or if that is harmless: chmod 600 {path}"
            )
        return file.read()


def write_private(path: Path, content: bytes) -> None:
    """Writes a new file with mode 0600, down to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _make(path: Path) -> None:
    # Not with parents=True: that makes those with any mode that the umask leaves, and who may
    # write in a parent may put a folder of another name in this one's place.
    if not path.parent.exists():
        _make(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
