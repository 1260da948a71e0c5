"""The report as one HTML page that can be handed over: no scripts, nothing from elsewhere."""

from collections.abc import Iterator
from html import escape

from linly_client.durations import seconds
from linly_client.report import svg, wording
from linly_client.report.figures import Report
from linly_client.report.objectives import AVAILABILITY, FIRST_AUDIO, STAGES

_STYLE = """
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;color:#1d2733;background:#fff;
 margin:0 auto;max-width:760px;padding:32px 20px}
h1{font-size:26px;margin:0 0 2px}h2{font-size:17px;margin:34px 0 8px}
p{margin:6px 0}.dim,.note{color:#5a6472}.note{font-size:13px}
.verdict{margin:18px 0;padding:10px 14px;border-left:4px solid #a9b2bd;background:#f5f7f9;
 font-weight:600}
.verdict.met{border-color:#3a8f5c}.verdict.missed{border-color:#b0413e}
.tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:10px}
.tile{border:1px solid #e3e6ea;border-radius:6px;padding:10px 12px}
.tile b{display:block;font-size:22px;font-weight:600;white-space:nowrap}
.tile span{font-size:12px;color:#5a6472}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{font-size:12px;font-weight:600;color:#5a6472;text-align:right;padding:4px 8px}
td{text-align:right;padding:5px 8px;border-top:1px solid #e3e6ea;white-space:nowrap}
th:first-child,td:first-child{text-align:left;padding-left:0}
td small{color:#5a6472}.missed{color:#b0413e}.met{color:#2c7047}
.verdict.met,.verdict.missed{color:inherit}
svg{display:block;width:100%;height:auto;margin:4px 0 0}
figure{margin:0 0 18px;break-inside:avoid}figcaption{font-weight:600;font-size:14px}
@media(max-width:560px){.tiles{grid-template-columns:repeat(2,1fr)}}
"""


def page(report: Report) -> str:
    """The whole document."""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>Service-level report, {wording.period(report)}</title>",
            f"<style>{_STYLE}</style></head><body>",
            "<h1>Service-level report</h1>",
            f'<p class="dim">Linly-Talker · {wording.period(report)}</p>',
            *_body(report),
            "</body></html>",
            "",
        ]
    )


def _body(report: Report) -> Iterator[str]:
    verdicts = {*report.verdicts}
    kind = "missed" if False in verdicts else "met" if verdicts == {True} else ""
    yield f'<p class="verdict {kind}">{escape(wording.summary(report))}</p>'
    yield from _tiles(report)
    yield f'<p class="note">{escape(wording.observed(report))}</p>'
    yield from _latencies(report)
    yield from _worst(report)
    yield from _plots(report)
    yield from _reading()


def _tiles(report: Report) -> Iterator[str]:
    turns = report.turns
    left = turns.budget_left
    wait = report.latencies[0].quantiles[0.95]
    tiles = [
        (wording.percent(turns.availability), f"availability / {wording.TARGET}"),
        (wording.count(turns.total), "turns of talks"),
        (
            "overspent" if left is not None and left < 0 else wording.percent(left),
            "error budget left",
        ),
        (wording.time(wait), f"first audio P95 / {seconds(FIRST_AUDIO.p95)}"),
    ]
    cells = (
        f'<div class="tile"><b>{escape(figure)}</b><span>{escape(what)}</span></div>'
        for figure, what in tiles
    )
    yield f'<div class="tiles">{"".join(cells)}</div>'
    yield (
        f'<p class="note">Turns: {wording.turns(turns)}. '
        f"Error budget: {escape(wording.budget(turns))}.</p>"
    )


def _latencies(report: Report) -> Iterator[str]:
    yield "<h2>Latency against targets</h2>"
    yield "<table><tr><th></th><th>requests</th><th>P50</th><th>P95</th><th>P99</th></tr>"
    for latency in report.latencies:
        cells = "".join(
            f'<td class="{verdict if figure != wording.NO_DATA else ""}">{escape(figure)} '
            f"<small>/ {escape(target)}</small></td>"
            for figure, target, verdict in wording.latency_cells(latency)
        )
        name = escape(latency.objective.title)
        yield f"<tr><td>{name}</td><td>{wording.count(latency.count)}</td>{cells}</tr>"
    yield "</table>"
    yield '<p class="note">Figure / target; red where the target is missed.</p>'


def _worst(report: Report) -> Iterator[str]:
    yield "<h2>Worst hours</h2>"
    if not report.worst:
        yield f"<p>{wording.no_hours(report)}</p>"
        return
    yield (
        "<table><tr><th>from (UTC)</th><th>turns</th><th>failed</th><th>availability</th>"
        "<th>first audio P95</th></tr>"
    )
    for hour in report.worst:
        cells = (
            wording.count(hour.turns.total),
            wording.count(hour.turns.failed),
            wording.percent(hour.turns.availability),
            wording.time(hour.first_audio_p95),
        )
        row = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        yield f"<tr><td>{wording.moment(hour.start)}</td>{row}</tr>"
    yield "</table>"


def _plots(report: Report) -> Iterator[str]:
    period = (report.start, report.end)
    lowest = min(
        (
            value
            for course in report.availability
            for _, value in course.points
            if value is not None
        ),
        default=1.0,
    )
    floor = next(low for low in (0.98, 0.95, 0.9, 0.8, 0.5, 0.0) if lowest >= low)
    yield "<h2>Over time</h2>"
    every = f"in each {_length(report.step)}"
    for caption, drawing in (
        (f"Turns {every}", svg.bars("Turns by status", report.volume, period, report.step)),
        (
            "Success rate",
            svg.lines(
                "Success rate",
                report.availability,
                period,
                lambda share: f"{share * 100:.4g} %",
                target=AVAILABILITY,
                low=floor,
                high=1.0,
            ),
        ),
        (
            "First audio; the target is that of P95",
            svg.lines("First audio", report.wait, period, seconds, target=FIRST_AUDIO.p95),
        ),
        (
            "Stages, P95",
            svg.lines("Stages, P95", report.stages, period, seconds, target=STAGES[0].p95),
        ),
    ):
        yield f"<figure><figcaption>{escape(caption)}</figcaption>{drawing}</figure>"


def _length(step: float) -> str:
    """The length of a plot's step."""
    minutes = step / 60
    return f"{minutes:.4g} minutes" if minutes < 60 else f"{minutes / 60:.3g} hours"


def _reading() -> Iterator[str]:
    yield "<h2>How to read it</h2>"
    yield (
        '<p class="note">A turn is one thing that a person says and the reply to it. '
        "<b>Availability</b> is the share of turns that succeeded, of those that ended by "
        "themselves; one that was cancelled, by an interruption or a caller that left, counts for "
        "neither side. The <b>error budget</b> is the number of failures that the target allows. "
        "<b>First audio</b> runs from the end of the person’s input to the first audio of the "
        "reply, the silence that shows that the person has finished included. A <b>stage</b> is "
        "timed inside its service, from a request’s complete input to its first output. Times are "
        "those of requests that gave output, read from histograms: between the bounds of a bucket "
        "they are interpolated. Where nothing was counted it says “no data” and a plot has a gap; "
        "no data is neither a target met nor one missed.</p>"
    )
