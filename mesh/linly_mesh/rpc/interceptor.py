"""What every RPC of every server gets: initial metadata at once, and errors as statuses."""

import logging
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, TypeAlias

import grpc
from grpc._cython import cygrpc  # type: ignore[attr-defined]  # an extension module

from linly_mesh.errors import ServiceError
from linly_mesh.rpc.gate import CallGate
from linly_mesh.rpc.handlers import behaviour_of, rebuilt, with_writes
from linly_mesh.rpc.status import to_status, trailing_metadata

_log = logging.getLogger(__name__)
# Generic to type checkers alone.
_Known: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"
_Context = grpc.aio.ServicerContext[Any, Any]

_OVER = (grpc.aio.AbortError, cygrpc.ExecuteBatchError)
"""The call has its status already, or nobody is there to be told."""


class RpcInterceptor(grpc.aio.ServerInterceptor):
    """Wraps the handlers of one server.

    Initial metadata goes out before the handler runs: clients wait for it before they write,
    because grpc.aio hides the real status of a call that ends while its client is writing
    (grpc issue 36066). A ServiceError becomes its status. Any other exception is INTERNAL to
    the caller and a traceback in the local log only.
    """

    def __init__(
        self,
        stage: str,
        rejected: Callable[[str], None] = lambda reason: None,
        gate: CallGate | None = None,
    ) -> None:
        """Errors name ``stage`` as their domain; ``rejected`` hears why a call was turned away."""
        self._stage = stage
        self._gate = gate
        self._wrapped = lru_cache(256)(self._wrap)  # once per method, of which servers have fewer
        self._rejected = rejected

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler:
        """Wraps the handler; a method that the server does not know stays UNIMPLEMENTED."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return handler
        return self._wrapped(handler, handler_call_details.method)

    def _wrap(self, handler: _Known, method: str) -> _Known:
        behaviour = behaviour_of(handler)
        if handler.response_streaming:
            behaviour = with_writes(behaviour)
        behaviour = self._guarded(behaviour, method)
        if self._gate is not None:
            behaviour = self._gate.guarded(behaviour, method)
        return rebuilt(
            handler,
            behaviour,
            handler.request_deserializer,
            handler.response_serializer,
        )

    def _guarded(self, behaviour: Callable[..., Any], method: str) -> Callable[..., Any]:
        async def call(request: Any, context: _Context) -> Any:
            await context.send_initial_metadata(())
            try:
                return await behaviour(request, context)
            except Exception as error:
                await self._abort(error, method, context)

        return call

    async def _abort(self, error: Exception, method: str, context: _Context) -> None:
        if isinstance(error, _OVER):
            raise error
        if not isinstance(error, ServiceError):
            _log.error("%s failed", method, exc_info=error)
            error = ServiceError(grpc.StatusCode.INTERNAL, "INTERNAL", "internal error")
        if error.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            self._rejected(error.reason)
        status = to_status(error, self._stage)
        await context.abort(error.code, error.message, trailing_metadata(status))
