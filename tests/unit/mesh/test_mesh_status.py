import grpc
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from linly_mesh.errors import ServiceError, invalid_argument
from linly_mesh.rpc.convert import to_seconds
from linly_mesh.rpc.status import (
    bad_request,
    describe,
    error_info,
    from_rpc_error,
    to_status,
    trailing_metadata,
)


def received(code: grpc.StatusCode, message: str, metadata=()) -> grpc.aio.AioRpcError:
    trailing = grpc.aio.Metadata(*metadata)
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details=message)


def travelled(error: ServiceError, stage: str = "tts") -> Status:
    """As a caller reads it who does not know ``stage``."""
    status = to_status(error, stage)
    rpc_error = received(error.code, error.message, trailing_metadata(status))
    return from_rpc_error(rpc_error, "whom I called")


def test_bad_input_names_its_field():
    status = travelled(invalid_argument("config.voice", "is not known", reason="NO_VOICE"))
    assert status.code == code_pb2.INVALID_ARGUMENT
    assert error_info(status).reason == "NO_VOICE"
    assert error_info(status).domain == "tts"
    (violation,) = bad_request(status).field_violations
    assert (violation.field, violation.description) == (
        "config.voice",
        "config.voice: is not known",
    )


def test_a_hint_when_to_retry_arrives():
    error = ServiceError(grpc.StatusCode.RESOURCE_EXHAUSTED, "FULL", "later", retry_after=1.5)
    retry = RetryInfo()
    assert any(detail.Unpack(retry) for detail in travelled(error).details)
    assert to_seconds(retry.retry_delay) == 1.5
    assert bad_request(travelled(error)) is None


def test_the_stage_that_failed_is_named_rather_than_the_one_that_answers():
    error = ServiceError(grpc.StatusCode.UNAVAILABLE, "GONE", "gone", stage="llm")
    assert error_info(travelled(error, "talk")).domain == "llm"


def test_an_error_without_details_gets_the_stage_that_was_called():
    status = from_rpc_error(received(grpc.StatusCode.UNAVAILABLE, "connection refused"), "asr")
    assert (error_info(status).domain, error_info(status).reason) == ("asr", "UNAVAILABLE")
    assert status.message == "connection refused"


def test_details_can_not_contradict_the_code_of_the_call():
    liar = (("grpc-status-details-bin", Status(code=0, message="fine").SerializeToString()),)
    status = from_rpc_error(received(grpc.StatusCode.INTERNAL, "broken", liar), "asr")
    assert status.code == code_pb2.INTERNAL


RESET = "Stream removed (RST_STREAM (Received RST_STREAM with error code 2))"


def test_a_stream_that_a_proxy_had_to_reset_is_a_lost_connection():
    status = from_rpc_error(received(grpc.StatusCode.INTERNAL, RESET), "asr")
    assert status.code == code_pb2.UNAVAILABLE
    assert (error_info(status).domain, error_info(status).reason) == ("asr", "CONNECTION_LOST")


def test_an_internal_error_of_the_server_itself_stays_one():
    error = to_status(ServiceError(grpc.StatusCode.INTERNAL, "BROKEN", RESET), "tts")
    rpc_error = received(grpc.StatusCode.INTERNAL, RESET, trailing_metadata(error))
    status = from_rpc_error(rpc_error, "asr")
    assert status.code == code_pb2.INTERNAL
    assert (error_info(status).domain, error_info(status).reason) == ("tts", "BROKEN")


def test_one_line_for_people():
    status = travelled(invalid_argument("text", "is empty"))
    assert describe(status) == "INVALID_ARGUMENT in tts (INVALID_ARGUMENT): text: is empty"
