"""Whether an application and the proxy in front of it serve.

``python -m linly_mesh.proxy.health /run/talker`` is for the health check of a container. It ends
with status 0 if both do. It runs every few seconds, so what is slow to import is left out.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from linly_mesh.proxy.envoy.admin import Admin
from linly_mesh.proxy.envoy.sockets import Sockets

_LIMIT = 2.0
"""Seconds for an answer."""


def ailment(sockets: Sockets) -> str | None:
    """What is wrong with the pair that meets there; None: nothing."""
    with grpc.insecure_channel(f"unix:{sockets.application('grpc')}") as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = health.Check(health_pb2.HealthCheckRequest(), timeout=_LIMIT)
        except grpc.RpcError as error:
            return f"the application does not answer: {error.code().name}"
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        return "the application does not serve"
    if not asyncio.run(asyncio.wait_for(Admin(sockets.admin).answers(), _LIMIT)):
        return "the proxy is not ready"
    return None


def main() -> None:
    """Exits with status 1, and says why, unless both serve."""
    found = ailment(Sockets(Path(sys.argv[1])))
    if found is not None:
        raise SystemExit(found)


if __name__ == "__main__":
    main()
