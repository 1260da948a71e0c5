"""Blinks, breath and sway."""

import itertools
from dataclasses import astuple

from linly_animator.engines.portrait.life import Life
from linly_animator.engines.portrait.pose import Head


def heads(seed: int, seconds: float, rate: int = 100) -> list[Head]:
    life = Life(seed)
    return [life.head(k / rate) for k in range(int(seconds * rate))]


def test_the_same_seed_lives_the_same_life() -> None:
    assert heads(3, 20) == heads(3, 20)
    assert heads(3, 20) != heads(4, 20)


def test_people_blink_every_few_seconds_and_fully() -> None:
    blinks = [h.blink for h in heads(1, 120)]
    starts = [k for k in range(1, len(blinks)) if blinks[k - 1] == 0 < blinks[k]]
    assert 15 <= len(starts) <= 60
    assert max(blinks) == 1
    gaps = [b - a for a, b in itertools.pairwise(starts)]
    assert len(set(gaps)) > len(gaps) // 2, "blinks must not tick like a clock"


def test_a_blink_closes_faster_than_it_opens() -> None:
    blinks = [h.blink for h in heads(1, 4, rate=1000)]
    first = next(k for k, b in enumerate(blinks) if b > 0)
    shut = blinks.index(1.0)
    opened = next(k for k in range(shut, len(blinks)) if blinks[k] == 0)
    assert shut - first < (opened - shut)
    assert 100 < opened - first < 400


def test_nothing_jumps_and_the_head_stays_upright() -> None:
    life = heads(5, 60, rate=100)
    for before, after in itertools.pairwise(life):
        for a, b in zip(astuple(before), astuple(after), strict=True):
            assert abs(b - a) < 0.25
        assert abs(after.yaw - before.yaw) < 0.002
        assert abs(after.yaw) < 0.06
        assert abs(after.roll) < 0.03


def test_time_may_be_taken_back() -> None:
    life = Life(2)
    at_three = life.head(3.0)
    life.head(3.5)
    assert life.head(3.0) == at_three
