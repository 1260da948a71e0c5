"""Keys that others could have read are not used."""

import os
import stat

import pytest

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.private import private_folder, read_private, write_private

from .conftest import ASR, DAY

LOOSE = [0o640, 0o604, 0o660, 0o644, 0o610]


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request):
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_all_that_is_written_is_private_under_any_umask(issued):
    issued.refresh()

    folder = issued.files().folder
    for path in (folder, folder.with_name("authority")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        files = [inner for inner in path.rglob("*") if inner.is_file()]
        assert files
        assert {stat.S_IMODE(inner.stat().st_mode) for inner in files} == {0o600}


@pytest.mark.usefixtures("umask")
def test_parents_that_are_made_on_the_way_are_private_too(tmp_path):
    private_folder(tmp_path / "one" / "two" / "keys")

    for path in (tmp_path / "one", tmp_path / "one" / "two"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", LOOSE, ids=oct)
def test_a_key_that_others_may_read_is_refused(tmp_path, mode):
    path = tmp_path / "tls.key"
    write_private(path, b"secret")
    path.chmod(mode)

    with pytest.raises(ConfigurationError, match=f"{path} has mode {mode:04o}"):
        read_private(path)


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o700], ids=oct)
def test_a_private_key_is_read(tmp_path, mode):
    path = tmp_path / "tls.key"
    write_private(path, b"secret")
    path.chmod(mode)

    assert read_private(path) == b"secret"


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701], ids=oct)
def test_a_folder_that_others_may_enter_is_refused(tmp_path, mode):
    folder = private_folder(tmp_path / "keys")
    folder.chmod(mode)

    with pytest.raises(ConfigurationError, match=f"mode {mode:04o}"):
        private_folder(folder)


def test_a_link_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "keys").symlink_to(private_folder(tmp_path / "elsewhere"))

    with pytest.raises(ConfigurationError, match="must be a folder of yours"):
        private_folder(tmp_path / "keys")


def test_an_authority_whose_key_others_may_read_issues_nothing(authority, tmp_path):
    authority.bundle()
    (tmp_path / "authority" / "ca.key").chmod(0o644)

    with pytest.raises(ConfigurationError, match=r"ca\.key has mode 0644"):
        authority.issue(ASR, DAY)


def test_an_authority_in_an_open_folder_issues_nothing(authority, tmp_path):
    authority.bundle()
    (tmp_path / "authority").chmod(0o750)

    with pytest.raises(ConfigurationError, match="mode 0750"):
        authority.issue(ASR, DAY)


def test_an_issued_key_that_others_may_read_is_reported_and_not_used(issued):
    issued.refresh()
    issued.files().key.chmod(0o640)

    with pytest.raises(ConfigurationError, match=r"key\.pem has mode 0640"):
        issued.refresh()
