"""The orchestrator and its stages, each behind a real proxy of its own."""

import tempfile
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
from integration.orchestrator.conftest import House
from integration.policy.proxies import World, envoy, own_world

from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.proxy.envoy.admin import Admin
from linly_mesh.rpc.target import MutualTls, Target

CLIENT = "client"


class MeshedHouse(House):
    """As ``House``, with nothing between the processes that is not mutual TLS."""

    def __init__(self, world: World) -> None:
        super().__init__(world.folder)
        self.world = world
        self.proxies = {}
        self._running: dict[str, AsyncExitStack] = {}

    def files(self, name: str):
        return self.world.files(name, name)

    def listens(self, name: str) -> str:
        return f"unix:{self.files(name).application('grpc')}"

    def called_at(self, name: str) -> str:
        return f"unix:{self.files('orchestrator').upstream(name)}"

    def entrance(self) -> Target:
        host, port = self.world.target("orchestrator")
        tls = MutualTls(self.world.svid(CLIENT), SpiffeId("orchestrator"))
        return Target(f"{host}:{port}", tls)

    async def open(self, **settings) -> None:
        for name in (*self.stages, "orchestrator"):
            await self.start_proxy(name)
        await super().open(**settings)

    async def close(self) -> None:
        await super().close()
        for name in list(self._running):
            await self.stop_proxy(name)

    async def start_proxy(self, name: str) -> None:
        stack = self._running[name] = AsyncExitStack()
        running = envoy(self.world, name, self.files(name))
        self.proxies[name] = await stack.enter_async_context(running)

    async def stop_proxy(self, name: str) -> None:
        with suppress(OSError):  # it was killed
            await Admin(self.files(name).admin).until_quiet()
        await self._running.pop(name).aclose()

    async def kill_proxy(self, name: str) -> None:
        self.proxies[name].kill()
        await self.stop_proxy(name)

    async def restart(self, name: str) -> None:
        await self.start(name)

    async def drain(self, name: str) -> None:
        """As the launcher does before it stops a workload."""
        await Admin(self.files(name).admin).drain()


@pytest.fixture
async def build():
    @asynccontextmanager
    async def opened(**settings):
        # Not tmp_path: a socket's path has at most 107 bytes.
        with tempfile.TemporaryDirectory(prefix="talk-") as name:
            house = MeshedHouse(own_world(Path(name)))
            try:
                await house.open(**settings)
                yield house
            finally:
                await house.close()

    async with AsyncExitStack() as stack:
        yield lambda **settings: stack.enter_async_context(opened(**settings))


@pytest.fixture
async def house(build):
    return await build()
