"""What is counted of one method, and where a method's counts are found."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import time
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from linly_mesh.telemetry.rpc.families import RpcFamilies

CODES = tuple(code.name for code in sorted(grpc.StatusCode, key=lambda code: code.value[0]))
"""Names of the status codes, by number."""

OTHER = "other"
"""The service and method of everything that was not declared."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method as the metrics name it."""

    grpc_type: str
    """UNARY, CLIENT_STREAMING, SERVER_STREAMING, BIDI_STREAMING, or UNKNOWN."""
    grpc_service: str
    """Full name of the service."""
    grpc_method: str
    """Name within the service."""


@dataclass(slots=True)
class Exemplar:
    """One observation by which a bucket is explained."""

    trace_id: str
    value: float
    """Seconds."""
    timestamp: float
    """Seconds since the epoch."""


class Distribution:
    """A histogram of plain integers; buckets are not cumulative here."""

    __slots__ = ("bounds", "counts", "exemplars", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        """Upper bounds, inclusive, without +Inf."""
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0
        self.exemplars: dict[int, Exemplar] = {}

    def observe(self, value: float, trace_id: str | None = None) -> None:
        """Counts one value; the newest of a bucket with a trace is its exemplar."""
        place = bisect_left(self.bounds, value)
        self.counts[place] += 1
        self.total += value
        if trace_id is not None:
            self.exemplars[place] = Exemplar(trace_id, value, time())

    def add(self, counts: Iterable[int], total: float) -> None:
        """Adds what was counted elsewhere with the same bounds."""
        mine = self.counts
        for place, count in enumerate(counts):
            if count:
                mine[place] += count
        self.total += total


class MethodCounts:
    """What has happened to one method, on one side.

    Only the thread of the event loop counts. Another thread may read: each field is replaced in
    one step.
    """

    __slots__ = (
        "first_response", "handled", "handling", "message_gap", "method", "requests",
        "responses", "started",
    )  # fmt: skip

    def __init__(self, method: Method, families: RpcFamilies) -> None:
        """Nothing has happened."""
        self.method = method
        self.started = 0
        self.handled = [0] * len(CODES)
        self.requests = 0
        self.responses = 0
        self.handling = Distribution(families.handling.buckets)
        self.first_response = Distribution(families.first_response.buckets)
        self.message_gap = Distribution(families.message_gap.buckets)

    def counting_requests(self, convert: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
        """A request's serializer or deserializer that counts."""

        def counted(message: Any) -> Any:
            if convert is not None:
                message = convert(message)
            self.requests += 1
            return message

        return counted

    def counting_responses(self, convert: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
        """Likewise a response's."""

        def counted(message: Any) -> Any:
            if convert is not None:
                message = convert(message)
            self.responses += 1
            return message

        return counted


class MethodTable:
    """The counts of all methods that were declared, and one for whatever else is called.

    The table never grows: callers choose method names.
    """

    def __init__(self, services: Iterable[ServiceDescriptor], families: RpcFamilies) -> None:
        """Counts the methods of ``services``."""
        self._counts = {
            f"/{service.full_name}/{method.name}": MethodCounts(
                Method(_type(method), service.full_name, method.name), families
            )
            for service in services
            for method in service.methods
        }
        self.other = MethodCounts(Method("UNKNOWN", OTHER, OTHER), families)

    def find(self, path: str) -> MethodCounts:
        """The counts of ``/service/method``."""
        return self._counts.get(path, self.other)

    def __iter__(self) -> Iterator[MethodCounts]:
        yield from self._counts.values()
        yield self.other


def _type(method: MethodDescriptor) -> str:
    return {
        (False, False): "UNARY",
        (True, False): "CLIENT_STREAMING",
        (False, True): "SERVER_STREAMING",
        (True, True): "BIDI_STREAMING",
    }[method.client_streaming, method.server_streaming]
