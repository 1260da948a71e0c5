import time

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from linly_tts.text.splitter import EAGER, STEADY, ClauseSplitter


def split(*deltas: str, eager: bool = False) -> list[str]:
    splitter = ClauseSplitter(eager=eager)
    clauses = [clause for delta in deltas for clause in splitter.feed(delta)]
    return [clause.text for clause in (*clauses, *splitter.flush())]


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("Yes. No! Why? Well… so.", ["Yes.", " No!", " Why?", " Well…", " so."]),
        ("你好。很好！吗？", ["你好。", "很好！", "吗？"]),
        ("नमस्ते। ठीक है॥", ["नमस्ते।", " ठीक है॥"]),
        ("هل أنت بخير؟ نعم۔", ["هل أنت بخير؟", " نعم۔"]),
        ('He said "I do." Then he left.', ['He said "I do."', " Then he left."]),
        ("One\nTwo\n\nThree", ["One\n", "Two\n", "\nThree"]),
        ("Wait... what?!", ["Wait...", " what?", "!"]),
    ],
    ids=["latin", "chinese", "devanagari", "arabic", "quotation", "lines", "runs of marks"],
)
def test_sentences_end_where_their_marks_stand(text: str, clauses: list[str]) -> None:
    assert split(text) == clauses


@pytest.mark.parametrize(
    "text",
    [
        "It costs $3.14 and weighs 1.5 kg",
        "It is a long way from here to there from 12:30 to 1,000,000 or to 3,14 of them",
        "Dr. Smith and Mrs. Jones vs. Prof. Brown",
        "The U.S. army, e.g. J. R. Hartley",
        "See example.com or a.b.c",
        "1. The first of the list",
        "Das gilt z.B. bzw. usw. hier",
    ],
)
def test_a_stop_inside_a_number_name_or_abbreviation_ends_nothing(text: str) -> None:
    assert split(text) == [text]


@pytest.mark.parametrize(
    ("mark", "word"),
    [(",", "word "), (";", "word "), (":", "word "), (" —", "word "), ("，", "词"), ("،", "كلمة ")],
)
def test_a_comma_ends_a_clause_only_when_that_is_long_enough(mark: str, word: str) -> None:
    assert len(split(f"{word * 2}{mark} and more")) == 1
    assert len(split(f"{word * 16}{mark} and more")) == 2


def test_the_first_clause_of_a_speech_is_short() -> None:
    text = "Well now, this is the story of a man who never came in time, " * 2
    first, second, *_ = split(text, eager=True)
    assert first == "Well now,"
    assert STEADY.minimum <= len(second) <= STEADY.maximum


def test_a_first_clause_without_a_mark_is_cut_at_a_words_end() -> None:
    first, *_ = split("The highest mountain of the European Alps is Mont Blanc.", eager=True)
    assert first == "The highest mountain of the"
    assert len(first) <= EAGER.maximum


@pytest.mark.parametrize("run", ["word " * 200, "词" * 400, "สวัสดี" * 100, "x" * 900])
def test_a_long_run_without_a_mark_is_cut(run: str) -> None:
    clauses = split(run)
    assert len(clauses) >= 4
    assert all(len(clause) <= STEADY.maximum for clause in clauses)
    if " " in run:
        assert all(clause.startswith(" ") for clause in clauses[1:])


def test_a_mark_that_may_stand_in_a_number_waits_for_the_next_character() -> None:
    splitter = ClauseSplitter(eager=False)
    assert splitter.feed("It is 3.") == []
    assert splitter.feed("14 or so. ") != []


def test_flush_settles_what_is_open() -> None:
    splitter = ClauseSplitter()
    assert splitter.feed("It is 3.") == []
    assert [clause.text for clause in splitter.flush()] == ["It is 3."]
    assert splitter.flush() == []
    assert splitter.feed("14") == []
    assert [(clause.start, clause.text) for clause in splitter.flush()] == [(8, "14")]


def test_a_mark_that_can_mean_one_thing_only_does_not_wait() -> None:
    for text in ("Oh!", "Oh?", "好。", "Oh…"):
        assert len(ClauseSplitter().feed(text)) == 1


TEXT = st.text(
    st.one_of(
        st.sampled_from("ab c.,;:!?\n\"')1 23。，你好 \u0301\u200d👩🇩🇪Drеग्रो"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=400,
)


@given(text=TEXT, eager=st.booleans(), data=st.data())
def test_clauses_do_not_depend_on_the_deltas(text: str, eager: bool, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=20)))
    deltas = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert split(*deltas, eager=eager) == split(text, eager=eager)
    assert split(*text, eager=eager) == split(text, eager=eager)


@given(text=TEXT, start=st.integers(0, 1000))
def test_clauses_concatenate_to_the_text(text: str, start: int) -> None:
    splitter = ClauseSplitter(start=start)
    at = start
    for clause in (*splitter.feed(text), *splitter.flush()):
        assert clause.start == at
        assert clause.text == text[at - start : at - start + len(clause.text)]
        at += len(clause.text)
    assert at == splitter.end == start + len(text)


@given(st.text(st.sampled_from("e\u0301👩\u200d👧🇩🇪กำ각"), min_size=100, max_size=400))
def test_a_grapheme_cluster_is_never_torn(text: str) -> None:
    boundaries = {match.start() for match in regex.finditer(r"\X", text)} | {len(text)}
    at = 0
    for clause in split(text):
        at += len(clause)
        longest = max(len(cluster) for cluster in regex.findall(r"\X", text))
        assert at in boundaries or longest > 64


@pytest.mark.parametrize("unit", ["word ", "词", ".", "e\u0301", "\u0301", "1,", "Dr. "])
def test_the_time_is_linear_in_the_text(unit: str) -> None:
    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        splitter = ClauseSplitter()
        begin = time.process_time()
        for at in range(0, len(text), 10):
            splitter.feed(text[at : at + 10])
        return time.process_time() - begin

    seconds(1_000)
    assert seconds(100_000) < 30 * max(seconds(10_000), 0.002)
