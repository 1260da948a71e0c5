"""RPCs as a client sees them."""

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from prometheus_client import CollectorRegistry

from linly_mesh.telemetry.rpc.call import Rpc, RpcListener
from linly_mesh.telemetry.rpc.collector import RpcCollector
from linly_mesh.telemetry.rpc.counts import MethodTable
from linly_mesh.telemetry.rpc.families import CLIENT

_KINDS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")
_UNKNOWN = grpc.StatusCode.UNKNOWN.value[0]
_INTERNAL = grpc.StatusCode.INTERNAL.value[0]
_MADE_UP = "Internal error from Core"
"""What grpc.aio says of a write that fails when the call has ended (grpc issue 36066). The real
status is on its way and takes its place."""
_STATUS_PATIENCE = 0.25
"""Seconds until it has arrived, see linly_mesh.rpc.duplex."""


class ClientMetrics:
    """Counts the calls of any number of channels.

    A call starts when a stub's method is called and ends with the status that the caller sees.
    The call that the caller gets is grpc.aio's own; grpc.aio's interceptors would put another
    in its place, with a task and a queue per call.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        services: Sequence[ServiceDescriptor],
        listeners: Sequence[RpcListener] = (),
    ) -> None:
        """Makes every series of ``services`` exist, at 0.

        Args:
            registry: where the metrics are read.
            services: those that are called; what is called besides is counted as ``other``.
            listeners: who else hears of the calls.
        """
        self._table = MethodTable(services, CLIENT)
        self._listeners = tuple(listeners)
        registry.register(
            RpcCollector(
                self._table, CLIENT, lambda counts: counts.responses, lambda counts: counts.requests
            )
        )

    def observe(self, channel: grpc.aio.Channel) -> None:
        """Counts the calls that are made through stubs of this channel from now on."""
        for kind in _KINDS:
            # The channel stays what it is; its stubs get their methods from here.
            setattr(channel, kind, self._observed(getattr(channel, kind), kind))

    def _observed(self, open_method: Callable[..., Any], kind: str) -> Callable[..., Any]:
        unary = kind.endswith("_unary")
        listeners = self._listeners

        def method(
            path: str,
            request_serializer: Callable[[Any], Any] | None = None,
            response_deserializer: Callable[[Any], Any] | None = None,
            **options: Any,
        ) -> Callable[..., Any]:
            counts = self._table.find(path)
            if unary:
                response_deserializer = counts.counting_responses(response_deserializer)
            make = open_method(
                path,
                request_serializer=counts.counting_requests(request_serializer),
                response_deserializer=response_deserializer,
                **options,
            )

            def call(*arguments: Any, **named: Any) -> Any:
                rpc = Rpc(counts, listeners, response_deserializer)
                if listeners:
                    rpc.metadata = list(named.get("metadata") or ())
                rpc.start()
                if listeners:
                    named["metadata"] = tuple(rpc.metadata)
                try:
                    made = make(*arguments, **named)
                except BaseException:  # the channel is closed
                    rpc.end(_UNKNOWN, unary=unary)
                    raise
                if not unary:
                    made._response_deserializer = rpc.response
                made.add_done_callback(partial(_ended, rpc, unary))
                return made

            return call

        return method


def _ended(rpc: Rpc, unary: bool, call: Any) -> None:
    # The status is there by now; the public way to it is a coroutine.
    status = call._cython_call._status
    number = status.code()
    if number == _INTERNAL and status.details() == _MADE_UP:
        now = perf_counter()
        call._loop.call_later(
            _STATUS_PATIENCE,
            lambda: rpc.end(call._cython_call._status.code(), unary=unary, now=now),
        )
        return
    rpc.end(number, unary=unary)
