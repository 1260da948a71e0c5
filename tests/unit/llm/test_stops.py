"""A stop string ends the text at the same place, however the text comes."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linly_llm.text.stops import StopStrings

ALPHABET = "ab😀\n"
texts = st.text(ALPHABET, max_size=24)
stop_sets = st.lists(st.text(ALPHABET, min_size=1, max_size=4), max_size=4)


def expected(text: str, stops: list[str]) -> str:
    """The definition: the stop string that is complete first, of several the longest."""
    for end in range(len(text) + 1):
        starts = [end - len(stop) for stop in stops if text[:end].endswith(stop)]
        if starts:
            return text[: min(starts)]
    return text


def run(pieces: list[str], stops: list[str]) -> tuple[str, bool]:
    matcher = StopStrings(stops)
    out = ""
    for piece in pieces:
        out += matcher.feed(piece)
        if matcher.found:
            return out, True
    return out + matcher.flush(), False


@given(texts, stop_sets, st.lists(st.integers(0, 24)))
def test_any_cut_gives_the_defined_output(text, stops, cuts):
    cuts = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[a:b] for a, b in itertools.pairwise(cuts)]
    found = any(stop in text for stop in stops)
    assert run(pieces, stops) == (expected(text, stops), found)


@given(texts, stop_sets)
def test_nothing_given_out_is_ever_taken_back(text, stops):
    matcher = StopStrings(stops)
    out = ""
    for character in text:
        out += matcher.feed(character)
        assert expected(text, stops).startswith(out)
        if matcher.found:
            break


@pytest.mark.parametrize(
    ("fed", "given_out"),
    [("Hello", "Hello"), ("Hello\n", "Hello"), ("Hello\nU", "Hello"), ("Hello\nX", "Hello\nX")],
)
def test_holds_back_only_what_may_begin_a_stop_string(fed, given_out):
    assert StopStrings(["\nUser:"]).feed(fed) == given_out
