"""Mouth shapes and co-articulation."""

import itertools
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linly_animator.engine import Viseme, VisemeTiming
from linly_animator.engines.portrait.pose import Mouth
from linly_animator.engines.portrait.speech import LOOK_AHEAD
from linly_animator.engines.portrait.visemes import SHAPES, Articulation, eased

STEP = 0.04

speeches = st.lists(
    st.tuples(st.sampled_from(list(Viseme)), st.floats(0.03, 0.25)), min_size=1, max_size=20
)


def articulation(*sounds: tuple[Viseme, float]) -> tuple[Articulation, list[VisemeTiming]]:
    timings, start = [], 0.1
    for viseme, duration in sounds:
        timings.append(VisemeTiming(viseme, start, duration))
        start += duration
    made = Articulation()
    made.add(timings)
    return made, timings


def mouths(made: Articulation, count: int) -> list[Mouth]:
    return [made.mouth(k * STEP, (k + 1) * STEP) for k in range(count)]


@pytest.mark.parametrize("viseme", list(Viseme))
def test_every_viseme_reaches_its_shape_when_it_is_held(viseme: Viseme) -> None:
    made, _ = articulation((viseme, 0.6))
    mouth, shape = made.mouth(0.38, 0.42), SHAPES[viseme].mouth
    for field in fields(Mouth):
        assert getattr(mouth, field.name) == pytest.approx(getattr(shape, field.name), abs=0.16)


@given(speeches)
def test_every_p_b_m_closes_the_lips_in_the_frame_of_its_middle(
    sounds: list[tuple[Viseme, float]],
) -> None:
    made, timings = articulation(*sounds)
    for timing in timings:
        if timing.viseme is Viseme.PP:
            frame = int((timing.start + timing.duration / 2) / STEP)
            assert made.mouth(frame * STEP, (frame + 1) * STEP).seal == 1


@given(speeches)
def test_a_frame_does_not_change_with_what_is_learned_later(
    sounds: list[tuple[Viseme, float]],
) -> None:
    whole, timings = articulation(*sounds)
    piecewise = Articulation()
    for frame in range(20):
        horizon = (frame + 1) * STEP + LOOK_AHEAD
        early = [t for t in timings if t.start <= horizon]
        piecewise = Articulation()
        piecewise.add(early)
        span = frame * STEP, (frame + 1) * STEP
        assert piecewise.mouth(*span) == whole.mouth(*span)


def test_the_mouth_moves_without_jumps() -> None:
    made, _ = articulation(*[(v, 0.09) for v in Viseme] * 2)
    fine = [made.mouth(k / 500, k / 500).jaw for k in range(1600)]
    assert max(abs(b - a) for a, b in itertools.pairwise(fine)) < 0.05


def test_lips_round_before_the_vowel_that_rounds_them() -> None:
    before_u, _ = articulation((Viseme.SS, 0.12), (Viseme.U, 0.2))
    before_i, _ = articulation((Viseme.SS, 0.12), (Viseme.I, 0.2))
    span = 0.18, 0.22
    assert before_u.mouth(*span).pucker > before_i.mouth(*span).pucker + 0.2


def test_silence_is_a_closed_mouth() -> None:
    made, _ = articulation((Viseme.AA, 0.2), (Viseme.SIL, 0.5))
    assert made.mouth(0.6, 0.64).jaw < 0.02
    assert made.mouth(3.0, 3.04) == Mouth()


def test_rounded_vowels_hide_the_teeth() -> None:
    for viseme in (Viseme.O, Viseme.U):
        assert SHAPES[viseme].mouth.teeth < 0.2


def test_easing_does_not_open_lips_that_must_touch() -> None:
    assert eased(Mouth(seal=1.0), Mouth(jaw=0.6), 0.8).seal == 1
