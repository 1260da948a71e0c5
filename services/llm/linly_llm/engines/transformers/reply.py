"""A reply as it grows from tokens."""

from collections.abc import Callable, Collection, Sequence

from linly_llm.text.detokenizer import Detokenizer
from linly_llm.text.stops import StopStrings


class Reply:
    """Turns the tokens of one request into text and knows when the reply is over."""

    def __init__(
        self,
        decode: Callable[[Sequence[int]], str],
        end: Collection[int],
        stops: Sequence[str],
    ) -> None:
        """Ends before a token of ``end`` or a string of ``stops``."""
        self._detokenizer = Detokenizer(decode)
        self._end = end
        self._stops = StopStrings(stops)
        self.tokens = 0
        """Tokens made so far."""
        self.stopped = False
        """The model or a stop string ended it."""

    def advance(self, tokens: Sequence[int], *, finished: bool) -> str:
        """Takes all tokens so far; returns new text.

        Args:
            tokens: those of earlier calls and new ones.
            finished: no more will come, so nothing is held back.
        """
        new = tokens[self.tokens :]
        self.tokens = len(tokens)
        self.stopped = bool(new) and new[-1] in self._end
        text = self._detokenizer.feed(new[:-1] if self.stopped else new)
        if finished:
            text += self._detokenizer.flush()
        text = self._stops.feed(text)
        if self._stops.found:
            self.stopped = True
        elif finished:
            text += self._stops.flush()
        return text
