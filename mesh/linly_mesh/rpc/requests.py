"""The order of a request stream: one config, then data, then an explicit end."""

from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from google.protobuf.message import Message

from linly_mesh.errors import ServiceError, invalid_argument

_Request = TypeVar("_Request", bound=Message)


class RequestReader(Generic[_Request]):
    """Reads a stream whose messages hold a ``oneof request`` and checks their order.

    Every violation is INVALID_ARGUMENT on the field ``request`` and says what was expected.
    """

    def __init__(self, requests: AsyncIterator[_Request]) -> None:
        """Reads from ``requests``, which must not be read by anybody else."""
        self._requests = requests
        self.ended = False
        """Whether the client has said that nothing more follows."""

    async def config(self) -> _Request:
        """The first message, which must be the config."""
        request = await anext(self._requests, None)
        if request is None:
            raise _out_of_order("expected config first, got the end of the stream")
        kind = request.WhichOneof("request")
        if kind != "config":
            raise _out_of_order(f"expected config first, got {kind or 'an empty message'}")
        return request

    async def __aiter__(self) -> AsyncIterator[tuple[str, _Request]]:
        """The messages after the config with their kinds, up to ``end`` or half-close.

        Nothing after ``end`` is read: a client that forgets to half-close gets its answer too.
        """
        async for request in self._requests:
            kind = request.WhichOneof("request")
            self.ended = kind == "end"
            if kind is None:
                raise _out_of_order("expected data or end, got an empty message")
            if kind == "config":
                raise _out_of_order("expected data or end, got a second config")
            if kind == "end":
                return
            yield kind, request
        self.ended = True


def _out_of_order(description: str) -> ServiceError:
    return invalid_argument("request", description, reason="OUT_OF_ORDER")
