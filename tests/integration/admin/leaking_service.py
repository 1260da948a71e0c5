"""A service that keeps what it is sent: as bytes, and as tensors where torch is asked for.

Usage: leaking_service.py ADDRESS [torch]
"""

import sys

from linly_mesh.rpc.server import Registration, run, serve
from linly_mesh.settings import ServerSettings
from linly_mesh.workload import Workload

ADDRESS, *MODE = sys.argv[1:]

from linly.tts.v1 import tts_pb2, tts_pb2_grpc  # noqa: E402  # after the arguments are known

KEPT = []


class Leak(tts_pb2_grpc.TtsServiceServicer):
    """Answers ListVoices; each call is remembered for ever."""

    async def ListVoices(self, request, context):
        if MODE == ["torch"]:
            import torch

            KEPT.append(torch.ones(64, 1024))
        else:
            KEPT.append(bytes(200_000))  # the leak
        return tts_pb2.ListVoicesResponse()


async def main(settings: ServerSettings) -> None:
    async def start() -> Registration:
        service = tts_pb2.DESCRIPTOR.services_by_name["TtsService"]
        return Registration(service, Leak(), tts_pb2_grpc.add_TtsServiceServicer_to_server)

    async def stop() -> None:
        pass

    await serve("leak", settings, start, stop, Workload())


run(lambda: ServerSettings(listen=ADDRESS, metrics_listen=""), main)
