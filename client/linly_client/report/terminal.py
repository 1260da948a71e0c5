"""The report for who looks at a terminal of 80 columns."""

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from linly_client.report import wording
from linly_client.report.figures import Report

_STYLES = {wording.MET: "green", wording.MISSED: "red", wording.NO_DATA: "dim"}


def terminal(report: Report) -> RenderableType:
    """A summary; the file forms have the plots."""
    verdicts = {*report.verdicts}
    style = "red" if False in verdicts else "green" if verdicts == {True} else "yellow"
    return Group(
        Text(wording.period(report), "dim"),
        Text(wording.summary(report), f"bold {style}"),
        Text(wording.observed(report), "dim"),
        _turns(report),
        _latencies(report),
        _worst(report),
    )


def _turns(report: Report) -> Table:
    turns = report.turns
    met = report.verdicts[0]
    table = Table.grid(padding=(0, 2))
    table.add_row()
    table.add_row(
        "availability",
        Text.assemble(
            (wording.percent(turns.availability), _STYLES[wording.verdict(met)]),
            (f" / {wording.TARGET}", "dim"),
        ),
    )
    table.add_row("turns", wording.turns(turns))
    table.add_row("error budget", wording.budget(turns))
    return table


def _latencies(report: Report) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("vs target")
    table.add_column("requests", justify="right")
    for column in ("P50", "P95", "P99"):
        table.add_column(column, justify="right", no_wrap=True)
    for latency in report.latencies:
        cells = [
            Text.assemble(
                ("–" if verdict == wording.NO_DATA else figure, _STYLES[verdict]),
                (f" / {target}", "dim"),
            )
            for figure, target, verdict in wording.latency_cells(latency)
        ]
        name = latency.objective.name.replace("_", " ")
        table.add_row(name, wording.count(latency.count), *cells)
    return table


def _worst(report: Report) -> RenderableType:
    if not report.worst:
        return Text(wording.no_hours(report), "dim")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("worst hours from (UTC)")
    for column in ("turns", "failed", "availability", "first audio P95"):
        table.add_column(column, justify="right")
    for hour in report.worst:
        table.add_row(
            wording.moment(hour.start),
            wording.count(hour.turns.total),
            wording.count(hour.turns.failed),
            wording.percent(hour.turns.availability),
            wording.time(hour.first_audio_p95),
        )
    return table
