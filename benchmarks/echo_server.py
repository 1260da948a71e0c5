"""``python -m benchmarks.echo_server ADDRESS``: answers what it is asked, and pours on request."""

import argparse
import asyncio

import grpc
import uvloop
from grpc_health.v1 import health, health_pb2_grpc

PING = "/linly.asr.v1.AsrService/StreamingRecognize"
"""A method that the policy lets the orchestrator call; what travels is not what it says."""


class _Echo(grpc.GenericRpcHandler):
    def service(self, details):  # type: ignore[no-untyped-def]
        if details.method == PING:
            return grpc.stream_stream_rpc_method_handler(self._answer)
        return None

    async def _answer(self, requests, context):  # type: ignore[no-untyped-def]
        """A message is sent back; one that is a number asks for so many of 32 KiB."""
        async for request in requests:
            if request.isdigit():
                for _ in range(int(request)):
                    yield bytes(32 << 10)
            else:
                yield request


async def _serve(address: str) -> None:
    server = grpc.aio.server(handlers=[_Echo()], options=[("grpc.http2.bdp_probe", 0)])
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
    server.add_insecure_port(address)
    await server.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="unix:/path or host:port")
    uvloop.run(_serve(parser.parse_args().address))
