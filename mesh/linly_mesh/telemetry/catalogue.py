"""Metric families are declared where their owner lives; the catalogue is their sum.

A declaration is data: documentation, dashboards and the tests that hold them against what is
exposed read it without starting anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import entry_points

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Kind(StrEnum):
    """How a family behaves."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Audience(StrEnum):
    """The three classes of metrics, by who reads them."""

    BUSINESS = "business"
    """Whether people are served."""
    PERFORMANCE = "performance"
    """Where time goes."""
    RESOURCE = "resource"
    """What it costs."""


@dataclass(frozen=True, slots=True)
class Family:
    """One family of metrics."""

    name: str
    """As it is exposed: ``linly_talker_requests_total``."""
    kind: Kind
    """Counter, gauge or histogram."""
    audience: Audience
    """Its class."""
    help: str
    """One sentence: what is counted, from when to when, in which unit."""
    labels: tuple[str, ...] = ()
    """Names of labels, each of which takes few values."""
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, without +Inf."""

    def counter(self, registry: CollectorRegistry) -> Counter:
        """The live counter."""
        assert self.kind is Kind.COUNTER
        return Counter(self.name.removesuffix("_total"), self.help, self.labels, registry=registry)

    def gauge(self, registry: CollectorRegistry) -> Gauge:
        """The live gauge."""
        assert self.kind is Kind.GAUGE
        return Gauge(self.name, self.help, self.labels, registry=registry)

    def histogram(self, registry: CollectorRegistry) -> Histogram:
        """The live histogram."""
        assert self.kind is Kind.HISTOGRAM
        return Histogram(self.name, self.help, self.labels, buckets=self.buckets, registry=registry)


def declared() -> Sequence[Family]:
    """All families of the installed distributions (entry-point group ``linly.metrics``)."""
    found = [family for point in entry_points(group="linly.metrics") for family in point.load()]
    return sorted(found, key=lambda family: family.name)
