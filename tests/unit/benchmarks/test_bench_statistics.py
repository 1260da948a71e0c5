"""Percentiles and the medians of rounds."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.statistics import over_rounds, percentile, ratio_of_rounds

SAMPLES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50)


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 10), (25, 17.5), (50, 25), (95, 38.5), (100, 40)]
)
def test_a_percentile_is_interpolated_between_ranks(percent, expected):
    assert percentile([40, 10, 30, 20], percent) == pytest.approx(expected)


@given(SAMPLES)
def test_the_50th_percentile_is_the_median(samples):
    assert percentile(samples, 50) == pytest.approx(statistics.median(samples))


@given(SAMPLES, st.floats(0, 100), st.floats(0, 100))
def test_percentiles_rise_with_the_percent_and_stay_within_the_samples(samples, one, other):
    low, high = sorted((one, other))
    assert percentile(samples, low) <= percentile(samples, high) + 1e-6
    assert min(samples) - 1e-6 <= percentile(samples, low)
    assert percentile(samples, high) <= max(samples) + 1e-6


@pytest.mark.parametrize(
    ("percent", "expected"), [(25, 1.0), (50, 2.0), (75, math.inf), (100, math.inf)]
)
def test_a_wait_without_end_is_a_sample_like_any_other(percent, expected):
    assert percentile([1.0, 2.0, math.inf], percent) == pytest.approx(expected, abs=0.5)


def test_nothing_has_no_percentile():
    with pytest.raises(ValueError, match="no samples"):
        percentile([], 50)


def test_rounds_give_their_median_and_range():
    found = over_rounds([5.0, 1.0, 3.0])
    assert (found.value, found.low, found.high) == (3.0, 1.0, 5.0)


def test_ratios_are_taken_within_a_round():
    # the machine was half as fast in the second round: the ratio does not notice
    found = ratio_of_rounds([10.0, 20.0, 10.0], [5.0, 10.0, 4.0])
    assert (found.value, found.low, found.high) == (2.0, 2.0, 2.5)


def test_rounds_that_do_not_pair_are_an_error():
    with pytest.raises(ValueError, match="shorter"):
        ratio_of_rounds([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="no rounds"):
        over_rounds([])
