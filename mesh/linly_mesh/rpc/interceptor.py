"""What every RPC of every server gets: initial metadata at once, and errors as statuses."""

import inspect
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc

from linly_mesh.errors import ServiceError
from linly_mesh.rpc.status import to_status, trailing_metadata

_log = logging.getLogger(__name__)
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"  # generic to type checkers alone
_Context = grpc.aio.ServicerContext[Any, Any]


class RpcInterceptor(grpc.aio.ServerInterceptor):
    """Wraps the handlers of one server.

    Initial metadata goes out before the handler runs: clients wait for it before they write,
    because grpc.aio hides the real status of a call that ends while its client is writing
    (grpc issue 36066). A ServiceError becomes its status. Any other exception is INTERNAL to
    the caller and a traceback in the local log only.
    """

    def __init__(self, stage: str) -> None:
        """Errors name ``stage`` as their domain."""
        self._stage = stage

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler:
        """Wraps the handler; a method that the server does not know stays UNIMPLEMENTED."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return handler
        behaviour = (
            handler.stream_stream
            or handler.stream_unary
            or handler.unary_stream
            or handler.unary_unary
        )
        method = handler_call_details.method
        wrapped = self._streaming if handler.response_streaming else self._unary
        factory = _FACTORIES[handler.request_streaming, handler.response_streaming]
        return factory(  # type: ignore[no-any-return]
            wrapped(behaviour, method),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _unary(self, behaviour: Any, method: str) -> Any:
        async def call(request: Any, context: _Context) -> Any:
            await context.send_initial_metadata(())
            try:
                return await behaviour(request, context)
            except Exception as error:
                await self._abort(error, method, context)

        return call

    def _streaming(self, behaviour: Any, method: str) -> Any:
        # Always the read/write style towards grpc.aio: when the client cancels, a generator
        # that is suspended at its yield would only be closed by the garbage collector; here
        # the cancellation arrives in the task that closes it, at once.
        async def call(request: Any, context: _Context) -> None:
            await context.send_initial_metadata(())
            try:
                responses = behaviour(request, context)
                if inspect.isawaitable(responses):
                    await responses
                    return
                async with aclosing(responses):
                    async for response in responses:
                        await context.write(response)
            except Exception as error:
                await self._abort(error, method, context)

        return call

    async def _abort(self, error: Exception, method: str, context: _Context) -> None:
        if isinstance(error, grpc.aio.AbortError):
            raise error
        if not isinstance(error, ServiceError):
            _log.error("%s failed", method, exc_info=error)
            error = ServiceError(grpc.StatusCode.INTERNAL, "INTERNAL", "internal error")
        status = to_status(error, self._stage)
        await context.abort(error.code, error.message, trailing_metadata(status))


_FACTORIES: dict[tuple[bool, bool], Any] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
