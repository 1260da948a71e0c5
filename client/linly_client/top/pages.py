"""One page of metrics, and what lies between two of them."""

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

_STARTED = "process_start_time_seconds"
_Labels = Mapping[str, str]


class Page:
    """What a service showed at a moment."""

    def __init__(self, time: float, samples: Mapping[str, list[tuple[_Labels, float]]]) -> None:
        """A page that was read.

        Args:
            time: seconds since 1970.
            samples: by name, as they stand on the page.
        """
        self.time = time
        self._samples = samples

    @classmethod
    def parse(cls, text: str, time: float) -> Self:
        """Reads Prometheus' text format.

        Raises:
            ValueError: it is not that.
        """
        samples: dict[str, list[tuple[_Labels, float]]] = defaultdict(list)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                samples[sample.name].append((sample.labels, sample.value))
        return cls(time, samples)

    @property
    def at_start(self) -> "Page":
        """What the service showed when it started: nothing yet."""
        started = self.total(_STARTED)
        return Page(self.time if started is None else started, {})

    def is_same_process_as(self, other: "Page") -> bool:
        """Whether the service has not been started anew in between."""
        return self.total(_STARTED) == other.total(_STARTED)

    def total(self, name: str, **labels: str) -> float | None:
        """The sum of the samples with these labels; None: there are none.

        A label's value that ends in ``*`` stands for all that begin so.
        """
        found = [value for own, value in self._samples.get(name, ()) if _fits(own, labels)]
        return sum(found) if found else None

    def by(self, name: str, label: str) -> dict[str, float]:
        """The sums of the samples for each value of a label."""
        sums: dict[str, float] = defaultdict(float)
        for own, value in self._samples.get(name, ()):
            sums[own.get(label, "")] += value
        return sums

    def buckets(self, name: str) -> dict[float, float]:
        """Of a histogram, all its series together: upper bound → number of observations below."""
        found = self.by(f"{name}_bucket", "le")
        return {float(bound): number for bound, number in found.items()}


class Span:
    """What has happened between two pages of one service."""

    def __init__(self, before: Page | None, after: Page) -> None:
        """``before`` None: since the service started; so too if it was started in between."""
        if before is None or not after.is_same_process_as(before):
            before = after.at_start
        self._before, self._after = before, after

    @property
    def seconds(self) -> float:
        """How long it is."""
        return max(0.0, self._after.time - self._before.time)

    def increase(self, name: str, **labels: str) -> float | None:
        """How much a counter has grown; None: there is no such counter."""
        now = self._after.total(name, **labels)
        return None if now is None else now - (self._before.total(name, **labels) or 0.0)

    def rate(self, name: str, **labels: str) -> float | None:
        """The same per second."""
        grown = self.increase(name, **labels)
        return None if grown is None or not self.seconds else grown / self.seconds

    def quantile(self, level: float, name: str) -> float | None:
        """Of a histogram's observations in between; None: there were none."""
        before = self._before.buckets(name)
        return quantile(
            level,
            {
                bound: number - before.get(bound, 0.0)
                for bound, number in self._after.buckets(name).items()
            },
        )


def quantile(level: float, buckets: Mapping[float, float]) -> float | None:
    """What Prometheus' ``histogram_quantile`` says of these buckets.

    Within a bucket it is interpolated, the first one beginning at 0; beyond the last finite bound
    nothing is known but that bound.

    Args:
        level: 0 to 1.
        buckets: upper bound, +Inf among them → number of observations up to it.

    Returns:
        None where nothing was observed.
    """
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0.0
    if total <= 0 or not math.isinf(bounds[-1]) or len(bounds) < 2:
        return None
    rank = level * total
    index = next(index for index, bound in enumerate(bounds) if buckets[bound] >= rank)
    if math.isinf(bounds[index]):
        return bounds[index - 1]
    low, below = (bounds[index - 1], buckets[bounds[index - 1]]) if index else (0.0, 0.0)
    within = buckets[bounds[index]] - below
    return low + (bounds[index] - low) * ((rank - below) / within if within else 0.0)


def _fits(own: _Labels, wanted: _Labels) -> bool:
    return all(
        own.get(label, "").startswith(value[:-1])
        if value.endswith("*")
        else own.get(label) == value
        for label, value in wanted.items()
    )
