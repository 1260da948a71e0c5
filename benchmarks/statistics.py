"""From samples to figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Summary:
    """One value from several rounds."""

    value: float
    """Their median."""
    low: float
    """The smallest of the rounds."""
    high: float
    """The largest of the rounds."""


def percentile(samples: Sequence[float], percent: float) -> float:
    """The value that ``percent`` % of the samples do not exceed, interpolated between ranks.

    Raises:
        ValueError: there are no samples.
    """
    if not samples:
        raise ValueError("no samples")
    ordered = sorted(samples)
    rank = (len(ordered) - 1) * percent / 100
    below = int(rank)
    between = rank - below
    low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    if not between or low == high:  # also where a sample is infinite
        return low
    return low + between * (high - low)


def over_rounds(values: Sequence[float]) -> Summary:
    """The median of what each round gave, with the range.

    Raises:
        ValueError: there are no rounds.
    """
    if not values:
        raise ValueError("no rounds")
    return Summary(median(values), min(values), max(values))


def ratio_of_rounds(values: Sequence[float], references: Sequence[float]) -> Summary:
    """How many times the reference, round by round: what disturbs a round disturbs both.

    Raises:
        ValueError: the numbers of rounds differ, or there are none.
    """
    return over_rounds([v / r for v, r in zip(values, references, strict=True)])
