"""What of a text is not for speaking."""

import re
from unicodedata import category

_PICTOGRAPHS = "\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
_UNSPOKEN = re.compile(
    f"[{_PICTOGRAPHS}][{_PICTOGRAPHS}\u200d\ufe0e\ufe0f\U000e0020-\U000e007f]*"
    "|[0-9#*]\ufe0f?\u20e3"  # keycaps
    r"|\*|^\s*#+(?=\s)"  # emphasis and headings, as language models write them
)
_NEVER_TEXT = frozenset({"Cc", "Cn", "Co", "Cs"})
"""Categories: control characters, unassigned, private, lone surrogates."""
_READ_ALOUD = frozenset("&@%#+=<>")


def blank_unspoken(text: str) -> str:
    """The text with a space for each code point that is not for speaking.

    Those are control characters but the line's end, what is no text at all, pictographs and the
    marks of Markdown. The length stays the same, so that positions do.
    """
    text = _UNSPOKEN.sub(lambda match: " " * len(match[0]), text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " if category(c) in _NEVER_TEXT and c != "\n" else c for c in text)


def has_sound(text: str) -> bool:
    """Whether there is anything to say in a text without unspoken code points."""
    return any(c.isalnum() or c in _READ_ALOUD or category(c) == "Sc" for c in text)
