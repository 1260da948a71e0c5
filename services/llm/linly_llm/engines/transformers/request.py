"""A request in the batch, seen from both sides."""

import asyncio
from dataclasses import dataclass
from typing import Any, Self

from linly_llm.engine import Sampling


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a request has come."""

    tokens: list[int]
    """All tokens of the reply so far."""
    taken_up: float
    """When the model took the request up, on ``time.perf_counter``'s clock."""
    finished: bool
    """No more tokens will come."""


class BatchRequest:
    """Carries one request's progress from the generation thread to the event loop.

    Progress is cumulative, so only the latest is kept: a slow consumer costs no memory.
    """

    def __init__(self, sampling: Sampling) -> None:
        """Belongs to the running event loop."""
        self.sampling = sampling
        self.progress: Progress | None = None
        """The latest; none when the generation loop failed under the request."""
        self.changed = asyncio.Event()
        """The progress is new."""
        self.left = asyncio.Event()
        """It takes no part in the batch any more."""
        self.cancelled = False
        """Nobody wants it any more."""
        self._loop = asyncio.get_running_loop()

    def update(self, progress: Progress) -> None:
        """Takes a result; in the event loop."""
        self.progress = progress
        self.changed.set()
        if progress.finished:
            self.left.set()

    def fail(self) -> None:
        """Ends it for a failure of the generation loop; in the event loop."""
        if not self.left.is_set():
            self.progress = None
            self.changed.set()
            self.left.set()

    def leave(self) -> None:
        """Notes that it left the batch; from any thread."""
        self._loop.call_soon_threadsafe(self.left.set)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Stays itself: the batch copies a request's arguments when it sets it back."""
        return self
