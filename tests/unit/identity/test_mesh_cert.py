"""``talker mesh cert``."""

import os
import shlex
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from linly_mesh.identity.provided import ProvidedSvid
from linly_mesh.identity.spiffe import SpiffeId

DEBUG = SpiffeId("debug")


@pytest.fixture
def talker(tmp_path):
    def run(*arguments, **environment):
        command = [sys.executable, "-m", "linly_client.cli", "mesh", "cert", *arguments]
        inherited = {name: value for name, value in os.environ.items() if "MESH_" not in name}
        data = {"XDG_DATA_HOME": str(tmp_path / "data")}
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=inherited | data | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def grpcurl_arguments(output):
    words = shlex.split(output.splitlines()[-1])
    return dict(zip(words[1::2], words[2::2], strict=False))


def test_it_mints_what_its_grpcurl_line_names(talker, tmp_path):
    done = talker("debug")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{DEBUG}, valid until ")
    named = grpcurl_arguments(done.stdout)
    folder = Path(named["-key"]).parent
    svid = ProvidedSvid(DEBUG, folder).refresh()
    assert Path(named["-cert"]).read_bytes() == svid.certificate
    assert Path(named["-cacert"]).read_bytes() == svid.bundle
    assert stat.S_IMODE(Path(named["-key"]).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder.is_relative_to(tmp_path / "data")


def test_folder_and_time_may_be_chosen(talker, tmp_path):
    done = talker("debug", "--out", "my keys", "--ttl", "90m")

    assert done.returncode == 0, done.stderr
    assert grpcurl_arguments(done.stdout)["-key"] == str(tmp_path / "my keys" / "key.pem")
    svid = ProvidedSvid(DEBUG, tmp_path / "my keys").refresh()
    left = svid.not_after - datetime.now(UTC)
    assert timedelta(minutes=89) < left <= timedelta(minutes=90)


def test_a_second_one_takes_the_place_of_the_first(talker, tmp_path):
    talker("debug", "--out", "keys")
    first = ProvidedSvid(DEBUG, tmp_path / "keys").refresh()

    talker("debug", "--out", "keys")

    second = ProvidedSvid(DEBUG, tmp_path / "keys").refresh()
    assert second.key != first.key
    assert second.bundle == first.bundle


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["Debug"], {}, "'Debug' is not a name"),
        (["../authority"], {}, "is not a name"),
        (["debug", "--ttl", "soon"], {}, "--ttl soon: write it as 30m, 24h or 7d"),
        (["debug", "--ttl", "0h"], {}, "--ttl 0h"),
        (["debug", "--out", "."], {}, "must have mode 0700"),
        (["debug"], {"MESH_SVID_TTL": "soon"}, "MESH_SVID_TTL: "),
        (["debug"], {"MESH_SVID_FOLDER": "/var/run/secrets"}, "/var/run/secrets"),
    ],
)
def test_an_error_is_one_clear_line(talker, tmp_path, arguments, environment, said):
    tmp_path.chmod(0o755)

    done = talker(*arguments, **environment)

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
