"""``talker mesh render`` and ``talker mesh explain``."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner
from unit.policy import meshes

from linly_client.cli import app
from linly_mesh.proxy.policy.fields import PolicyError

RECOGNIZE = "linly.asr.v1.AsrService/StreamingRecognize"


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("MESH_IDENTITY_FOLDER", str(tmp_path / "identity"))


def talker(*arguments):
    result = CliRunner().invoke(app, ["mesh", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_explain_names_who_allows_it_and_where():
    lines = {line.split()[0]: line.split() for line in talker_lines("debug", RECOGNIZE)}
    assert lines["asr"][1] == "allowed"
    assert lines["asr"][-1].rpartition("/")[2].startswith("asr.yaml:")
    assert {lines[name][1] for name in ("llm", "tts", "animator", "orchestrator")} == {"refused"}


def talker_lines(caller, method):
    return [line for line in talker("explain", caller, method).splitlines() if line.strip()]


def test_explain_takes_a_whole_identity():
    other = talker("explain", "spiffe://cluster.local/ns/other/sa/debug", RECOGNIZE)
    assert "allowed" not in other
    assert "No ServiceAccount is called debug" in other


def test_render_prints_the_bootstrap_first():
    bootstrap, *secrets, rest = yaml.safe_load_all(talker("render", "asr"))
    assert bootstrap["node"]["cluster"] == "asr"
    assert [item["resources"][0]["name"] for item in secrets] == ["certificate", "roots"]
    assert rest is None


def test_render_writes_a_folder_for_every_workload(tmp_path):
    printed = talker("render", "--out", tmp_path / "out").split()
    assert len(printed) == 9
    for path in printed:
        text = Path(path).read_text()
        assert yaml.safe_load(text)["static_resources"]


def test_render_for_containers_names_their_own_paths(tmp_path):
    bootstrap, *_ = yaml.safe_load_all(talker("render", "asr", "--network", "containers"))
    assert bootstrap["admin"]["address"]["pipe"]["path"] == "/run/talker/envoy-admin.sock"
    path = talker("render", "asr", "--network", "containers", "--out", tmp_path / "out").strip()
    assert path == str(tmp_path / "out" / "asr" / "bootstrap.yaml")
    assert yaml.safe_load(Path(path).read_text())["admin"] == bootstrap["admin"]


def test_a_policy_that_can_not_be_honoured_is_an_error(tmp_path):
    meshes.write(tmp_path, meshes.complete())
    assert "asr" in talker("explain", "asr", RECOGNIZE, "--source", tmp_path)
    broken = meshes.peer_authentication()
    broken["spec"]["mtls"]["mode"] = "PERMISSIVE"
    meshes.write(tmp_path, [broken])
    with pytest.raises(PolicyError, match=r"peerauthentication-asr\.yaml:8: .*PERMISSIVE"):
        talker("explain", "asr", RECOGNIZE, "--source", tmp_path)
