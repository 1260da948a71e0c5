"""Figures in words, the same in every form of the report."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from linly_client.durations import seconds
from linly_client.report.figures import Latency, Report, Turns
from linly_client.report.objectives import AVAILABILITY

NO_DATA = "no data"
TARGET = f"{AVAILABILITY * 100:g} %"
"""Of availability."""
_WHOLE = 0.998
"""Share that counts as all: the moments at its ends fall on one side or the other."""
MET, MISSED = "met", "missed"


def moment(time: float) -> str:
    """In UTC, since the page is handed on."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M")


def period(report: Report) -> str:
    """From when to when."""
    return f"{moment(report.start)} to {moment(report.end)} UTC"


def percent(share: float | None) -> str:
    """Rounded down: 99.999 % is not 100 %."""
    return NO_DATA if share is None else f"{math.floor(share * 10_000 + 1e-6) / 100:.2f} %"


def count(number: float | None) -> str:
    """A whole number: Prometheus extrapolates to the ends of a period."""
    return NO_DATA if number is None else f"{round(number):,}"


def time(value: float | None) -> str:
    """Milliseconds or seconds."""
    return NO_DATA if value is None else seconds(value)


def verdict(met: bool | None) -> str:
    """Of one target."""
    return NO_DATA if met is None else MET if met else MISSED


def summary(report: Report) -> str:
    """The report in a sentence."""
    verdicts = report.verdicts
    known = [each for each in verdicts if each is not None]
    if not known:
        return "There is no data for this period."
    missed = known.count(False)
    said = f"{missed} of {len(verdicts)} targets missed" if missed else "All targets met"
    if not missed and len(known) < len(verdicts):
        said = f"{len(known)} of {len(verdicts)} targets met"
    unknown = len(verdicts) - len(known)
    return f"{said}; {unknown} without data." if unknown else f"{said}."


def turns(counted: Turns) -> str:
    """How many, and how they ended."""
    if counted.total is None:
        return NO_DATA
    ended = (
        f"{count(number)} {status}"
        for status, number in (
            ("succeeded", counted.succeeded),
            ("failed", counted.failed),
            ("cancelled", counted.cancelled),
        )
        if number is not None
    )
    return f"{count(counted.total)} ({', '.join(ended)})"


def no_hours(report: Report) -> str:
    """Why there are no worst hours."""
    counted = report.turns.total is not None
    return "There were no turns in this period." if counted else "No turns were counted: no data."


def budget(turns: Turns) -> str:
    """What is left of the failures that the target allows."""
    left = turns.budget_left
    if left is None or turns.judged is None:
        return NO_DATA
    allowed = turns.judged * (1 - AVAILABILITY)
    failed = f"{count(turns.failed or 0.0)} failed, {allowed:.1f} allowed"
    return f"{percent(left)} left ({failed})" if left >= 0 else f"overspent ({failed})"


def observed(report: Report) -> str:
    """How much of the period Prometheus has seen."""
    if report.observed is None:
        return "Prometheus has no data of the orchestrator in this period."
    if report.observed >= _WHOLE:
        return "Prometheus has watched the whole period."
    return f"Prometheus has watched {percent(report.observed)} of the period; the rest is unknown."


def latency_cells(latency: Latency) -> Sequence[tuple[str, str, str]]:
    """Of each quantile: the figure, the target, the verdict."""
    return [
        (time(value), seconds(latency.objective.targets[level]), verdict(latency.met(level)))
        for level, value in latency.quantiles.items()
    ]
