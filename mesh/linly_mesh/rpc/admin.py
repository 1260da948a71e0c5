"""Diagnosis of this process, the same in every service."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import grpc

from linly.admin.v1 import admin_pb2, admin_pb2_grpc
from linly_mesh.errors import ServiceError, invalid_argument
from linly_mesh.rpc import growth
from linly_mesh.rpc.convert import to_duration, to_seconds
from linly_mesh.telemetry.memory import (
    DEEPEST,
    LONGEST,
    MemoryTrace,
    NoTraceError,
    TraceRunningError,
)
from linly_mesh.workload import Workload

_TTL = 600.0
_TOP, _MOST = 20, 100
_Context = grpc.aio.ServicerContext[Any, Any]
_Result = TypeVar("_Result")


class AdminServicer(admin_pb2_grpc.AdminServiceServicer):
    """Answers with the counters of one engine, and with what grows in the process."""

    def __init__(self, workload: Workload, memory: MemoryTrace | None = None) -> None:
        """Reads ``workload`` whenever it is asked; ``memory`` costs nothing until then."""
        self._workload = workload
        self._memory = memory or MemoryTrace()
        # Of its own: an engine's work may have taken all threads of the loop's.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="memory")

    async def GetWorkload(  # noqa: N802  # gRPC's name
        self, request: admin_pb2.GetWorkloadRequest, context: _Context
    ) -> admin_pb2.GetWorkloadResponse:
        """The counters now."""
        now = self._workload.snapshot()
        return admin_pb2.GetWorkloadResponse(
            active=now.active,
            queued=now.queued,
            started_total=now.started_total,
            finished_total=now.finished_total,
            cancelled_total=now.cancelled_total,
            failed_total=now.failed_total,
        )

    async def StartMemoryTrace(  # noqa: N802  # gRPC's name
        self, request: admin_pb2.StartMemoryTraceRequest, context: _Context
    ) -> admin_pb2.StartMemoryTraceResponse:
        """Begins a trace that ends by itself."""
        limit = _within("traceback_limit", request.traceback_limit or 1, DEEPEST)
        ttl = to_seconds(request.ttl) if request.HasField("ttl") else _TTL
        if not 0 < ttl <= LONGEST:
            raise invalid_argument("ttl", f"has to be above 0 and at most {LONGEST:g} s")
        try:
            await self._aside(self._memory.start, limit, ttl)
        except TraceRunningError:
            raise ServiceError(
                grpc.StatusCode.FAILED_PRECONDITION,
                "TRACE_RUNNING",
                "a memory trace runs in this process already; stop it, or wait for its end",
            ) from None
        return admin_pb2.StartMemoryTraceResponse(ttl=to_duration(ttl))

    async def GetMemoryGrowth(  # noqa: N802  # gRPC's name
        self, request: admin_pb2.GetMemoryGrowthRequest, context: _Context
    ) -> admin_pb2.GetMemoryGrowthResponse:
        """What has grown since the trace began."""
        top = _within("max_results", request.max_results or _TOP, _MOST)
        try:
            return growth.to_response(await self._aside(self._memory.growth, top))
        except NoTraceError:
            raise ServiceError(
                grpc.StatusCode.FAILED_PRECONDITION,
                "NO_TRACE",
                "no memory trace runs; start one, a former one may have come to its end",
            ) from None

    async def StopMemoryTrace(  # noqa: N802  # gRPC's name
        self, request: admin_pb2.StopMemoryTraceRequest, context: _Context
    ) -> admin_pb2.StopMemoryTraceResponse:
        """Ends the trace."""
        await self._aside(self._memory.stop)
        return admin_pb2.StopMemoryTraceResponse()

    async def _aside(self, work: Callable[..., _Result], *arguments: Any) -> _Result:
        """Runs what would hold up the event loop, one after the other."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, work, *arguments)


def _within(field: str, value: int, most: int) -> int:
    if not 1 <= value <= most:
        raise invalid_argument(field, f"has to be 1 to {most}, or 0 for the default")
    return value
