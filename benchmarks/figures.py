"""What a benchmark found, for people and for machines."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.statistics import Summary


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure should be."""

    limit: float
    """In the figure's unit."""
    at_most: bool
    """Whether less is better."""

    def met_by(self, value: float) -> bool:
        """Whether ``value`` is good enough."""
        return value <= self.limit if self.at_most else value >= self.limit

    def __str__(self) -> str:
        return f"{'<=' if self.at_most else '>='} {self.limit:g}"


def at_most(limit: float) -> Aim:
    """Less is better."""
    return Aim(limit, at_most=True)


def at_least(limit: float) -> Aim:
    """More is better."""
    return Aim(limit, at_most=False)


@dataclass(frozen=True, slots=True)
class Figure:
    """One finding."""

    name: str
    """``part.what.which``."""
    value: float
    """Of several rounds the median; infinite for a wait without end."""
    unit: str
    """Such as ``ms``."""
    aim: Aim | None = None
    """None for what is only worth knowing."""
    low: float | None = None
    """The smallest of the rounds, if there were several."""
    high: float | None = None
    """The largest of the rounds, if there were several."""

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None without one."""
        return None if self.aim is None else self.aim.met_by(self.value)


def figure(name: str, summary: Summary, unit: str, aim: Aim | None = None) -> Figure:
    """A figure of several rounds."""
    return Figure(name, summary.value, unit, aim, summary.low, summary.high)


def table(figures: Sequence[Figure]) -> str:
    """Lines for people."""
    rows = [("figure", "value", "range", "aim", "")]
    for found in figures:
        spread = "" if found.low is None else f"{found.low:.4g} – {found.high:.4g}"
        verdict = {None: "", True: "met", False: "MISSED"}[found.met]
        aim = "" if found.aim is None else str(found.aim)
        rows.append((found.name, f"{found.value:.4g} {found.unit}", spread, aim, verdict))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def write(path: Path, figures: Sequence[Figure], environment: Mapping[str, Any]) -> None:
    """Writes figures with an aim, what was observed besides, and where it was measured."""
    document = {
        "environment": environment,
        "figures": [_entry(f) for f in figures if f.aim is not None],
        "observations": [_entry(f) for f in figures if f.aim is None],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _entry(found: Figure) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": found.name, "value": _json(found.value), "unit": found.unit}
    if found.aim is not None:
        entry |= {"aim": str(found.aim), "met": found.met}
    if found.low is not None and found.high is not None:
        entry["range"] = [_json(found.low), _json(found.high)]
    return entry


def _json(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None  # JSON knows no infinity
