"""The shipped monitoring: what its own tools say of it, and what nobody should forget."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from linly_mesh.telemetry.catalogue import declared

from .missing import missing

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "mesh" / "monitoring"
PROMETHEUS = MONITORING / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
STAGES = ("asr", "llm", "tts", "animator", "orchestrator")
OURS = re.compile(
    r"\b((?:linly_talker|grpc_server|grpc_client)_[a-z_]+?)(?:_bucket|_sum|_count)?\b"
)
PATTERN = "linly_talker_(asr|llm|tts|animator)_duration_seconds"


def run(tool: str, *arguments: object) -> subprocess.CompletedProcess:
    program = shutil.which(tool) or missing(tool, "apt install prometheus prometheus-alertmanager")
    return subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def rules() -> list[dict]:
    documents = (yaml.safe_load(path.read_text()) for path in RULES)
    return [
        rule for document in documents for group in document["groups"] for rule in group["rules"]
    ]


ALERTS = [rule for rule in rules() if "alert" in rule]


def test_the_configuration_is_valid(tmp_path):
    shutil.copytree(PROMETHEUS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "svid").mkdir()
    for name in ("root-cert.pem", "cert-chain.pem", "key.pem"):
        (tmp_path / "svid" / name).touch()
    done = run("promtool", "check", "config", tmp_path / "prometheus.yml")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_in_their_case_and_in_no_other(path):
    done = run("promtool", "test", "rules", path)
    assert done.returncode == 0, done.stderr + done.stdout


def test_every_alert_is_tried():
    tried = "".join(path.read_text() for path in TESTS)
    untried = {rule["alert"] for rule in ALERTS if f"alertname: {rule['alert']}" not in tried}
    assert untried <= {"RepliesLateSlowly"}  # the same expression as TalksFailingSlowly's


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule):
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert {"summary", "description", "runbook"} <= rule["annotations"].keys()
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


def test_rules_ask_for_metrics_that_there_are():
    known = {family.name for family in declared()}
    asked = {
        name
        for rule in rules()
        for name in OURS.findall(rule["expr"].replace(PATTERN, ""))
        if not name.endswith("_")
    }
    assert asked <= known


@pytest.mark.parametrize("targets", ["targets", "targets.compose"])
def test_every_workload_is_scraped(targets):
    jobs = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    for stage in STAGES:
        (job,) = (job for job in jobs if job["job_name"] == stage)
        assert job["scheme"] == "https"
        assert job["tls_config"]["server_name"] == f"{stage}.talker.svc.cluster.local"
        assert "insecure_skip_verify" not in job["tls_config"]
        (listed,) = yaml.safe_load((PROMETHEUS / targets / f"{stage}.yml").read_text())
        assert listed["targets"][0].endswith(":9090")


def test_alertmanagers_configuration_is_valid():
    done = run("amtool", "check-config", MONITORING / "alertmanager" / "alertmanager.yml")
    assert done.returncode == 0, done.stderr + done.stdout


def test_no_secret_is_in_the_repository():
    text = (MONITORING / "alertmanager" / "alertmanager.yml").read_text()
    pattern = r"^\s*(\w*(?:password|secret|token)\w*): *(\S+)"
    secrets = re.findall(pattern, text, re.MULTILINE)
    assert secrets
    shown = {value for name, value in secrets if not name.endswith("_file")}
    assert shown == {"WECOM_SECRET"}  # a place for one
