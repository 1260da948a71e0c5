import pytest
from hypothesis import given
from hypothesis import strategies as st

from linly_tts.text.cleaning import blank_unspoken, has_sound


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("nul\x00bell\x07esc\x1b", "nul bell esc "),
        ("hi 😀!", "hi  !"),
        ("👩‍👩‍👧 ok", "      ok"),
        ("❤️ 1️⃣ 🇩🇪", "         "),
        ("**bold** `code`", "  bold   `code`"),
        ("# Title\n", "  Title\n"),
        ("\ud800x\ue000", " x "),
        ("naïve, 你好 — नमस्ते?", "naïve, 你好 — नमस्ते?"),
        ("C# & 50% of $3", "C# & 50% of $3"),
    ],
)
def test_what_is_not_for_speaking_becomes_space(text: str, clean: str) -> None:
    assert blank_unspoken(text) == clean


@given(st.text())
def test_positions_stay(text: str) -> None:
    clean = blank_unspoken(text)
    assert len(clean) == len(text)
    assert all(new in (old, " ") for old, new in zip(text, clean, strict=True))


@pytest.mark.parametrize("text", ["", "  \n", "...", "—", "（）", "   "])
def test_marks_alone_have_no_sound(text: str) -> None:
    assert not has_sound(text)


@pytest.mark.parametrize("text", ["a", "7", "你", "&", "$", "50%"])
def test_words_numbers_and_signs_have(text: str) -> None:
    assert has_sound(text)
