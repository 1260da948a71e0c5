"""After a real talk every panel of every dashboard shows something."""

import asyncio
import json
import math
import re
from pathlib import Path

import prometheus
import pytest

from .conftest import STAGES
from .test_metrics import talk

DASHBOARDS = Path(prometheus.SHIPPED).with_name("grafana") / "dashboards"
NO_DATA_HERE = {
    "GPUs": "needs a GPU",
    "Turned away": "nobody is turned away",
}
"""Rows and panels that show nothing after this talk, and why."""
WINDOW = "1m"
"""What a point stands for: short enough for a test, long enough for several scrapes."""


def queries() -> list[tuple[str, str]]:
    """Each panel's name, and its expression with everything chosen."""
    found = []
    for path in sorted(DASHBOARDS.glob("*.json")):
        row = ""
        for panel in json.loads(path.read_text())["panels"]:
            if panel["type"] == "row":
                row = panel["title"]
                continue
            for target in panel["targets"]:
                if row not in NO_DATA_HERE and panel["title"] not in NO_DATA_HERE:
                    name = f"{path.stem}: {panel['title']}: {target['legendFormat']}"
                    found.append((name, substituted(target["expr"])))
    return found


def substituted(expression: str) -> str:
    """As Grafana asks it."""
    for name in ("$__rate_interval", "$__range"):
        expression = expression.replace(name, WINDOW)
    return re.sub(r"\$\w+", ".*", expression)


@pytest.fixture(scope="module")
async def watched(mesh, tmp_path_factory):
    """Prometheus, which has seen the mesh before and after a talk."""
    folder = tmp_path_factory.mktemp("prometheus") / "prometheus"
    source = mesh.local.svid("prometheus")
    source.refresh()
    network = mesh.local.mesh.workloads["asr"].address.rpartition(".")[0]
    configured = prometheus.configuration(folder, source.files().folder, network)
    prometheus.hurry(configured)
    async with prometheus.running(configured) as found:
        workloads = (*STAGES, "orchestrator")
        await found.until(f"sum(up) >= {2 * len(workloads)}")
        await talk(mesh)
        yield found


@pytest.mark.parametrize(
    "expression", [pytest.param(expression, id=name) for name, expression in queries()]
)
async def test_a_panel_shows_data(watched, expression):
    async with asyncio.timeout(20):
        while not any(math.isfinite(value) for value in await shown(watched, expression)):
            await asyncio.sleep(0.2)


async def shown(watched: prometheus.Prometheus, expression: str) -> list[float]:
    return [float(each["value"][1]) for each in await watched.query(expression)]


@pytest.mark.parametrize("variable", ["region", "model", "workload"])
async def test_a_choice_has_values(watched, variable):
    [(series, label)] = {
        tuple(re.fullmatch(r"label_values\((\w+), (\w+)\)", each["definition"]).groups())
        for path in DASHBOARDS.glob("*.json")
        for each in json.loads(path.read_text())["templating"]["list"]
        if each["name"] == variable
    }
    found = await watched.query(f"count by ({label}) ({series})")
    values = {each["metric"].get(label) for each in found}
    assert values
    assert values.isdisjoint({None, ""})


async def test_the_report_counts_the_talk(mesh, watched):
    arguments = ("report", "--since", "5m", "--prometheus", f"http://{watched.address}")
    done = await asyncio.to_thread(mesh.talker, *arguments)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^turns +[1-9]", done.stdout, flags=re.M), done.stdout
    for name in ("first audio", *STAGES):
        assert re.search(rf"^ *{name} .* m?s / ", done.stdout, flags=re.M), done.stdout


@pytest.mark.parametrize("source", ["services", "prometheus"])
async def test_the_live_view_shows_every_service(mesh, watched, source):
    asked = ("--prometheus", f"http://{watched.address}") if source == "prometheus" else ()
    done = await asyncio.to_thread(mesh.talker, "top", "--once", *asked)
    assert done.returncode == 0, done.stderr
    for name in (*STAGES, "orchestrator"):
        assert re.search(rf"^{name} +yes +[\d.]+ m?s ", done.stdout, flags=re.M), done.stdout
    talks = done.stdout.splitlines()[0].rstrip()
    assert re.fullmatch(r"talks open 0 +success 100.0 % +first audio P95 [\d.]+ m?s", talks)
    assert max(len(line.rstrip()) for line in done.stdout.splitlines()) <= 80
