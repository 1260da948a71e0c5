"""The dashboards are what their declarations say, and what Grafana can read."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from linly_client.report.objectives import ALERT, AVAILABILITY, FIRST_AUDIO
from linly_mesh.telemetry.catalogue import Kind, declared

GRAFANA = Path(__file__).parents[2] / "mesh" / "monitoring" / "grafana"
MESH = GRAFANA.parents[1]
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
SOURCE = {"type": "prometheus", "uid": "prometheus"}
GRID = 24
KNOWN_TYPES = {"row", "timeseries", "stat", "bargauge", "heatmap", "state-timeline"}
"""Panels that every Grafana from 10 to 12 brings with it."""
OURS = re.compile(r"\b(linly_talker_\w+|grpc_(?:server|client)_\w+|process_\w+|python_gc_\w+)")


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def dashboard(request) -> dict:
    return json.loads(request.param.read_text())


@pytest.fixture
def panels(dashboard) -> list[dict]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def test_the_files_are_what_the_declarations_say(tmp_path):
    command = [sys.executable, "-m", "monitoring.grafana.generate", tmp_path]
    subprocess.run(command, cwd=MESH, check=True)
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_text() for path in FILES}, "run: make docs"


def test_there_is_one_dashboard_per_reader():
    assert {path.stem for path in FILES} == {"talker-product", "talker-models", "talker-operations"}


def test_a_dashboard_has_what_grafana_asks_of_one(dashboard):
    assert dashboard["id"] is None  # else Grafana looks for one that it does not have
    assert re.fullmatch(r"[a-z-]{1,40}", dashboard["uid"])
    assert dashboard["title"]
    assert dashboard["description"]
    assert isinstance(dashboard["schemaVersion"], int)
    assert {"from", "to"} <= dashboard["time"].keys()


def test_panels_lie_in_the_grid_and_on_no_other(dashboard):
    taken = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= GRID
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert cells
        assert not cells & taken, panel["title"]
        taken |= cells
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len({*numbers}) == len(numbers)


def test_a_panel_has_what_grafana_asks_of_one(panels):
    for panel in panels:
        assert panel["type"] in KNOWN_TYPES
        assert panel["title"]
        assert panel["datasource"] == SOURCE
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"]
        steps = defaults["thresholds"]["steps"]
        assert steps[0]["value"] is None
        values = [step["value"] for step in steps[1:]]
        assert values == sorted({*values}), panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert references
        assert len({*references}) == len(references)
        for target in panel["targets"]:
            assert target["datasource"] == SOURCE
            assert target["expr"]
            assert target["instant"] is not target["range"]


def test_panels_with_several_series_name_each(panels):
    for panel in panels:
        legends = [target["legendFormat"] for target in panel["targets"]]
        assert len({*legends}) == len(legends), panel["title"]
        if panel["type"] == "timeseries":
            assert "__auto" not in legends, panel["title"]


def test_every_choice_is_asked_of_the_source_and_used(dashboard):
    queries = json.dumps(dashboard["panels"])
    used = {*re.findall(r"\$(?!__)(\w+)", queries)}
    assert used == {variable["name"] for variable in dashboard["templating"]["list"]}
    for variable in dashboard["templating"]["list"]:
        assert variable["datasource"] == SOURCE
        assert variable["query"]["query"].startswith("label_values(")


def test_every_metric_that_is_shown_is_in_the_catalogue(panels):
    known = set()
    for family in declared():
        endings = ("_bucket", "_sum", "_count") if family.kind is Kind.HISTOGRAM else ("",)
        known |= {family.name + ending for ending in endings}
    for panel in panels:
        for target in panel["targets"]:
            shown = {*OURS.findall(target["expr"])} - {"linly_talker_"}
            assert shown <= known, panel["title"]


def test_every_family_for_people_is_shown_somewhere():
    """What nobody can see is not worth its declaration."""
    shown = " ".join(path.read_text() for path in FILES)
    several = "linly_talker_(asr|llm|tts|animator)_duration_seconds"
    assert several in shown
    unseen = {
        family.name
        for family in declared()
        if family.name.startswith("linly_talker_") and family.name not in shown
    } - {f"linly_talker_{stage}_duration_seconds" for stage in ("asr", "llm", "tts", "animator")}
    assert unseen == set()


def test_the_source_and_the_folder_are_those_that_the_panels_and_compose_name():
    provisioning = GRAFANA / "provisioning"
    [source] = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    assert {key: source[key] for key in SOURCE} == SOURCE
    [provider] = yaml.safe_load((provisioning / "dashboards" / "talker.yml").read_text())[
        "providers"
    ]
    assert provider["options"]["path"] == "/etc/grafana/dashboards"


def test_alerts_and_reports_hold_figures_against_the_same_targets():
    rules = "".join(path.read_text() for path in (MESH / "monitoring/prometheus/rules").iterdir())
    assert f"ratio_rate3d > {1 - AVAILABILITY:g} " in rules
    assert f'first_audio_seconds_bucket{{le="{FIRST_AUDIO.p95}"}}' in rules
    assert f"talker:stage_duration:p95_5m > {ALERT:g}\n" in rules


def colour(panel: dict, value: float) -> str:
    """What Grafana paints a value with: the last step that it has reached."""
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return [step["color"] for step in steps if step["value"] is None or step["value"] <= value][-1]


@pytest.mark.parametrize(
    ("dashboard_name", "title", "good", "doubtful", "bad"),
    [
        ("talker-operations", "Ready", 1, None, 0),
        ("talker-operations", "Certificates expire in", 86_400, 9 * 3600, 3600),
        ("talker-product", "Success rate", AVAILABILITY, 0.993, 0.98),
        ("talker-product", "Error budget left", 0.9, 0.1, -0.1),
        ("talker-product", "First audio", 1.0, FIRST_AUDIO.p95, FIRST_AUDIO.p99),
        ("talker-models", "Duration, P95", 0.1, 0.7, ALERT),
    ],
)
def test_colours_are_those_of_the_targets(dashboard_name, title, good, doubtful, bad):
    found = json.loads((GRAFANA / "dashboards" / f"{dashboard_name}.json").read_text())["panels"]
    panel = next(panel for panel in found if panel["title"] == title)
    assert colour(panel, good) == "green"
    assert doubtful is None or colour(panel, doubtful) == "yellow"
    assert colour(panel, bad) == "red"
