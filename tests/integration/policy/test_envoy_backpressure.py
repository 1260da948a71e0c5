"""A reader that does not read stops its sender, two proxies away."""

import asyncio

import grpc
from integration.policy.proxies import proxied

RECOGNIZE = "/linly.asr.v1.AsrService/StreamingRecognize"
CHUNK = bytes(32 << 10)
MOST = 8 << 20
QUIET = 1.0
"""Seconds without a byte after which the sender is taken to be stopped."""


class Fountain(grpc.GenericRpcHandler):
    """Sends for as long as anybody takes it."""

    def __init__(self):
        self.sent = 0
        self.progress = asyncio.Event()

    def service(self, details):
        return grpc.unary_stream_rpc_method_handler(self.pour)

    async def pour(self, request, context):
        while self.sent < 4 * MOST:
            yield CHUNK
            self.sent += len(CHUNK)
            self.progress.set()

    async def stopped(self):
        while True:
            self.progress.clear()
            try:
                await asyncio.wait_for(self.progress.wait(), QUIET)
            except TimeoutError:
                return


async def test_an_unread_stream_is_held_to_8_mib(world):
    fountain = Fountain()
    async with (
        proxied(world, "asr", application=fountain),
        proxied(world, "orchestrator") as files,
        grpc.aio.insecure_channel(
            f"unix:{files.upstream('asr')}", options=[("grpc.http2.bdp_probe", 0)]
        ) as opened,
    ):
        call = opened.unary_stream(RECOGNIZE)(b"", timeout=60)
        assert await call.read() == CHUNK
        await fountain.stopped()
        held = fountain.sent
        call.cancel()
    assert len(CHUNK) < held < MOST
