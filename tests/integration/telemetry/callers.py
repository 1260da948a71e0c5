"""Clients in every style, who note what they saw."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.wrappers_pb2 import StringValue
from grpc._cython import cygrpc
from integration.telemetry.echo import KINDS, Play
from integration.telemetry.truth import World

from linly_mesh.rpc.duplex import CallEndedError, open_duplex

REQUEST = StringValue(value="request")
_GIVEN_UP = (
    asyncio.CancelledError,
    asyncio.InvalidStateError,
    StopAsyncIteration,
    cygrpc.ExecuteBatchError,
)
"""What grpc.aio raises at a caller who goes on after the end."""


@dataclass(frozen=True)
class Style:
    """How a caller goes about it."""

    writing: str = "iterator"
    """iterator, write or duplex, where requests are a stream."""
    reading: str = "iterate"
    """iterate or read, where responses are."""
    leaving: str | None = None
    """None: stays to the end. ``held``: cancels once the handler waits. ``entered``: cancels
    when the handler runs. A number: cancels after so many passes of the event loop."""
    timeout: float | None = None
    """Seconds."""


def styles(world: World, method: str) -> list[Style]:
    """Every way to call a method and stay to the end."""
    requests, responses = KINDS[method]
    readings = ("iterate", "read") if responses else ("iterate",)
    writings = ("iterator", "write") if requests else ("iterator",)
    found = [Style(writing, reading) for writing in writings for reading in readings]
    if requests and responses and world.mesh:  # a bare server greets late, which duplex waits for
        found.append(Style("duplex"))
    return found


async def call(world: World, play: Play, style: Style) -> grpc.StatusCode:
    """Makes one call, and adds what was seen of it to the world."""
    caller = _Caller(world, play, style)
    code = await (caller.through_duplex() if style.writing == "duplex" else caller.through_stub())
    world.seen.append((play, code, caller.responses))
    return code


class _Caller:
    def __init__(self, world: World, play: Play, style: Style) -> None:
        self._play = play
        self._style = style
        self._method = world.method(play.method)
        self._options = {"metadata": world.stage(play), "timeout": style.timeout}
        self._turn = asyncio.Semaphore(1)
        self._over = False
        self.responses = 0

    async def through_stub(self) -> grpc.StatusCode:
        requests, responses = KINDS[self._play.method]
        if not requests:
            made = self._method(REQUEST, **self._options)
        elif self._style.writing == "iterator":
            made = self._method(self._requests(), **self._options)
        else:
            made = self._method(**self._options)
        leaving = asyncio.create_task(self._leave(made))
        try:
            if requests and self._style.writing == "write":
                await (self._chat(made) if responses else self._tell(made))
            if responses:
                await self._read_all(made)
            else:
                await made
                self.responses += 1
        except grpc.aio.AioRpcError as error:
            return self._real(error)
        except _GIVEN_UP:
            pass
        finally:
            self._over = True
            for _ in range(self._play.requests + 1):
                self._turn.release()
            leaving.cancel()
        code: grpc.StatusCode = await made.code()
        return code

    async def through_duplex(self) -> grpc.StatusCode:
        try:
            async with open_duplex(self._method, **self._options) as made:
                leaving = asyncio.create_task(self._leave(made))
                try:
                    for _ in range(self._play.requests):
                        await made.write(REQUEST)
                        if await made.read() is None:
                            return grpc.StatusCode.OK
                        self.responses += 1
                    self._play.half_closed = True
                    await made.done_writing()
                    async for _ in made:
                        self.responses += 1
                finally:
                    leaving.cancel()
        except grpc.aio.AioRpcError as error:
            return self._real(error)
        except CallEndedError:
            return grpc.StatusCode.OK
        except _GIVEN_UP:
            return grpc.StatusCode.CANCELLED
        return grpc.StatusCode.OK

    def _real(self, error: grpc.aio.AioRpcError) -> grpc.StatusCode:
        """The deadline may end a call during a write, of which grpc.aio makes INTERNAL."""
        if self._play.late and error.details() == "Internal error from Core":
            return grpc.StatusCode.DEADLINE_EXCEEDED
        return error.code()

    async def _leave(self, made: Any) -> None:
        match self._style.leaving:
            case None:
                return
            case "held":
                await self._play.held.wait()
            case "entered":
                await self._play.entered.wait()
            case passes:
                for _ in range(int(passes)):
                    await asyncio.sleep(0)
        made.cancel()

    async def _requests(self) -> AsyncIterator[StringValue]:
        """In a chat one at a time: a server may end it only while nobody writes, see duplex."""
        chat = KINDS[self._play.method][1]
        for _ in range(self._play.requests):
            if chat:
                await self._turn.acquire()
            if not self._over:
                yield REQUEST
        if chat:
            await self._turn.acquire()
        self._play.half_closed = True

    async def _tell(self, made: Any) -> None:
        for _ in range(self._play.requests):
            await made.write(REQUEST)
        self._play.half_closed = True
        await made.done_writing()

    async def _chat(self, made: Any) -> None:
        iterator = aiter(made) if self._style.reading == "iterate" else None
        for _ in range(self._play.requests):
            await made.write(REQUEST)
            answer = await (anext(iterator) if iterator else made.read())
            if answer is grpc.aio.EOF:
                return
            self.responses += 1
        self._play.half_closed = True
        await made.done_writing()

    async def _read_all(self, made: Any) -> None:
        if self._style.reading == "iterate":
            async for _ in made:
                self.responses += 1
                self._turn.release()
        else:
            while await made.read() is not grpc.aio.EOF:
                self.responses += 1
                self._turn.release()


async def settled(world: World) -> None:
    """Returns when no call is open any more, on either side."""
    with suppress(TimeoutError):
        async with asyncio.timeout(10):
            while any(
                value
                for side in ("server", "client")
                for (name, _, _), value in world.exposed(side).items()
                if name == "running"
            ):
                await asyncio.sleep(0.005)
