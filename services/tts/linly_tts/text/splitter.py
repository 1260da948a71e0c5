"""Text that is still being written, cut into clauses that can be spoken."""

from dataclasses import dataclass
from unicodedata import east_asian_width

import regex

from linly_tts.text.punctuation import (
    CLAUSE_MARKS,
    CLOSERS,
    SENTENCE_MARKS,
    ends_sentence,
)

_GRAPHEME = regex.compile(r"\X")
_WIDE_LETTER = 3
"""A Chinese, Japanese or Korean character is a syllable, about three Latin letters' worth."""
_LONGEST_GRAPHEME = 64
"""Code points after which a cluster is cut: Unicode's stream-safe text (UAX #15) needs 32."""


@dataclass(frozen=True, slots=True)
class ClauseLengths:
    """How long clauses are to be, counted in Latin letters' worth of speech."""

    minimum: int
    """A comma or its like ends a clause only from here on."""
    maximum: int
    """A run without a mark is cut here, at a word's end if there is one."""


EAGER = ClauseLengths(minimum=8, maximum=32)
"""While nothing is being spoken: somebody waits for the first sound. 32 letters are about
two seconds of speech, in which even a slow writer gets the next clause done."""
STEADY = ClauseLengths(minimum=48, maximum=200)
"""Later: longer clauses have the better melody."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of a text that is spoken in one go."""

    start: int
    """Its first code point in the text, from 0."""
    text: str
    """The text with the mark that ends it; space before its first word belongs to it."""


class ClauseSplitter:
    """Takes deltas of one text and gives its clauses, which concatenate to the text.

    However the text is cut into deltas, the clauses are the same: each decision rests on the
    clause so far and at most the character after it. ``flush`` decides without that character.
    """

    def __init__(self, *, start: int = 0, eager: bool = True) -> None:
        """Begins at code point ``start``; ``eager`` until the first clause with words."""
        self._eager = eager
        self._start = start
        self._held = ""
        # What is known of the held text up to ``_scanned``:
        self._scanned = 0
        self._letters = 0
        self._has_words = False
        self._undecided = False
        self._word_end = 0

    @property
    def eager(self) -> bool:
        """Whether no clause with words has been given yet."""
        return self._eager

    @property
    def end(self) -> int:
        """Code points of the text so far."""
        return self._start + len(self._held)

    def feed(self, delta: str) -> list[Clause]:
        """Takes more of the text and gives the clauses that are complete with it."""
        self._held += delta
        clauses: list[Clause] = []
        while self._scanned < len(self._held):
            cut = self._scan(self._scanned)
            self._scanned += 1
            if cut is not None:
                clauses.append(self._cut(cut))
        return clauses

    def flush(self) -> list[Clause]:
        """Gives what is held, although no clause has ended."""
        return [self._cut(len(self._held))] if self._held else []

    def _scan(self, at: int) -> int | None:
        """Looks at one more character; the clause's length if that shows where it ends."""
        character = self._held[at]
        if self._undecided:
            if character.isspace():
                return at
            if character not in CLOSERS:
                self._undecided = False
        if character.isspace():
            if character == "\n" and self._has_words:
                return at + 1
            if self._has_words and not self._held[at - 1].isspace():
                self._word_end = at
        elif character.isalnum():
            self._has_words = True
        elif self._has_words and self._mark_ends_clause(at, character):
            return at + 1
        self._letters += _WIDE_LETTER if east_asian_width(character) == "W" else 1
        if self._letters > self._lengths.maximum:
            return self._word_end or self._grapheme_boundary(at)
        return None

    def _mark_ends_clause(self, at: int, mark: str) -> bool:
        """Whether it does so at once; if only the next character can tell, notes that."""
        if mark in SENTENCE_MARKS:
            return True
        before = self._held[at - 1]
        if mark == ".":
            if east_asian_width(before) == "W":
                return True
            self._undecided = ends_sentence(self._held[:at])
        elif mark in CLAUSE_MARKS and self._letters >= self._lengths.minimum:
            # 12:30 and 1,000 go on; a comma after a word does not have to wait
            self._undecided = mark == ":" or (mark == "," and before.isdigit())
            return not self._undecided
        return False

    def _grapheme_boundary(self, at: int) -> int | None:
        """The last place up to ``at`` where no grapheme cluster is torn apart."""
        if self._letters > self._lengths.maximum + _LONGEST_GRAPHEME:
            return at
        last = 0
        for grapheme in _GRAPHEME.finditer(self._held, 0, at + 1):
            last = grapheme.start()
        return last or None

    @property
    def _lengths(self) -> ClauseLengths:
        return EAGER if self._eager else STEADY

    def _cut(self, length: int) -> Clause:
        clause = Clause(self._start, self._held[:length])
        self._eager = self._eager and not any(map(str.isalnum, clause.text))
        self._start += length
        self._held = self._held[length:]
        # what follows a cut is looked at afresh
        self._scanned = self._letters = self._word_end = 0
        self._has_words = self._undecided = False
        return clause
