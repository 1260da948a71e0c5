"""What a dashboard is made of, without what Grafana needs around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Shape(StrEnum):
    """How a panel shows its series; the names are Grafana's."""

    SERIES = "timeseries"
    NUMBER = "stat"
    BARS = "bargauge"
    HEATMAP = "heatmap"
    STATES = "state-timeline"


class Stack(StrEnum):
    """Whether series stand on one another."""

    NONE = "none"
    SUM = "normal"


@dataclass(frozen=True, slots=True)
class Query:
    """One expression of PromQL."""

    expression: str
    legend: str = ""
    """With ``{{label}}`` for a label's value."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a figure turns from good to doubtful and to bad."""

    warning: float
    bad: float

    @property
    def higher_is_better(self) -> bool:
        """As for a share of successes."""
        return self.bad < self.warning


@dataclass(frozen=True, slots=True)
class Panel:
    """One question, answered."""

    title: str
    unit: str
    """Grafana's identifier: ``s``, ``bytes``, ``percentunit``."""
    queries: Sequence[Query]
    about: str = ""
    """What a reader needs to know to read it."""
    shape: Shape = Shape.SERIES
    stack: Stack = Stack.NONE
    line: str = ""
    """Legend of the one series of a stack that is drawn over it as a line."""
    limits: Limits | None = None
    maximum: float | None = None
    """Of the axis."""
    width: int = 8
    """Of 24 columns."""
    height: int = 8


@dataclass(frozen=True, slots=True)
class Row:
    """Panels that are read together."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice above the dashboard: any of a label's values."""

    name: str
    series: str
    label: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What one reader wants to know."""

    uid: str
    title: str
    about: str
    variables: Sequence[Variable]
    rows: Sequence[Row]


def quantile(level: float, family: str, *, by: str = "", where: str = "") -> str:
    """The expression of a histogram's quantile over the time that a point stands for."""
    labels = f"le, {by}" if by else "le"
    chosen = f"{{{where}}}" if where else ""
    buckets = f"rate({family}_bucket{chosen}[$__rate_interval])"
    return f"histogram_quantile({level}, sum by ({labels}) ({buckets}))"


def quantiles(family: str, *, where: str = "") -> list[Query]:
    """P50, P95 and P99."""
    return [
        Query(quantile(level, family, where=where), f"P{level * 100:.0f}")
        for level in (0.5, 0.95, 0.99)
    ]
