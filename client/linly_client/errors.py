"""The one error that talking can end with."""

import re

import grpc
from google.rpc.status_pb2 import Status

from linly_mesh.rpc.status import error_info, from_rpc_error

_STAGE = "talk"
"""Who is to blame where a status names nobody: the server that was called."""
UNREACHABLE = "UNREACHABLE"
"""The reason of a service, or a stage, that nobody answers for."""
_CAUSE = re.compile(r"last error: .*(?:error|remote host): (.*)")
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class TalkError(Exception):
    """A talk or one of its turns failed."""

    def __init__(self, code: grpc.StatusCode, stage: str, reason: str, message: str) -> None:
        """Describes one failure.

        Args:
            code: the gRPC status.
            stage: which part of the pipeline failed: ``talk``, ``asr``, ``llm``, ….
            reason: UPPER_SNAKE_CASE, stable, for programs.
            message: one line, for people.
        """
        super().__init__(code, stage, reason, message)
        self.code = code
        self.stage = stage
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return f"{self.stage}: {self.message or self.reason} ({self.code.name})"


def from_status(status: Status) -> TalkError:
    """The error that a status other than OK describes."""
    info = error_info(status)
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    return TalkError(
        code,
        info.domain if info else _STAGE,
        info.reason if info else code.name,
        status.message,
    )


def from_call(error: grpc.RpcError, target: str) -> TalkError:
    """The error that a failed call ended with, from grpc.aio or from the synchronous API."""
    cause = connection_failure(error)
    if cause is not None:
        message = f"the talk service is not serving ({target}): {cause}"
        return TalkError(grpc.StatusCode.UNAVAILABLE, _STAGE, UNREACHABLE, message)
    return from_status(from_rpc_error(error, _STAGE))  # type: ignore[arg-type]  # same face


def connection_failure(error: grpc.RpcError) -> str | None:
    """Why nobody could be reached, in the system's words; None if somebody was.

    Core wraps what the system said ("No such file or directory") into a sentence about its
    own attempts; only the system's part is worth a line.
    """
    cause = _CAUSE.search(error.details() or "")
    return cause[1][:1].lower() + cause[1][1:] if cause else None
