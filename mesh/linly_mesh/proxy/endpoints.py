"""The folder in which the processes of one user find each other."""

import os
import stat
from pathlib import Path

from linly_mesh.errors import ConfigurationError

_LONGEST_SOCKET_PATH = 107
"""Bytes that the kernel takes (sockaddr_un, without its terminating zero)."""


def runtime_folder() -> Path:
    """The folder of this user's sockets and logs, made if it is missing.

    ``$XDG_RUNTIME_DIR/linly-talker``, or ``/tmp/linly-talker-<uid>`` where there is none.

    Raises:
        ConfigurationError: the folder belongs to somebody else or is open to others, who
            could then listen in the place of a service.
    """
    base = os.environ.get("XDG_RUNTIME_DIR")
    uid = os.getuid()
    folder = Path(base) / "linly-talker" if base else Path(f"/tmp/linly-talker-{uid}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()  # not stat: a link of another user's must not be followed
    except OSError as error:
        raise ConfigurationError(f"{folder}: {error.strerror}; set XDG_RUNTIME_DIR") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & 0o077:
        raise ConfigurationError(f"{folder} must be a folder of yours with mode 0700; remove it")
    return folder


def socket_path(path: Path) -> Path:
    """The path, if the kernel takes it as that of a socket.

    Raises:
        ConfigurationError: it is too long.
    """
    if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH:
        raise ConfigurationError(f"{path} is too long for a socket; set XDG_RUNTIME_DIR")
    return path
