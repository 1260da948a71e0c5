"""A gRPC server and clients that speak mTLS with SVIDs from a folder."""

import asyncio
import contextlib
import socket
import ssl
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from cryptography import x509

from linly_mesh.identity.authority import Authority
from linly_mesh.identity.source import SvidSource

ECHO = "/test.Echo/Stream"


class Echo(grpc.GenericRpcHandler):
    """Answers every message with the SPIFFE id of whoever sent it, as TLS tells it."""

    def service(self, details):
        return grpc.stream_stream_rpc_method_handler(self.stream)

    async def stream(self, requests, context):
        async for _ in requests:
            yield context.auth_context().get("peer_spiffe_id", [b"?"])[0]


@contextlib.asynccontextmanager
async def serving(source: SvidSource):
    """Serves with the SVID of ``source``, looked up anew for each connection."""

    def fetch():
        svid = source.refresh()
        pairs = [(svid.key, svid.certificate)]
        return grpc.ssl_server_certificate_configuration(pairs, root_certificates=svid.bundle)

    credentials = grpc.dynamic_ssl_server_credentials(fetch(), fetch, True)
    server = grpc.aio.server(handlers=[Echo()])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


def channel(target, svid, *, bundle=None, name="asr"):
    """A channel as the holder of ``svid``, which takes the server for ``name``."""
    credentials = grpc.ssl_channel_credentials(bundle or svid.bundle, svid.key, svid.certificate)
    # A subchannel pool of its own: else a second channel would use the first one's connection.
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.default_authority", name))
    return grpc.aio.secure_channel(target, credentials, options=options)


async def ask(target, svid, **options):
    """One question over a new connection: the identity that the server saw."""
    async with channel(target, svid, **options) as opened:
        call = opened.stream_stream(ECHO)(timeout=10)
        await call.write(b"?")
        answer = await call.read()
        await call.done_writing()
        if answer is grpc.aio.EOF:
            raise AssertionError(await call.details())
        return answer.decode()


async def presented(target, svid):
    """The certificate that the server shows on a new connection."""
    host, port = target.split(":")

    def connect():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=svid.bundle.decode())
        context.set_alpn_protocols(["h2"])
        # It brings no certificate: in TLS 1.3 the server shows its own before it asks for one.
        with (
            socket.create_connection((host, int(port)), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="asr") as secure,
        ):
            return x509.load_der_x509_certificate(secure.getpeercert(binary_form=True))

    return await asyncio.to_thread(connect)


class Conversation:
    """One stream that stays open."""

    def __init__(self, target, svid):
        self._channel = channel(target, svid)
        self._call = self._channel.stream_stream(ECHO)()

    async def exchange(self):
        await self._call.write(b"?")
        return (await self._call.read()).decode()

    async def close(self):
        await self._call.done_writing()
        assert await self._call.read() is grpc.aio.EOF
        code = await self._call.code()
        await self._channel.close()
        return code


@contextlib.asynccontextmanager
async def running(rotation):
    task = asyncio.create_task(rotation.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def days_ago(days):
    return datetime.now(UTC) - timedelta(days=days)


@pytest.fixture
def authority(tmp_path):
    """With a root that is some days old, so that there can be leaves of yesterday."""
    folder = tmp_path / "authority"
    Authority(folder, clock=lambda: days_ago(3)).bundle()
    return Authority(folder)


@pytest.fixture
def authority_of_yesterday(authority, tmp_path):
    """The same one, as it was."""
    return Authority(tmp_path / "authority", clock=lambda: days_ago(1))
