"""google.rpc.Status: how an error travels, and how it is read at the other end."""

from typing import TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from linly_mesh.errors import ServiceError
from linly_mesh.rpc.convert import to_duration

_DETAILS_KEY = "grpc-status-details-bin"
CONNECTION_LOST = "CONNECTION_LOST"
"""The reason of a stream whose server is gone, in the words of a proxy."""


def to_status(error: ServiceError, stage: str) -> Status:
    """The error as a Status whose ErrorInfo names the reason and, as domain, the stage."""
    details: list[Message] = [ErrorInfo(reason=error.reason, domain=error.stage or stage)]
    if error.field is not None:
        violation = BadRequest.FieldViolation(field=error.field, description=error.message)
        details.append(BadRequest(field_violations=[violation]))
    if error.retry_after is not None:
        details.append(RetryInfo(retry_delay=to_duration(error.retry_after)))
    return Status(
        code=error.code.value[0], message=error.message, details=[_pack(d) for d in details]
    )


def trailing_metadata(status: Status) -> tuple[tuple[str, bytes], ...]:
    """The metadata that carries a Status beside the plain code and message."""
    return ((_DETAILS_KEY, status.SerializeToString()),)


def from_rpc_error(error: grpc.aio.AioRpcError, stage: str) -> Status:
    """What a failed call says, always with an ErrorInfo that names a stage.

    Args:
        error: as grpc.aio raised it.
        stage: the stage that was called; named where the status itself names none.
    """
    status = Status(code=error.code().value[0], message=error.details() or "")
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            status = Status.FromString(value)
            status.code = error.code().value[0]  # the call's own, whatever the details claim
    if _was_reset(error):
        status.code = grpc.StatusCode.UNAVAILABLE.value[0]
        status.details.append(_pack(ErrorInfo(reason=CONNECTION_LOST, domain=stage)))
    if error_info(status) is None:
        status.details.append(_pack(ErrorInfo(reason=error.code().name, domain=stage)))
    return status


def _was_reset(error: grpc.aio.AioRpcError) -> bool:
    """Whether the stream was reset (HTTP/2's RST_STREAM) and no server said why.

    A proxy that loses its server in the middle of a stream can do no more. gRPC calls that
    INTERNAL, as its mapping of HTTP/2 error codes says; only its text tells it from a server's.
    """
    return (
        error.code() is grpc.StatusCode.INTERNAL
        and "RST_STREAM" in (error.details() or "")
        and not is_signed(error)
    )


def is_signed(error: grpc.aio.AioRpcError) -> bool:
    """Whether an application says that the error is its own; gRPC and proxies don't."""
    return any(key == _DETAILS_KEY for key, _ in error.trailing_metadata() or ())


def error_info(status: Status) -> ErrorInfo | None:
    """The reason and domain, if the status has them."""
    return _unpack_first(status, ErrorInfo)


def bad_request(status: Status) -> BadRequest | None:
    """The field violations, if the status has them."""
    return _unpack_first(status, BadRequest)


def describe(status: Status) -> str:
    """One line for people: code, stage, reason and message."""
    info = error_info(status)
    origin = f" in {info.domain} ({info.reason})" if info else ""
    return f"{code_pb2.Code.Name(status.code)}{origin}: {status.message}"


def _pack(detail: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(detail)
    return packed


_M = TypeVar("_M", bound=Message)


def _unpack_first(status: Status, kind: type[_M]) -> _M | None:
    for detail in status.details:
        message = kind()
        if detail.Unpack(message):
            return message
    return None
