"""A stage that failed, and how long one may be silent."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from linly_mesh.rpc.draining import DRAINING
from linly_mesh.rpc.duplex import CallEndedError
from linly_mesh.rpc.status import CONNECTION_LOST, error_info, from_rpc_error

_Answer = TypeVar("_Answer")


class StageError(Exception):
    """A stage failed; the status names it and the reason."""

    def __init__(self, status: Status) -> None:
        """Carries ``status`` to the caller of the talk."""
        super().__init__(status.message)
        self.status = status

    @property
    def draining(self) -> bool:
        """Nothing was lost: a server that is being replaced has ended a stream at rest."""
        return self._reason == DRAINING

    @property
    def lost(self) -> bool:
        """The stream was reset, and no server said why."""
        return self._reason == CONNECTION_LOST

    @property
    def prompt_too_long(self) -> bool:
        """The conversation is more than the language model can hold."""
        return self._reason == "PROMPT_TOO_LONG"  # the contract's

    @property
    def _reason(self) -> str:
        info = error_info(self.status)
        return info.reason if info is not None else ""


def make_status(code: grpc.StatusCode, stage: str, reason: str, message: str) -> Status:
    """A status that names its stage and reason."""
    detail = AnyMessage()
    detail.Pack(ErrorInfo(reason=reason, domain=stage))
    return Status(code=code.value[0], message=message, details=[detail])


def stream_ended(stage: str) -> StageError:
    """A stage ended its stream, without an error, before it was asked to."""
    message = f"{stage} ended the stream too early"
    return StageError(make_status(grpc.StatusCode.UNAVAILABLE, stage, "STREAM_ENDED", message))


def first_stage_error(failures: BaseExceptionGroup[StageError]) -> StageError:
    """The first of the failures that tasks of a group met."""
    error: BaseException = failures
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, StageError)
    return error


def raise_if_cancelled() -> None:
    """For those that go on after a TaskGroup has failed.

    Up to Python 3.12 a TaskGroup that is failing already swallows the cancellation of its parent
    (CPython issue 116720), who would then go on for ever.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


@contextmanager
def calling(stage: str) -> Iterator[None]:
    """Turns the failure of a call in this block into a StageError of that stage."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise StageError(from_rpc_error(error, stage)) from error
    except CallEndedError as error:
        raise stream_ended(stage) from error


class StallGuard:
    """Fails a stage that is silent while it owes an answer, with or without a deadline.

    A connection that stays open and says nothing is the commonest way to hang. The limit
    counts from the last time that the answer became due or that the reader began to wait,
    whichever is later: a reader that was held up itself blames nobody.
    """

    def __init__(self, stage: str, first_output: float, gap: float) -> None:
        """Limits in seconds for the first answer and for each one after it."""
        self._stage = stage
        self._gap = gap
        self._limit = first_output
        self._owed = False
        self._offered = False
        self._pending: asyncio.Timeout | None = None

    def owe(self) -> None:
        """An answer is due from now on."""
        if not self._owed:
            self._owed = True
            self._reschedule()

    def settle(self) -> None:
        """No answer is due."""
        self._owed = False
        self._reschedule()

    @contextmanager
    def offering(self) -> Iterator[None]:
        """Around a write: a stage that neither takes input nor gives output is silent, too."""
        self._offered = True
        if not self._owed:
            self._reschedule()
        try:
            yield
        finally:
            self._offered = False
            if not self._owed:
                self._reschedule()

    def _reschedule(self) -> None:
        if self._pending is not None and not self._pending.expired():
            due = self._owed or self._offered
            now = asyncio.get_running_loop().time()
            self._pending.reschedule(now + self._limit if due else None)

    async def read(self, read: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Awaits the next answer; raises StageError when it is overdue."""
        due = self._owed or self._offered
        try:
            async with asyncio.timeout(self._limit if due else None) as self._pending:
                answer = await read()
        except TimeoutError as error:
            message = f"{self._stage} gave no output for {self._limit:g} s"
            code = grpc.StatusCode.DEADLINE_EXCEEDED
            raise StageError(make_status(code, self._stage, "STAGE_SILENT", message)) from error
        finally:
            self._pending = None
        self._limit = self._gap
        return answer
