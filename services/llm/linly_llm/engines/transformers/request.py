"""A request in the batch, seen from both sides."""

import asyncio
from typing import Any, Self

from linly_llm.engine import Sampling


class BatchRequest:
    """Carries one request's results from the generation thread to the event loop.

    Results are cumulative, so only the latest is kept: a slow consumer costs no memory.
    """

    def __init__(self, sampling: Sampling) -> None:
        """Belongs to the running event loop."""
        self.sampling = sampling
        self.tokens: list[int] = []
        """All tokens of the reply so far."""
        self.taken_up = 0.0
        """When the model took it up, on ``time.perf_counter``'s clock."""
        self.finished = False
        """Came to its own end."""
        self.failed = False
        """The generation loop failed under it."""
        self.cancelled = False
        """Nobody wants it any more."""
        self.changed = asyncio.Event()
        """Something above has changed."""
        self.left = asyncio.Event()
        """It takes no part in the batch any more."""
        self._loop = asyncio.get_running_loop()

    def update(self, tokens: list[int], taken_up: float, finished: bool) -> None:
        """Takes a result; in the event loop."""
        self.tokens, self.taken_up, self.finished = tokens, taken_up, finished
        self.changed.set()
        if finished:
            self.left.set()

    def fail(self) -> None:
        """Ends it for a failure of the generation loop; in the event loop."""
        self.failed = not self.finished
        self.changed.set()
        self.left.set()

    def leave(self) -> None:
        """Notes that it left the batch; from any thread."""
        self._loop.call_soon_threadsafe(self.left.set)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Stays itself: the batch copies a request's arguments when it sets it back."""
        return self
