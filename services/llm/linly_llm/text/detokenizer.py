"""From tokens to text, as they come."""

from collections.abc import Callable, Sequence

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class Detokenizer:
    """Turns a growing sequence of tokens into pieces of text that concatenate to the whole.

    A token of a byte-level vocabulary may be a part of a code point, and the text of a token
    may depend on the one before it (its leading space). So a window of the last tokens is
    decoded with and without the new ones; the difference is new text, unless it ends within a
    code point. The method is that of vLLM and text-generation-inference.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        """Uses ``decode``, which leaves special tokens out and writes U+FFFD for broken bytes."""
        self._decode = decode
        self._context: list[int] = []
        self._pending: list[int] = []

    def feed(self, tokens: Sequence[int]) -> str:
        """Takes more tokens; returns the text that they complete, whole code points only."""
        self._pending += tokens
        text = self._new_text()
        if not text or text.endswith(_REPLACEMENT):
            return ""
        self._context, self._pending = self._pending, []
        return text

    def flush(self) -> str:
        """Returns what was held back, without a code point that remained incomplete."""
        text = self._new_text().rstrip(_REPLACEMENT)
        self._context, self._pending = [], []
        return text

    def _new_text(self) -> str:
        if not self._pending:
            return ""
        before = self._decode(self._context)
        return self._decode(self._context + self._pending)[len(before) :]
