import os

import pytest

from linly_mesh.errors import ConfigurationError
from linly_mesh.proxy.endpoints import runtime_folder, socket_path


@pytest.fixture(autouse=True)
def base(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def test_a_user_has_a_folder_of_their_own(base):
    assert runtime_folder() == base / "linly-talker"
    assert (base / "linly-talker").stat().st_mode & 0o777 == 0o700


def test_without_a_session_folder_the_name_tells_users_apart(monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert runtime_folder().name == f"linly-talker-{os.getuid()}"


def test_a_folder_that_others_may_enter_is_refused(base):
    (base / "linly-talker").mkdir()
    (base / "linly-talker").chmod(0o755)
    with pytest.raises(ConfigurationError, match="mode 0700"):
        runtime_folder()


def test_a_link_is_refused(base):
    (base / "elsewhere").mkdir(mode=0o700)
    (base / "linly-talker").symlink_to(base / "elsewhere")
    with pytest.raises(ConfigurationError, match="must be a folder of yours"):
        runtime_folder()


def test_a_missing_session_folder_is_said(base, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(base / "gone"))
    with pytest.raises(ConfigurationError, match="XDG_RUNTIME_DIR"):
        runtime_folder()


def test_a_path_too_long_for_a_socket_is_said(base):
    with pytest.raises(ConfigurationError, match="too long"):
        socket_path(base / ("x" * 100))
