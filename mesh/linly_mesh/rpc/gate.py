"""Which calls a server takes up once it stops, and how long their connections stay."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor

_Behaviour = Callable[..., Awaitable[Any]]

_LINGER = 0.2
"""Seconds that a connection is kept beyond the end of its last call. A proxy on a busy machine
takes some tens of milliseconds to read it."""


class CallGate:
    """Lets in the calls of a server that has a proxy in front of it, until it is closed.

    gRPC closes the connections of a server that stops with the end of their last calls. Envoy
    writes to a connection before it reads from it; when it finds it closed then, it throws away
    what it has not read, and a call that was answered in full is a lost one to its caller.
    """

    def __init__(self, services: Iterable[ServiceDescriptor]) -> None:
        """Is open; calls of other services, health's above all, go past it."""
        self._services = {service.full_name for service in services}
        self._open = True
        self._running = 0
        self._quiet = asyncio.Event()

    def guarded(self, behaviour: _Behaviour, method: str) -> _Behaviour:
        """The handler of ``/service/method``, not a generator, behind this gate."""
        if method.split("/")[1] not in self._services:
            return behaviour

        async def call(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            if not self._open:  # unsigned and before any answer: the caller may try elsewhere
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the server is stopping")
            self._running += 1
            try:
                return await behaviour(request, context)
            finally:
                self._running -= 1
                self._look()

        return call

    async def close(self, grace: float) -> None:
        """Refuses further calls; returns a moment after the running ones, or after ``grace`` s."""
        self._open = False
        self._look()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._quiet.wait()
                await asyncio.sleep(_LINGER)

    def _look(self) -> None:
        if not self._open and not self._running:
            self._quiet.set()
