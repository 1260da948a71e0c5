"""When the models have really stopped, by their services' own counters."""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from time import perf_counter as now

from linly.admin.v1 import admin_pb2, admin_pb2_grpc
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.target import Target

_PAUSE = 0.003
"""Seconds between two looks at a service. More often, the looking itself would be the load."""
_SETTLE = 0.15
"""Seconds of idleness that are believed: work on its way to a model must not be overlooked."""
_LIMIT = 5.0
"""Seconds after which work is taken to be lost: nobody will stop it."""


class Workloads:
    """The counters of several services."""

    def __init__(self, stubs: Mapping[str, admin_pb2_grpc.AdminServiceStub]) -> None:
        """Made by ``open_workloads``."""
        self._stubs = stubs

    async def busy(self) -> bool:
        """Whether any service has work now."""
        answers = await asyncio.gather(*(_look(stub) for stub in self._stubs.values()))
        return any(answer.active or answer.queued for answer in answers)

    async def until_idle(self, begin: float) -> dict[str, float]:
        """Seconds from ``begin`` until each service has come to rest; infinite if never."""
        waits = (_until_idle(stub, begin) for stub in self._stubs.values())
        return dict(zip(self._stubs, await asyncio.gather(*waits), strict=True))

    async def cancelled(self) -> int:
        """Units of work that were cancelled since the services began."""
        return sum([(await _look(stub)).cancelled_total for stub in self._stubs.values()])


@asynccontextmanager
async def open_workloads(targets: Mapping[str, str | Target]) -> AsyncIterator[Workloads]:
    """Connects to the services, given by name."""
    async with AsyncExitStack() as stack:
        stubs = {}
        for name, target in targets.items():
            channel = await stack.enter_async_context(open_channel(target))
            stubs[name] = admin_pb2_grpc.AdminServiceStub(channel)
        yield Workloads(stubs)


async def _until_idle(stub: admin_pb2_grpc.AdminServiceStub, begin: float) -> float:
    idle_since = math.inf
    seen = begin
    while seen - idle_since < _SETTLE:
        workload = await _look(stub)
        seen = now()
        if workload.active or workload.queued:
            idle_since = math.inf
            if seen - begin > _LIMIT:
                break
        elif idle_since == math.inf:
            idle_since = seen
        await asyncio.sleep(_PAUSE)
    return idle_since - begin


async def _look(stub: admin_pb2_grpc.AdminServiceStub) -> admin_pb2.GetWorkloadResponse:
    answer: admin_pb2.GetWorkloadResponse = await stub.GetWorkload(admin_pb2.GetWorkloadRequest())
    return answer
