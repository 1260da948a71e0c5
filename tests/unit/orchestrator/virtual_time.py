"""An event loop whose clock jumps to the next thing that will happen."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any
from unittest.mock import patch

from linly_orchestrator import clock


class _JumpingSelector(selectors.DefaultSelector):
    now = 0.0

    def select(self, timeout=None):
        if timeout is None:
            raise AssertionError("everybody waits and nothing will ever happen")
        self.now += timeout
        return super().select(0)


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Runs ``coroutine`` in virtual time, from 0."""
    with patch.object(clock, "now", now), asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(coroutine)


def now() -> float:
    return asyncio.get_running_loop().time()
