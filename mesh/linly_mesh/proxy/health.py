"""Whether an application and the proxy in front of it serve: ``python -m linly_mesh.proxy.health``.

For the health check of a container. It ends with status 0 if both do.
"""

import asyncio

import grpc

from linly_mesh.proxy.containers import ContainerSettings
from linly_mesh.proxy.envoy.admin import Admin
from linly_mesh.proxy.envoy.files import Sockets
from linly_mesh.proxy.readiness import check_serving
from linly_mesh.settings import read_settings


async def ailment(sockets: Sockets) -> str | None:
    """What is wrong with the pair that meets there; None: nothing."""
    try:
        if not await check_serving(f"unix:{sockets.application('grpc')}"):
            return "the application does not serve"
    except grpc.aio.AioRpcError as error:
        return f"the application does not answer: {error.code().name}"
    if not await Admin(sockets.admin).answers():
        return "the proxy is not ready"
    return None


def main() -> None:
    """Exits with status 1, and says why, unless both serve."""
    found = asyncio.run(ailment(read_settings(ContainerSettings).sockets))
    if found is not None:
        raise SystemExit(found)


if __name__ == "__main__":
    main()
