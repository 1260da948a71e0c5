"""What a stream still has to say, in order."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from linly_tts.text.cleaning import blank_unspoken, has_sound
from linly_tts.text.splitter import Clause, ClauseSplitter

_SLICE = 1024
"""Code points that are split at a time, so that a long text does not hold up the others."""
_MOST_WAITING = 200_000
"""Code points that wait to be spoken; beyond, the caller's writes wait. Twice a segment, so that
a cancel behind a whole one is still heard at once."""


class Mark(Enum):
    """A place in the script that gets an answer."""

    FLUSH = auto()
    CANCEL = auto()


@dataclass(frozen=True, slots=True)
class PendingClause:
    """A clause on its way to be spoken."""

    segment_id: str
    """The segment that it is part of."""
    clause: Clause
    """Its text, with spaces for what is not for speaking."""
    received: float = field(default_factory=time.monotonic)
    """When the text that ends it came, on the monotonic clock."""


class Script:
    """Takes text as it is written and gives it clause by clause.

    One task writes and one takes.
    """

    def __init__(self) -> None:
        """Nothing to say yet."""
        self._segment_id: str | None = None
        self._lengths: dict[str, int] = {}
        self._splitter = ClauseSplitter()
        self._queue: deque[PendingClause | Mark] = deque()
        self._waiting = 0
        self._ended = False
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    @property
    def segments(self) -> int:
        """How many segments there have been."""
        return len(self._lengths)

    def length(self, segment_id: str) -> int | None:
        """Code points of a segment so far; None if it is new."""
        return self._lengths.get(segment_id)

    async def add(self, segment_id: str, text: str) -> None:
        """Takes more text of a segment; waits while very much text waits to be spoken.

        Where another segment begins, a clause ends.
        """
        if segment_id != self._segment_id:
            self._flush_text()
            start = self._lengths.get(segment_id, 0)
            self._splitter = ClauseSplitter(start=start, eager=self._splitter.eager)
            self._segment_id = segment_id
        self._lengths[segment_id] = self._splitter.end + len(text)
        for at in range(0, len(text), _SLICE):
            await self._room.wait()
            self._enqueue(self._splitter.feed(text[at : at + _SLICE]))
            await asyncio.sleep(0)

    def flush(self) -> None:
        """Ends a clause here, and asks for an answer when it has been spoken."""
        self._flush_text()
        self._pause(Mark.FLUSH)

    def cancel(self) -> None:
        """Forgets all text so far, and asks for an answer."""
        self._splitter.flush()
        self.drop()
        self._pause(Mark.CANCEL)

    def end(self) -> None:
        """No more text follows."""
        self._flush_text()
        self._ended = True
        self._changed.set()

    async def take(self) -> PendingClause | Mark | None:
        """What comes next, as soon as it is known; None at the end."""
        while not self._queue:
            if self._ended:
                return None
            self._changed.clear()
            await self._changed.wait()
        item = self._queue.popleft()
        if isinstance(item, PendingClause):
            self._count(-len(item.clause.text))
        return item

    def drop(self) -> None:
        """Forgets the clauses that wait; answers that are owed stay owed."""
        self._queue = deque(item for item in self._queue if isinstance(item, Mark))
        self._count(-self._waiting)

    def _pause(self, mark: Mark) -> None:
        """What follows is waited for by somebody: its first clause is to be short."""
        self._splitter = ClauseSplitter(start=self._splitter.end)
        self._queue.append(mark)
        self._changed.set()

    def _flush_text(self) -> None:
        self._enqueue(self._splitter.flush())

    def _enqueue(self, clauses: Iterable[Clause]) -> None:
        for clause in clauses:
            text = blank_unspoken(clause.text)
            if not has_sound(text) or self._segment_id is None:
                continue
            self._queue.append(PendingClause(self._segment_id, replace(clause, text=text)))
            self._count(len(text))
            self._changed.set()

    def _count(self, difference: int) -> None:
        self._waiting += difference
        if self._waiting < _MOST_WAITING:
            self._room.set()
        else:
            self._room.clear()
