"""A service with every kind of RPC in every style of handler, which does what a play says."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.wrappers_pb2 import StringValue
from grpc._cython import cygrpc

from linly_mesh.errors import ServiceError

KINDS = {
    "Unary": (False, False),
    "CollectIterating": (True, False),
    "CollectReading": (True, False),
    "ListYielding": (False, True),
    "ListWriting": (False, True),
    "ChatYielding": (True, True),
    "ChatWriting": (True, True),
}
"""Methods with whether requests and responses are streams; the name ends in the handler's style."""
NAME = "linly.test.v1.EchoService"


def _describe() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="linly/test/echo.proto", package="linly.test.v1")
    file.dependency.append("google/protobuf/wrappers.proto")
    service = file.service.add(name="EchoService")
    for name, (client, server) in KINDS.items():
        service.method.add(
            name=name,
            input_type=".google.protobuf.StringValue",
            output_type=".google.protobuf.StringValue",
            client_streaming=client,
            server_streaming=server,
        )
    pool = descriptor_pool.DescriptorPool()
    wrappers = descriptor_pb2.FileDescriptorProto()
    StringValue.DESCRIPTOR.file.CopyToProto(wrappers)
    pool.Add(wrappers)
    pool.Add(file)
    return pool.FindServiceByName(NAME)


SERVICE = _describe()


@dataclass(eq=False)
class Play:
    """What one call is to do, and what was seen of it."""

    method: str
    requests: int = 1
    replies: int = 1
    """A chat answers every request instead."""
    ending: str = "ok"
    """ok, abort, set_code, raise, set_and_raise, service_error, hold or stubborn."""
    code: grpc.StatusCode = grpc.StatusCode.ABORTED
    pause: float = 0.0
    """Seconds before each reply."""
    late: bool = False
    """Whether its deadline is what cuts it short."""
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    """The handler runs."""
    held: asyncio.Event = field(default_factory=asyncio.Event)
    """The handler has come to its end and waits to be cut short."""
    half_closed: bool = False
    """Whether the caller has said that no request follows."""
    arrived: bool = False
    """Whether the server called what stands for the handler."""
    outcome: str | None = None
    """What the handler did last: None if it never ran, ``cut`` if it was cut short."""
    taken: int = 0
    """Requests that the handler got."""
    given: int = 0
    """Responses that the handler gave."""


class Codec:
    """Counts every conversion of a message: the truth about messages, below what is tested."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()

    def parse(self, method: str) -> Callable[[bytes], StringValue]:
        def parse(data: bytes) -> StringValue:
            message = StringValue.FromString(data)
            self.count[method] += 1
            return message

        return parse

    def serialize(self, method: str) -> Callable[[StringValue], bytes]:
        def serialize(message: StringValue) -> bytes:
            data = message.SerializeToString()
            self.count[method] += 1
            return data

        return serialize


class Echo:
    """The servicer. A call names its play in its metadata."""

    def __init__(self, plays: dict[str, Play]) -> None:
        self._plays = plays

    def play(self, context: Any) -> Play:
        return self._plays[dict(context.invocation_metadata())["play"]]

    async def Unary(self, request: StringValue, context: Any) -> StringValue:
        play = self.play(context)
        async with Witnessed(play):
            play.taken += 1
            return await self._answer(play, context)

    async def CollectIterating(self, requests: Any, context: Any) -> StringValue:
        play = self.play(context)
        async with Witnessed(play):
            async for _ in requests:
                play.taken += 1
            return await self._answer(play, context)

    async def CollectReading(self, _: Any, context: Any) -> StringValue:
        play = self.play(context)
        async with Witnessed(play):
            while await context.read() is not grpc.aio.EOF:
                play.taken += 1
            return await self._answer(play, context)

    async def ListYielding(self, _: StringValue, context: Any) -> AsyncIterator[StringValue]:
        play = self.play(context)
        async with Witnessed(play):
            play.taken += 1
            for _ in range(play.replies):
                await asyncio.sleep(play.pause)
                yield reply(play)
            await end(play, context)

    async def ListWriting(self, _: StringValue, context: Any) -> None:
        play = self.play(context)
        async with Witnessed(play):
            play.taken += 1
            for _ in range(play.replies):
                await asyncio.sleep(play.pause)
                await context.write(reply(play))
            await end(play, context)

    async def ChatYielding(self, requests: Any, context: Any) -> AsyncIterator[StringValue]:
        play = self.play(context)
        async with Witnessed(play):
            async for _ in requests:
                play.taken += 1
                if play.taken == play.requests and play.ending != "ok":
                    await end(play, context)
                    return
                yield reply(play)

    async def ChatWriting(self, _: Any, context: Any) -> None:
        play = self.play(context)
        async with Witnessed(play):
            while await context.read() is not grpc.aio.EOF:
                play.taken += 1
                if play.taken == play.requests and play.ending != "ok":
                    await end(play, context)
                    return
                await context.write(reply(play))

    async def _answer(self, play: Play, context: Any) -> StringValue:
        await asyncio.sleep(play.pause)
        await end(play, context)
        if play.ending == "set_code":
            return StringValue()  # gRPC sends none
        return reply(play)


class Witnessed:
    """Notes how a handler ends."""

    def __init__(self, play: Play) -> None:
        self._play = play

    async def __aenter__(self) -> None:
        self._play.entered.set()

    async def __aexit__(self, kind: Any, error: Any, _: Any) -> None:
        cut = (asyncio.CancelledError, GeneratorExit, cygrpc.ExecuteBatchError)
        swallowed = self._play.outcome == "cut"
        self._play.outcome = "cut" if isinstance(error, cut) or swallowed else self._play.ending


def reply(play: Play) -> StringValue:
    play.given += 1
    return StringValue(value="reply")


async def end(play: Play, context: Any) -> None:
    """Ends the call in the play's way."""
    match play.ending:
        case "abort":
            await context.abort(play.code, "as told")
        case "set_code":
            context.set_code(play.code)
        case "raise":
            raise RuntimeError("as told")
        case "set_and_raise":
            context.set_code(play.code)
            raise RuntimeError("as told")
        case "service_error":
            raise ServiceError(play.code, "AS_TOLD", "as told")
        case "hold":
            play.held.set()
            await asyncio.Event().wait()
        case "stubborn":
            play.held.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                play.outcome = "cut"


def handlers(echo: Echo, codec_in: Codec, codec_out: Codec) -> grpc.GenericRpcHandler:
    """The service for a server."""
    factories = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }
    return grpc.method_handlers_generic_handler(
        NAME,
        {
            method: factories[kind](
                getattr(echo, method), codec_in.parse(method), codec_out.serialize(method)
            )
            for method, kind in KINDS.items()
        },
    )
