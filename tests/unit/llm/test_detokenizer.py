"""Tokens become whole code points that concatenate to the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linly_llm.text.detokenizer import Detokenizer
from tests.unit.llm.tiny_model import tiny_tokenizer

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd"))


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


def detokenizer(tokenizer) -> Detokenizer:
    return Detokenizer(lambda ids: tokenizer.decode(ids, skip_special_tokens=True))


@given(text=TEXT, size=st.integers(1, 4))
def test_text_survives_token_by_token(tokenizer, text, size):
    ids = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
    stream = detokenizer(tokenizer)
    pieces = [stream.feed(ids[i : i + size]) for i in range(0, len(ids), size)]
    assert "".join(pieces) + stream.flush() == text


def test_an_emoji_comes_when_its_last_byte_has(tokenizer):
    stream = detokenizer(tokenizer)
    ids = tokenizer.encode("😀")
    assert len(ids) == 4
    assert [stream.feed([token]) for token in ids] == ["", "", "", "😀"]


def test_a_code_point_that_stays_incomplete_is_left_out(tokenizer):
    stream = detokenizer(tokenizer)
    stream.feed(tokenizer.encode("hi"))
    assert stream.feed(tokenizer.encode("你")[:2]) == ""
    assert stream.flush() == ""


def test_special_tokens_are_no_text(tokenizer):
    stream = detokenizer(tokenizer)
    assert stream.feed([tokenizer.bos_token_id, *tokenizer.encode("a")]) == "a"


def test_leading_spaces_stay_when_decoding_depends_on_the_token_before():
    # Like SentencePiece: a word's space is dropped at the beginning of what is decoded.
    words = {1: " Hello", 2: " world"}

    def decode(ids) -> str:
        return "".join(words[i] for i in ids).removeprefix(" ")

    stream = Detokenizer(decode)
    assert [stream.feed([1]), stream.feed([2])] == ["Hello", " world"]
