"""Reaching a stage that may be restarting: a turn is delayed by it, no more."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

import grpc

from linly_mesh.rpc.duplex import DuplexCall, open_duplex
from linly_mesh.rpc.status import is_signed
from linly_orchestrator.stages.errors import StageError, make_status

_Answer = TypeVar("_Answer")
_UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
_NOBODY = (_UNAVAILABLE, grpc.StatusCode.CANCELLED)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.4
"""Seconds between attempts: the first restart is over in some hundred milliseconds."""


async def reach(stage: str, limit: float, attempt: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Makes a call, and makes it anew while there is nobody who could take it.

    That is UNAVAILABLE before any answer, and not from an application, whose errors say whose
    they are: gRPC or a proxy found no server, so that no model has seen the request and no work
    is done twice. CANCELLED, when it was not we who cancelled, is what a server says that stopped
    while the call came in.

    Raises:
        StageError: there was nobody for ``limit`` seconds.
        grpc.aio.AioRpcError: as the call failed otherwise.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + limit
    pause = _FIRST_PAUSE
    while True:
        try:
            return await attempt()
        except grpc.aio.AioRpcError as error:
            if error.code() not in _NOBODY or is_signed(error):
                raise
            if loop.time() + pause > end:
                message = f"{stage} can't be reached"
                status = make_status(_UNAVAILABLE, stage, "UNREACHABLE", message)
                raise StageError(status) from error
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


@asynccontextmanager
async def reached_duplex(
    stage: str, limit: float, method: Callable[..., Any], timeout: float | None
) -> AsyncIterator[DuplexCall[Any, Any]]:
    """``open_duplex``, as soon as there is somebody who takes the call; see ``reach``."""
    async with AsyncExitStack() as stack:

        async def attempt() -> DuplexCall[Any, Any]:
            return await stack.enter_async_context(open_duplex(method, timeout=timeout))

        yield await reach(stage, limit, attempt)
