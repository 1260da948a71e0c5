"""Diagnosis of this process, the same in every service."""

from typing import Any

import grpc

from linly.admin.v1 import admin_pb2, admin_pb2_grpc
from linly_mesh.workload import Workload


class AdminServicer(admin_pb2_grpc.AdminServiceServicer):
    """Answers with the counters of one engine."""

    def __init__(self, workload: Workload) -> None:
        """Reads ``workload`` whenever it is asked."""
        self._workload = workload

    async def GetWorkload(  # noqa: N802  # gRPC's name
        self, request: admin_pb2.GetWorkloadRequest, context: grpc.aio.ServicerContext[Any, Any]
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
