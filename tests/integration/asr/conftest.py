"""A real server with the real engine, on a Unix socket."""

import json
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from linly.asr.v1 import asr_pb2, asr_pb2_grpc
from linly_asr.config import Settings
from linly_asr.engines.pocketsphinx.engine import PocketsphinxEngine
from linly_asr.metrics import metrics
from linly_asr.servicer import AsrServicer
from linly_asr.vad import SileroVad
from linly_asr.weights import SILERO_VAD
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.draining import Draining
from linly_mesh.rpc.server import Registration, create_server
from linly_mesh.weights import fetch

from .asr_service import Service

QUESTIONS = Path(__file__).parents[2] / "data" / "questions"


@pytest.fixture(scope="session")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    settings = Settings(decoders=2, max_streams=4, max_utterance=5.0)
    engine = PocketsphinxEngine(settings)
    await engine.start()
    vad = SileroVad(fetch(SILERO_VAD) / "silero_vad.onnx")
    registration = Registration(
        asr_pb2.DESCRIPTOR.services_by_name["AsrService"],
        AsrServicer(engine, vad, settings, Draining(), metrics("test", engine.workload)),
        asr_pb2_grpc.add_AsrServiceServicer_to_server,
    )
    server = create_server("asr", [registration], workload=engine.workload)
    address = f"unix:{tmp_path_factory.mktemp('asr')}/asr.sock"
    server.add_insecure_port(address)
    await server.start()
    async with open_channel(address) as channel:
        yield Service(asr_pb2_grpc.AsrServiceStub(channel), engine, address)
    await server.stop(None)
    await engine.stop()


@pytest.fixture(scope="session")
def questions() -> dict[str, bytes]:
    """What each question says, and its samples: LINEAR16 at 16 kHz."""
    listed = json.loads((QUESTIONS / "questions.json").read_text())
    return {question["text"]: pcm(QUESTIONS / question["file"]) for question in listed}


@pytest.fixture(scope="session")
def question(questions: dict[str, bytes]) -> bytes:
    """What is the capital of France?"""
    return questions["what is the capital of france"]


def pcm(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (16_000, 2, 1)
        return file.readframes(file.getnframes())
