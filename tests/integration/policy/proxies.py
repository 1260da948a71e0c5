"""Real Envoys with the shipped policy, each before an application that answers everything."""

import asyncio
import contextlib
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import grpc
from own_mesh import own_source

from linly_mesh.identity.authority import Authority
from linly_mesh.identity.issued import IssuedSvid
from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.identity.svid import Svid, utc_now
from linly_mesh.proxy.envoy.bootstrap import configure
from linly_mesh.proxy.envoy.files import Files
from linly_mesh.proxy.policy.mesh import Mesh
from linly_mesh.proxy.policy.reader import read_mesh

ENVOY = Path(sys.executable).with_name("envoy")
OLD = timedelta(hours=2)
"""How long ago the authority of a world made its root."""
METRICS = b"talks 1\n"
PAGE = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\n"
    b"content-length: 8\r\nconnection: close\r\n\r\n" + METRICS
)
FORWARDED = "x-forwarded-client-cert"


@dataclass(frozen=True)
class World:
    """A mesh and the authority that stands behind its identities."""

    mesh: Mesh
    folder: Path
    authority: Authority

    def svid(self, account: str) -> Svid:
        return self.source(account).refresh()

    def source(self, account: str) -> IssuedSvid:
        folder = self.folder / "svid" / account
        return IssuedSvid(self.authority, SpiffeId(account), folder, timedelta(hours=1))

    def files(self, workload: str, account: str) -> Files:
        runtime = self.folder / workload
        runtime.mkdir(mode=0o700, exist_ok=True)
        source = self.source(account)
        source.refresh()
        return Files(runtime, source.files())

    def target(self, workload: str, port: str = "grpc") -> tuple[str, int]:
        found = self.mesh.workloads[workload]
        return found.address, next(each.number for each in found.ports if each.name == port)


def own_world(folder: Path) -> World:
    """The shipped policy at addresses of its own, with an authority of its own."""
    source = own_source(folder)
    mesh = read_mesh(source / "policy", source / "kubernetes")
    born_earlier(folder / "authority", OLD).bundle()
    return World(mesh, folder, Authority(folder / "authority"))


def born_earlier(folder: Path, ago: timedelta) -> Authority:
    """An authority whose clock is late, so that it can issue what has ended by now."""
    return Authority(folder, clock=lambda: utc_now() - ago)


class Application(grpc.GenericRpcHandler):
    """Answers any method with what the proxy says of the caller."""

    def service(self, details):
        return grpc.stream_stream_rpc_method_handler(self.answer)

    async def answer(self, requests, context):
        sent = dict(context.invocation_metadata())
        async for _ in requests:
            pass
        yield sent.get(FORWARDED, "nobody").encode()


@contextlib.asynccontextmanager
async def proxied(
    world: World,
    workload: str,
    account: str | None = None,
    application: grpc.GenericRpcHandler | None = None,
):
    """The application and the proxy of ``workload``, which shows the SVID of ``account``."""
    files = world.files(workload, account or workload)
    async with contextlib.AsyncExitStack() as stack:
        server = grpc.aio.server(handlers=[application or Application()])
        server.add_insecure_port(f"unix:{files.application('grpc')}")
        await server.start()
        stack.push_async_callback(server.stop, 0)
        page = await asyncio.start_unix_server(show_page, files.application("http-metrics"))
        stack.callback(page.close)
        await stack.enter_async_context(envoy(world, workload, files))
        yield files


@contextlib.asynccontextmanager
async def envoy(world: World, workload: str, files: Files):
    """Runs the proxy of ``workload`` and gives its process."""
    configure(world.mesh, workload, files).write(files)
    with (files.runtime / "envoy.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(ENVOY, "--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"),
            *("-c", str(files.bootstrap)),
            stdout=log,
            stderr=log,
        )
    try:
        while not await is_ready(files.admin):
            assert process.returncode is None, (files.runtime / "envoy.log").read_text()
            await asyncio.sleep(0.01)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def is_ready(admin: Path) -> bool:
    try:
        return " 200 " in (await ask_admin(admin, "/ready")).partition("\r\n")[0]
    except OSError:
        return False


async def ask_admin(admin: Path, page: str) -> str:
    reader, writer = await asyncio.open_unix_connection(admin)
    writer.write(f"GET {page} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer.decode()


async def show_page(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(PAGE)
    await writer.drain()
    writer.close()


def channel(world: World, workload: str, svid: Svid | None, bundle: bytes | None = None):
    """A channel to the proxy of ``workload``; without ``svid`` it brings no certificate."""
    host, port = world.target(workload)
    credentials = grpc.ssl_channel_credentials(
        bundle or svid.bundle, svid and svid.key, svid and svid.certificate
    )
    # A pool of its own: else a second channel would use the first one's connection.
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.default_authority", workload))
    return grpc.aio.secure_channel(f"{host}:{port}", credentials, options=options)


async def outcome(opened: grpc.aio.Channel, method: str) -> grpc.StatusCode:
    """The status of a call."""
    try:
        await opened.unary_unary(method)(b"", timeout=10)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK
