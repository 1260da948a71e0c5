"""The client's side of a bidirectional stream, with the status that the server really sent."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Generic, TypeVar

import grpc
from grpc._cython import cygrpc  # type: ignore[attr-defined]  # an extension module

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")

_METADATA_PATIENCE = 2.0
"""Seconds to wait for initial metadata; a foreign server may send it with its first message."""
_STATUS_PATIENCE = 0.25
"""Seconds to wait for the real status after a failed write; it was on its way in every trial."""


class CallEndedError(Exception):
    """The server has ended the call, with OK, while there was more to write."""


class DuplexCall(Generic[_Request, _Response]):
    """One bidirectional call. Reading and writing may happen in different tasks."""

    def __init__(self, call: Any) -> None:
        """Takes a call made without a request iterator."""
        self._call = call

    async def write(self, request: _Request) -> None:
        """Sends one message; waits while the server does not keep up.

        grpc.aio reports INTERNAL instead of the server's status when the server ends the call
        during a write (grpc issue 36066, open in 1.85). Its own ``write`` marks the call failed
        at once; here Core gets a moment to deliver the status first. The private attribute is
        the only way to it.

        Raises:
            grpc.aio.AioRpcError: the call has ended, with its real status.
            CallEndedError: it has ended with OK.
        """
        call = self._call
        if call.done():
            await self._raise_status()
        try:
            await call._cython_call.send_serialized_message(call._request_serializer(request))
        except cygrpc.InternalError as error:
            try:
                async with asyncio.timeout(_STATUS_PATIENCE):
                    await call._cython_call.status()
            except TimeoutError:
                call._cython_call.set_internal_error(str(error))
            await self._raise_status()

    async def offer(self, request: _Request) -> None:
        """Sends a message that a server whose work is done does not need; otherwise as ``write``.

        A call that has ended, or ends meanwhile, is no error here: its status, and the messages
        before it, are for whoever reads.
        """
        if not self._call.done():
            with suppress(cygrpc.InternalError):
                message = self._call._request_serializer(request)
                await self._call._cython_call.send_serialized_message(message)

    async def done_writing(self) -> None:
        """Half-closes."""
        if not self._call.done():
            await self._call.done_writing()

    async def read(self) -> _Response | None:
        """The next message; None when the call ended with OK.

        Raises:
            grpc.aio.AioRpcError: the call ended with an error.
        """
        message = await self._call.read()
        return None if message is grpc.aio.EOF else message

    async def __aiter__(self) -> AsyncIterator[_Response]:
        """The messages up to the end; raises as ``read`` does."""
        while (message := await self.read()) is not None:
            yield message

    def cancel(self) -> None:
        """Ends the call now, on both sides."""
        self._call.cancel()

    async def _raise_status(self) -> None:
        await self._call._raise_for_status()
        raise CallEndedError("the server has ended the call")


@asynccontextmanager
async def open_duplex(
    method: Callable[..., Any],
    *,
    timeout: float | None = None,
    metadata: tuple[tuple[str, str], ...] = (),
) -> AsyncIterator[DuplexCall[Any, Any]]:
    """Opens a stream and never leaves it running: it is cancelled when the block is left.

    Args:
        method: a stub's stream-stream method.
        timeout: the call's deadline in seconds; gRPC does not pass a parent's on by itself.
        metadata: sent with the call.

    Raises:
        grpc.aio.AioRpcError: the server can't be reached or refused the call.
    """
    call = method(timeout=timeout, metadata=metadata)
    try:
        try:
            async with asyncio.timeout(_METADATA_PATIENCE):
                await call.wait_for_connection()
                await call.initial_metadata()
        except TimeoutError:
            pass  # a server that is slow to greet still gets its first message
        if call.done():
            await call._raise_for_status()
        yield DuplexCall(call)
    finally:
        call.cancel()
