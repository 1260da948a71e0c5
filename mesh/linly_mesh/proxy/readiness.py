"""Whether a process serves, as its own health service says."""

import asyncio
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from linly_mesh.rpc.channel import open_channel

_SERVING = health_pb2.HealthCheckResponse.SERVING
_PAUSE = 0.1
"""Seconds before a connection that broke is tried again."""


async def check_serving(target: str, *, timeout: float = 2.0) -> bool:
    """Whether the server at ``target`` serves now; False for one that drains.

    Raises:
        grpc.aio.AioRpcError: nobody answers, or not within ``timeout`` seconds.
    """
    async with open_channel(target) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=timeout)
        return bool(answer.status == _SERVING)


async def until_serving(target: str) -> None:
    """Returns once the server at ``target`` serves, however long it takes to come up."""
    async with open_channel(target) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        while True:
            try:
                request = health_pb2.HealthCheckRequest()
                async for answer in health.Watch(request, wait_for_ready=True):
                    if answer.status == _SERVING:
                        return
            except grpc.aio.AioRpcError:
                await asyncio.sleep(_PAUSE)
