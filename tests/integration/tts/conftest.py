from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from linly.tts.v1 import tts_pb2, tts_pb2_grpc
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.server import Registration, create_server
from linly_mesh.workload import Workload
from linly_tts.config import Settings
from linly_tts.engine import Engine
from linly_tts.engines.espeak import create
from linly_tts.metrics import metrics
from linly_tts.servicer import TtsServicer
from linly_tts.voices import VoiceBook

MAX_STREAMS = 8


@dataclass(frozen=True)
class Service:
    stub: tts_pb2_grpc.TtsServiceStub
    workload: Workload


@asynccontextmanager
async def serving(engine: Engine, folder: Path) -> AsyncIterator[Service]:
    """A real server and a client of it."""
    await engine.start()
    workload = Workload()
    voices = VoiceBook(engine.voices, "en-us")
    registration = Registration(
        tts_pb2.DESCRIPTOR.services_by_name["TtsService"],
        TtsServicer(
            engine,
            "espeak",
            voices,
            workload,
            metrics("test", workload),
            max_streams=MAX_STREAMS,
        ),
        tts_pb2_grpc.add_TtsServiceServicer_to_server,
    )
    server = create_server("tts", [registration], workload=workload)
    address = f"unix:{folder}/s"
    server.add_insecure_port(address)
    await server.start()
    channel = open_channel(address)
    yield Service(tts_pb2_grpc.TtsServiceStub(channel), workload)
    await channel.close()
    await server.stop(0)
    await engine.stop()


@pytest.fixture(scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with serving(create(Settings()), tmp_path_factory.mktemp("tts")) as service:
        yield service
