"""RPCs as a server sees them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc._cython import cygrpc  # type: ignore[attr-defined]  # an extension module
from prometheus_client import CollectorRegistry

from linly_mesh.rpc.handlers import behaviour_of, rebuilt, with_writes
from linly_mesh.telemetry.rpc.call import OK, Rpc, RpcListener
from linly_mesh.telemetry.rpc.collector import RpcCollector
from linly_mesh.telemetry.rpc.counts import MethodCounts, MethodTable
from linly_mesh.telemetry.rpc.families import SERVER

# Generic to type checkers alone.
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Found: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"
_Context = grpc.aio.ServicerContext[Any, Any]

_CANCELLED = grpc.StatusCode.CANCELLED.value[0]
_DEADLINE_EXCEEDED = grpc.StatusCode.DEADLINE_EXCEEDED.value[0]
_UNIMPLEMENTED = grpc.StatusCode.UNIMPLEMENTED.value[0]
_UNKNOWN = grpc.StatusCode.UNKNOWN.value[0]

_CUT_SHORT = (
    asyncio.CancelledError,
    GeneratorExit,
    cygrpc.ExecuteBatchError,  # the call has ended under a read or a write
    cygrpc._ServerStoppedError,
)
"""How a handler learns that its call is over, for whatever reason."""

_HANDLERS = 256
"""More than any server has."""
_ON_THE_WAY = 0.02
"""Seconds that a call may take to arrive."""


class ServerMetrics(grpc.aio.ServerInterceptor):
    """Counts the calls of a server. As its first interceptor it counts what others refuse too.

    A call starts when its handler is called, and ends with the status that the server gives
    it. When it is cut short the server gives none: it is DEADLINE_EXCEEDED if the deadline is
    over, else CANCELLED, which a client that left, a lost connection and a server that stops
    look like.
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
            services: those of the server; what is called besides is counted as ``other``.
            listeners: who else hears of the calls.
        """
        self._table = MethodTable(services, SERVER)
        self._listeners = tuple(listeners)
        self._unary: dict[MethodCounts, tuple[_Handler, _Handler]] = {}
        self._stream = lru_cache(_HANDLERS)(self._prepare_stream)
        registry.register(
            RpcCollector(
                self._table, SERVER, lambda counts: counts.requests, lambda counts: counts.responses
            )
        )

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Found]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Found:
        """Observes the handler."""
        counts = self._table.find(handler_call_details.method)
        try:
            handler = await continuation(handler_call_details)
        except Exception:  # of another interceptor; grpc.aio answers UNKNOWN
            self._refused(counts, _UNKNOWN)
            raise
        if handler is None:
            self._refused(counts, _UNIMPLEMENTED)
            return None
        if handler.response_streaming:
            return self._observe_stream(handler, counts)
        if counts is self._table.other:
            return self._observe_unary(handler, counts)
        known = self._unary.get(counts)
        # Made once per handler, unless another interceptor answers in its place.
        if known is None or known[0] is not handler:
            known = self._unary[counts] = handler, self._observe_unary(handler, counts)
        return known[1]

    def _refused(self, counts: MethodCounts, number: int) -> None:
        rpc = Rpc(counts)
        rpc.start()
        rpc.end(number, unary=False)

    def _observe_unary(self, handler: _Handler, counts: MethodCounts) -> _Handler:
        whole = not handler.request_streaming
        behaviour = behaviour_of(handler) if whole else _heard_out(behaviour_of(handler))
        listeners = self._listeners
        serialize = handler.response_serializer
        deserialize = counts.counting_requests(handler.request_deserializer)

        async def call(request: Any, context: _Context) -> Any:
            rpc = Rpc(counts, listeners)
            if listeners:
                rpc.metadata = list(context.invocation_metadata() or ())
            rpc.start()
            try:
                # Both conversions happen here and not in gRPC, so that a message that can't be
                # converted is a call that failed.
                if whole:
                    request = deserialize(request)
                response = await behaviour(request, context)
                number = _given(context, rpc)
                if number == OK:
                    if serialize is not None:
                        response = serialize(response)
                    counts.responses += 1
            except BaseException as error:
                rpc.end(_number(error, context, rpc), unary=True)
                raise
            rpc.end(number, unary=True)
            return response

        return rebuilt(handler, call, None if whole else deserialize, None)

    def _prepare_stream(
        self, handler: _Handler, counts: MethodCounts
    ) -> tuple[Callable[..., Any], Callable[[Any], Any]]:
        """What is the same for all calls: the behaviour, and the requests' deserializer."""
        behaviour = with_writes(behaviour_of(handler))
        if handler.request_streaming:
            behaviour = _heard_out(behaviour)
        return behaviour, counts.counting_requests(handler.request_deserializer)

    def _observe_stream(self, handler: _Handler, counts: MethodCounts) -> _Handler:
        behaviour, deserialize = self._stream(handler, counts)
        whole = not handler.request_streaming
        rpc = Rpc(counts, self._listeners, handler.response_serializer)

        async def call(request: Any, context: _Context) -> None:
            if self._listeners:
                rpc.metadata = list(context.invocation_metadata() or ())
            rpc.start()
            try:
                if whole:
                    request = deserialize(request)
                await behaviour(request, context)
            except BaseException as error:
                rpc.end(_number(error, context, rpc), unary=False)
                raise
            rpc.end(_given(context, rpc), unary=False)

        return rebuilt(handler, call, None if whole else deserialize, rpc.response)


def _heard_out(behaviour: Callable[..., Any]) -> Callable[..., Any]:
    """A handler that reads a stream, and learns the truth about its end.

    Where a handler reads while its call is cut short, grpc.aio tells it first that the requests
    have ended, and cancels it one pass of the event loop later. Without that pass most calls
    whose deadline ends during a read would count as OK.
    """

    async def call(request: Any, context: _Context) -> Any:
        try:
            response = await behaviour(request, context)
        except Exception:
            await asyncio.sleep(0)
            raise
        await asyncio.sleep(0)
        return response

    return call


def _given(context: _Context, rpc: Rpc) -> int:
    """The status of a call whose handler has returned."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():  # the handler kept its cancellation to itself
        return _cut_short(context, rpc)
    if context.time_remaining() == 0:  # too late: gRPC has ended the call
        return _DEADLINE_EXCEEDED
    return _as_number(context.code())


def _number(error: BaseException, context: _Context, rpc: Rpc) -> int:
    """The status of a call whose handler has raised."""
    if isinstance(error, _CUT_SHORT):
        return _cut_short(context, rpc)
    # Who has called abort() has set the code; any other error is UNKNOWN, unless it was set.
    return _as_number(context.code()) or _UNKNOWN


def _cut_short(context: _Context, rpc: Rpc) -> int:
    remaining = context.time_remaining()
    if remaining is None:
        return _CANCELLED
    # The client's own deadline ends the call first: on the wire a timeout is rounded up, by 1 %
    # at most, and the server's begins when the call arrives.
    slack = 0.01 * (rpc.elapsed + remaining) + _ON_THE_WAY
    return _DEADLINE_EXCEEDED if remaining <= slack else _CANCELLED


def _as_number(code: grpc.StatusCode | int | None) -> int:
    if code is None:
        return OK
    if isinstance(code, int):  # grpc.aio takes numbers too
        return code if 0 <= code <= 16 else _UNKNOWN
    return int(code.value[0])
