"""``talker mesh cert``."""

import os
import shlex
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from own_mesh import own_source

from linly_client.cli import main
from linly_mesh.identity.provided import ProvidedSvid
from linly_mesh.identity.spiffe import SpiffeId

DEBUG = SpiffeId("debug")


@dataclass
class Done:
    code: object
    stdout: str
    stderr: str


@pytest.fixture
def talker(tmp_path, monkeypatch, capsys):
    for name in os.environ:
        if name.startswith("MESH_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["talker", "mesh", "cert", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(ended.value.code, *capsys.readouterr())

    return run


def grpcurl_arguments(output):
    words = shlex.split(output.splitlines()[-1])
    return dict(zip(words[1::2], words[2::2], strict=False))


def test_it_mints_what_its_grpcurl_line_names(talker, tmp_path):
    done = talker("debug")

    assert done.code == 0, done.stderr
    assert done.stdout.startswith(f"{DEBUG}, valid until ")
    named = grpcurl_arguments(done.stdout)
    folder = Path(named["-key"]).parent
    svid = ProvidedSvid(DEBUG, folder).refresh()
    assert Path(named["-cert"]).read_bytes() == svid.certificate
    assert Path(named["-cacert"]).read_bytes() == svid.bundle
    assert stat.S_IMODE(Path(named["-key"]).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder.is_relative_to(tmp_path / "data")


def test_the_line_is_one_that_the_policy_lets_its_owner_call(talker):
    assert talker("debug").stdout.split()[-1] == "list"
    assert talker("client").stdout.split()[-1] == "linly.talk.v1.TalkService/Converse"


def test_the_policy_may_be_ones_own(talker, tmp_path, monkeypatch):
    monkeypatch.setenv("MESH_SOURCE", str(own_source(tmp_path)))
    assert "127.0.1." not in talker("debug").stdout


def test_a_name_that_the_policy_does_not_know_is_pointed_out(talker):
    assert "may call nothing" in talker("somebody").stdout
    assert "may call nothing" not in talker("debug").stdout


def test_folder_and_time_may_be_chosen(talker, tmp_path):
    done = talker("debug", "--out", "my keys", "--ttl", "90m")

    assert done.code == 0, done.stderr
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
def test_an_error_is_one_clear_line(talker, tmp_path, monkeypatch, arguments, environment, said):
    tmp_path.chmod(0o755)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    done = talker(*arguments)

    assert done.code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
