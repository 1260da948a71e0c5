"""A service of another minor version, as the wire shows it.

A proxy in front of a real service changes each message that passes. The next minor version adds
fields, and events to a stream, which this one does not know. The one before lacks what is
optional. Nothing else may differ within v1, which ``buf breaking`` holds.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from linly_mesh.rpc.channel import open_channel

# Field 19998 as text and field 19999 as a number, in protobuf's wire format.
UNKNOWN = b"\xf2\xe1\x09\x04next" + b"\xf8\xe1\x09\x2a"

Change = Callable[[Message], None]


def add_unknown(message: Message) -> None:
    """What the next minor version may send: more fields, at every level."""
    for part in submessages(message):
        add_unknown(part)
    if message.DESCRIPTOR.full_name.startswith("linly."):
        message.MergeFromString(UNKNOWN)


def drop_optional(message: Message) -> None:
    """What the minor version before may not have known: all that is optional."""
    for part in submessages(message):
        drop_optional(part)
    for known, _ in message.ListFields():
        if is_optional(known):
            message.ClearField(known.name)


def is_optional(known: FieldDescriptor) -> bool:
    """A StageTiming, or a scalar whose absence means something."""
    if known.type == FieldDescriptor.TYPE_MESSAGE:
        return known.message_type.name == "StageTiming"
    # Protobuf makes an ``optional`` scalar a oneof of its own.
    return known.containing_oneof is not None and len(known.containing_oneof.fields) == 1


def submessages(message: Message) -> list[Message]:
    found: list[Message] = []
    for known, value in message.ListFields():
        if known.type == FieldDescriptor.TYPE_MESSAGE:
            found += value if known.is_repeated else [value]
    return found


@dataclass
class SkewedService(grpc.GenericRpcHandler):
    """Stands before the service at ``target``."""

    target: str
    change_request: Change
    change_response: Change
    unknown_events: bool
    """Whether every message of a stream is followed by one of a kind not known here."""
    passed: Counter[str] = field(default_factory=Counter)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """A method of any kind; on the wire, one message is a stream of one."""
        forward = partial(self._forward, handler_call_details.method)
        return grpc.stream_stream_rpc_method_handler(forward)

    async def _forward(
        self, method: str, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[bytes]:
        service, _, name = method.removeprefix("/").partition("/")
        described = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
        answer = GetMessageClass(described.output_type)

        async def changed() -> AsyncIterator[bytes]:
            asked = GetMessageClass(described.input_type)
            async for request in requests:
                self.passed["requests"] += 1
                yield altered(asked, request, self.change_request)

        await context.send_initial_metadata(())
        async with open_channel(self.target) as channel:
            call = channel.stream_stream(method)(changed())
            try:
                async for response in call:
                    self.passed["responses"] += 1
                    yield altered(answer, response, self.change_response)
                    if self.unknown_events and described.server_streaming:
                        yield UNKNOWN
            except grpc.aio.AioRpcError as error:
                await context.abort(error.code(), error.details(), error.trailing_metadata())
            finally:
                call.cancel()


def altered(kind: type[Message], message: bytes, change: Change) -> bytes:
    parsed = kind.FromString(message)
    change(parsed)
    return parsed.SerializeToString()
