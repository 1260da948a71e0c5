"""A real server with the real engine, on a Unix socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from linly_llm.config import Settings
from linly_llm.engines.transformers import create
from linly_llm.metrics import LlmMetrics
from linly_llm.servicer import registration
from linly_llm.weights import SMOLLM2
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.server import create_server
from linly_mesh.weights import is_fetched
from tests.conformance.missing import missing
from tests.unit.llm.tiny_model import save_tiny_model

from .llm_service import Service


@asynccontextmanager
async def serving(folder: Path, settings: Settings) -> AsyncIterator[Service]:
    engine = create(settings)
    await engine.start()
    server = create_server(
        "llm",
        [registration(engine, settings, LlmMetrics("test", engine.workload))],
        workload=engine.workload,
    )
    address = f"unix:{folder}/s"
    server.add_insecure_port(address)
    await server.start()
    async with open_channel(address) as channel:
        yield Service(channel, engine)
    await server.stop(0)
    await engine.stop()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
async def tiny(
    tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    """No sense, three places, two of them may be waited for."""
    settings = Settings(
        model=str(tiny_model),
        dtype="float32",
        threads=1,
        cache_tokens=640,
        max_concurrency=3,
        max_waiting=2,
    )
    async with serving(tmp_path_factory.mktemp("llm"), settings) as service:
        yield service


@pytest.fixture(scope="session")
async def smollm(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """The embedded model."""
    if not is_fetched(SMOLLM2):
        missing("the embedded language model", "talker models fetch")
    async with serving(tmp_path_factory.mktemp("smollm"), Settings()) as service:
        yield service
