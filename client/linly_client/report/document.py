"""The report as JSON, for programs; what there is no data for is null."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from linly_client.report.figures import Course, Report, Turns
from linly_client.report.objectives import AVAILABILITY


def document(report: Report) -> str:
    """The whole document; times in seconds, shares from 0 to 1, moments in ISO 8601."""
    return json.dumps(_document(report), indent=2, allow_nan=False) + "\n"


def _document(report: Report) -> dict[str, Any]:
    available = report.turns.availability
    return {
        "start": _moment(report.start),
        "end": _moment(report.end),
        "observed": report.observed,
        "turns": _turns(report.turns),
        "availability": {
            "value": available,
            "target": AVAILABILITY,
            "met": report.verdicts[0],
            "budget_left": report.turns.budget_left,
        },
        "latencies": {
            latency.objective.name: {
                "requests": latency.count,
                "quantiles": {
                    f"p{level * 100:.0f}": {
                        "value": value,
                        "target": latency.objective.targets[level],
                        "met": latency.met(level),
                    }
                    for level, value in latency.quantiles.items()
                },
            }
            for latency in report.latencies
        },
        "worst_hours": [
            {
                "start": _moment(hour.start),
                "turns": _turns(hour.turns),
                "availability": hour.turns.availability,
                "first_audio_p95": hour.first_audio_p95,
            }
            for hour in report.worst
        ],
        "series": {
            "step": report.step,
            "turns": _courses(report.volume),
            "availability": _courses(report.availability),
            "first_audio": _courses(report.wait),
            "stages_p95": _courses(report.stages),
        },
    }


def _moment(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")


def _turns(turns: Turns) -> dict[str, float | None]:
    return {
        "total": turns.total,
        "succeeded": turns.succeeded,
        "failed": turns.failed,
        "cancelled": turns.cancelled,
    }


def _courses(courses: Sequence[Course]) -> dict[str, list[list[Any]]]:
    return {
        course.name: [[_moment(time), value] for time, value in course.points] for course in courses
    }
