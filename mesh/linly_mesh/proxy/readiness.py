"""Whether a process serves, as its own health service says."""

import asyncio
from typing import Any, Protocol

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.target import Target

_SERVING = health_pb2.HealthCheckResponse.SERVING
_PAUSE = 0.1
"""Seconds before a connection that broke is tried again."""


class Probe(Protocol):
    """How to tell that a process is ready."""

    async def until_ready(self) -> None:
        """Returns once it serves, however long it takes to come up."""

    async def answers(self) -> bool:
        """Whether anybody serves there now."""


class GrpcHealth:
    """Ready as gRPC's health service says."""

    def __init__(self, target: str | Target) -> None:
        """Asks the server at ``target``."""
        self._target = target

    async def until_ready(self) -> None:
        """Returns once it serves."""
        async with open_channel(self._target) as channel:
            health: Any = health_pb2_grpc.HealthStub(channel)
            while True:
                try:
                    request = health_pb2.HealthCheckRequest()
                    async for answer in health.Watch(request, wait_for_ready=True):
                        if answer.status == _SERVING:
                            return
                except grpc.aio.AioRpcError:
                    await asyncio.sleep(_PAUSE)

    async def answers(self) -> bool:
        """Whether anybody answers, serving or not."""
        try:
            await check_serving(self._target)
        except grpc.aio.AioRpcError:
            return False
        return True


async def check_serving(target: str | Target, *, timeout: float = 2.0) -> bool:
    """Whether the server at ``target`` serves now; False for one that drains.

    Raises:
        grpc.aio.AioRpcError: nobody answers, or not within ``timeout`` seconds.
    """
    async with open_channel(target) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=timeout)
        return bool(answer.status == _SERVING)
