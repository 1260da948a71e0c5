"""A report says exactly what Prometheus has counted, and that it has no data where it has none."""

import io
import json
import re
import xml.etree.ElementTree as ElementTree

import pytest
from rich.console import Console
from typer.testing import CliRunner

from linly_client.cli import app
from linly_client.cli.console import CommandError
from linly_client.cli.report import read_length
from linly_client.report.document import document
from linly_client.report.figures import Turns
from linly_client.report.gather import gather
from linly_client.report.markdown import markdown
from linly_client.report.page import page
from linly_client.report.prometheus import Prometheus, PrometheusError
from linly_client.report.terminal import terminal
from linly_client.report.wording import percent

from .report_stub import prometheus_stub

END = 1_764_028_800.0  # 2025-11-25 00:00 UTC
HOUR = 3600.0
DAY = 24 * HOUR
BAD_HOUR = END - 6 * HOUR
"""The end of the hour in which turns failed."""
STAGE = {"asr": 0.1, "llm": 0.4, "tts": 0.05, "animator": 0.02}
FIRST_AUDIO = {"0.5": 0.7, "0.95": 1.6, "0.99": 2.5}


def a_day(expression: str, time: float) -> dict[str, float]:
    """Ten turns an hour, of which in one hour two failed; the animator has shown nothing."""
    if "requests_total" in expression:
        length = float(re.search(r"\[(\d+)s\]", expression)[1])
        turns = 10 * length / HOUR
        part = min(1.0, length / HOUR)
        failed = 2.0 * part if time - length < BAD_HOUR <= time else 0.0
        return {"success": turns - failed - part, "error": failed, "cancelled": part}
    if "count_over_time" in expression:
        return {"": 720.0}  # minutes
    if "animator" in expression:
        return {"": float("nan")} if "quantile" in expression else {}
    if "_count" in expression:
        return {"": 42.0}
    level = re.search(r"histogram_quantile\(([\d.]+)", expression)[1]
    if "first_audio" in expression:
        late = 1.0 if time == BAD_HOUR else 0.0
        return {"": FIRST_AUDIO[level] + late}
    return {"": next(value for name, value in STAGE.items() if f"_{name}_" in expression)}


def nothing(expression: str, time: float) -> dict[str, float]:
    return {}


async def reported(answer, since: float = DAY):
    with prometheus_stub(answer) as stub:
        return await gather(Prometheus(stub.url), since, END)


def printed(report) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(terminal(report))
    return console.file.getvalue()


async def test_the_figures_are_those_that_were_counted():
    said = json.loads(document(await reported(a_day)))
    assert said["start"] == "2025-11-24T00:00:00+00:00"
    assert said["end"] == "2025-11-25T00:00:00+00:00"
    assert said["observed"] == 0.5
    assert said["turns"] == {"total": 240.0, "succeeded": 237.0, "failed": 2.0, "cancelled": 1.0}
    assert said["availability"]["value"] == 237 / 239
    assert said["availability"]["met"] is False
    assert said["availability"]["budget_left"] == pytest.approx(1 - (2 / 239) / 0.005)
    wait = said["latencies"]["first_audio"]
    assert wait["requests"] == 42
    assert wait["quantiles"] == {
        "p50": {"value": 0.7, "target": 0.8, "met": True},
        "p95": {"value": 1.6, "target": 1.5, "met": False},
        "p99": {"value": 2.5, "target": 3.0, "met": True},
    }
    assert said["latencies"]["llm"]["quantiles"]["p50"] == {
        "value": 0.4,
        "target": 0.3,
        "met": False,
    }


async def test_a_stage_without_data_has_neither_met_nor_missed_its_target():
    said = json.loads(document(await reported(a_day)))["latencies"]["animator"]
    assert said["requests"] is None
    assert {each["value"] for each in said["quantiles"].values()} == {None}
    assert {each["met"] for each in said["quantiles"].values()} == {None}


async def test_the_worst_hour_is_the_one_with_failures():
    [worst, *others] = json.loads(document(await reported(a_day)))["worst_hours"]
    assert worst["start"] == "2025-11-24T17:00:00+00:00"
    assert worst["turns"]["failed"] == 2
    assert worst["availability"] == 7 / 9
    assert worst["first_audio_p95"] == 2.6
    assert len(others) == 4
    assert all(each["turns"]["failed"] == 0 for each in others)


async def test_a_course_has_a_point_for_each_step_up_to_the_end():
    series = json.loads(document(await reported(a_day)))["series"]
    assert series["step"] == 900
    points = series["first_audio"]["P95"]
    assert len(points) == 96
    assert points[0][0] == "2025-11-24T00:15:00+00:00"
    assert points[-1] == ["2025-11-25T00:00:00+00:00", 1.6]
    assert {value for _, value in series["stages_p95"]["Animator"]} == {None}


@pytest.mark.parametrize("since", [300, 7 * 60, 101 * 60, 25 * HOUR, 28 * DAY])
async def test_every_point_that_prometheus_has_is_found_again(since):
    report = await reported(a_day, since)
    for course in (*report.volume, *report.wait):
        assert course.points
        assert None not in {value for _, value in course.points}


async def test_without_data_no_figure_is_made_up():
    report = await reported(nothing)
    said = json.loads(document(report))
    assert {*said["turns"].values()} == {None}
    assert said["availability"]["value"] is None
    assert said["availability"]["budget_left"] is None
    assert said["worst_hours"] == []
    for text in (page(report), markdown(report), printed(report)):
        assert "There is no data for this period." in text
        body = re.sub(r"<style>.*</style>|width=\S+", "", text, flags=re.S)
        assert not re.search(r"\b(100|0)(\.0+)? (%|ms|s)\b|\bmet\b(?! nor)", body)


async def test_turns_that_were_all_cancelled_are_no_availability():
    turns = Turns(succeeded=0.0, failed=0.0, cancelled=3.0)
    assert turns.total == 3
    assert turns.availability is None
    assert turns.budget_left is None


def test_a_share_is_never_rounded_up_to_the_whole():
    assert percent(0.999999) == "99.99 %"
    assert percent(1.0) == "100.00 %"
    assert percent(0.995) == "99.50 %"


async def test_the_page_stands_alone():
    text = page(await reported(a_day))
    assert "<script" not in text
    assert not re.search(r"(src|href)=|url\(|@import|https?://", text)
    drawings = re.findall(r"<svg.*?</svg>", text, flags=re.S)
    assert len(drawings) == 4
    for drawing in drawings:
        ElementTree.fromstring(drawing)


async def test_every_form_says_the_same():
    report = await reported(a_day)
    for text in (page(report), markdown(report), printed(report)):
        assert "99.16 %" in text
        assert "3 of 16 targets missed; 3 without data." in " ".join(text.split())
        assert "1.60 s" in text
        assert "2025-11-24 17:00" in text


async def test_the_summary_fits_80_columns():
    for line in printed(await reported(a_day)).splitlines():
        assert len(line.rstrip()) <= 80
        assert "…" not in line


@pytest.mark.parametrize("ending", [".html", ".md", ".json"])
def test_the_command_writes_what_the_name_says(tmp_path, ending):
    output = tmp_path / f"report{ending}"
    with prometheus_stub(a_day) as stub:
        arguments = ["report", "--since", "24h", "-o", str(output), "--prometheus", stub.url]
        done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    start = {".html": "<!DOCTYPE html>", ".md": "# Service-level report", ".json": "{"}[ending]
    assert output.read_text().startswith(start)
    assert "of 16 targets missed" in done.output


def test_a_name_with_another_ending_is_refused_before_anyone_is_asked(tmp_path):
    done = CliRunner().invoke(app, ["report", "-o", str(tmp_path / "report.pdf")])
    assert isinstance(done.exception, CommandError)
    assert ".html, .md, .json" in str(done.exception)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800), ("24h", DAY), ("7d", 7 * DAY), ("2w", 14 * DAY)]
)
def test_a_length_of_time(text, seconds):
    assert read_length(text) == seconds


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "1.5h", "4m", "0h", "1y"])
def test_what_is_no_length_of_time(text):
    with pytest.raises(CommandError, match="--since"):
        read_length(text)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "ftp://127.0.0.1", "127.0.0.1:9090"])
async def test_whoever_cannot_be_asked_is_named(url):
    with pytest.raises(PrometheusError, match=re.escape(url)):
        await Prometheus(url).number("up", END)
