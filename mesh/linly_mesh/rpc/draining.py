"""Streams that would outlive their server: ended at rest, so that the client opens them anew."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TypeVar

import grpc

from linly_mesh.errors import ServiceError

_Response = TypeVar("_Response")

DRAINING = "DRAINING"
"""The reason that such a stream ends with."""


def replaced() -> ServiceError:
    """How a stream ends that was at rest."""
    message = "the server is being replaced; open the stream anew"
    return ServiceError(grpc.StatusCode.UNAVAILABLE, DRAINING, message)


class Draining:
    """Whether the server is about to stop.

    Waiting for a stream that lasts as long as a talk would keep an old server for its whole
    grace, and then cut the stream at a moment of nobody's choosing.
    """

    def __init__(self) -> None:
        """The server serves."""
        self._begun = asyncio.Event()

    def begin(self) -> None:
        """The server has been told to stop."""
        self._begun.set()

    async def begun(self) -> None:
        """Waits until the server is told to stop."""
        await self._begun.wait()

    async def until_at_rest(
        self, responses: AsyncGenerator[_Response, None], at_rest: Callable[[], bool]
    ) -> AsyncGenerator[_Response, None]:
        """Passes on ``responses``; ends the call once the server drains and it is at rest.

        Raises:
            ServiceError: UNAVAILABLE with reason DRAINING; nothing was lost, and the stream
                can be opened anew.
        """
        async with aclosing(responses):
            begun = asyncio.ensure_future(self._begun.wait())
            step: asyncio.Future[_Response] | None = None
            try:
                while not (begun.done() and at_rest()):
                    step = asyncio.ensure_future(anext(responses))
                    await asyncio.wait({step, begun}, return_when=asyncio.FIRST_COMPLETED)
                    if not step.done():
                        if at_rest():
                            break
                        await asyncio.wait({step})
                    try:
                        response = step.result()
                    except StopAsyncIteration:
                        return
                    yield response
            finally:
                begun.cancel()
                if step is not None:
                    await _cancelled(step)
        raise replaced()


async def _cancelled(step: asyncio.Future[_Response]) -> None:
    """A generator can only be closed when nobody waits for its next item any more.

    What it still gave, or how it ended, is of interest to nobody: the call is over.
    """
    step.cancel()
    await asyncio.wait([step])
    if not step.cancelled():
        step.exception()  # looked at, so that asyncio does not complain that nobody did
