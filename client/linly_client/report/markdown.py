"""The report in Markdown."""

from collections.abc import Iterator

from linly_client.report import wording
from linly_client.report.figures import Report


def markdown(report: Report) -> str:
    """The whole document, without plots."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    turns = report.turns
    yield from ("# Service-level report", "", wording.period(report), "")
    yield from (f"**{wording.summary(report)}** {wording.observed(report)}", "")
    yield from ("| | figure | target |", "|---|---:|---:|")
    yield f"| Availability | {wording.percent(turns.availability)} | {wording.TARGET} |"
    yield f"| Error budget | {wording.budget(turns)} | |"
    yield f"| Turns | {wording.turns(turns)} | |"
    yield from ("", "## Latency against targets", "")
    yield from ("| | requests | P50 | P95 | P99 |", "|---|---:|---:|---:|---:|")
    for latency in report.latencies:
        cells = " | ".join(
            f"{figure} / {target}{' **missed**' if verdict == wording.MISSED else ''}"
            for figure, target, verdict in wording.latency_cells(latency)
        )
        yield f"| {latency.objective.title} | {wording.count(latency.count)} | {cells} |"
    yield from ("", "Figure / target.", "", "## Worst hours", "")
    if not report.worst:
        yield from (wording.no_hours(report), "")
        return
    yield "| from (UTC) | turns | failed | availability | first audio P95 |"
    yield "|---|---:|---:|---:|---:|"
    for hour in report.worst:
        yield (
            f"| {wording.moment(hour.start)} | {wording.count(hour.turns.total)} | "
            f"{wording.count(hour.turns.failed)} | {wording.percent(hour.turns.availability)} | "
            f"{wording.time(hour.first_audio_p95)} |"
        )
    yield ""
