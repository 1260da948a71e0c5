"""A mesh whose engines compute nothing, watched by a Prometheus in a hurry."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import prometheus
import pytest
from prometheus import Prometheus

from linly_client import Microphone, TalkClient, TalkOptions
from linly_client.wav import read_wav

from ..conftest import QUESTIONS, STAGES, Mesh, running_mesh
from .scale import shrunk

ENGINES = Path(__file__).with_name("engines")
FACTOR = 40
"""A window of five minutes lasts 7.5 seconds."""
_QUESTION = read_wav(QUESTIONS / "tell-me-about-the-moon.wav")


@pytest.fixture(scope="package")
def faults(tmp_path_factory) -> Path:
    """Where a stage finds how many seconds it is to be slower."""
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="package")
def mesh(tmp_path_factory, faults):
    """One whose engines may be made slow."""
    with running_mesh(tmp_path_factory.mktemp("d"), settings(faults)) as mesh:
        yield mesh


@pytest.fixture(scope="package")
async def watching(mesh, tmp_path_factory):
    """Prometheus, which scrapes that mesh."""
    async with watched(mesh, tmp_path_factory.mktemp("w"), FACTOR) as prometheus:
        yield prometheus


def settings(faults: Path, engines: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment of services with engines of the drills: ``drill``, if no other is named."""
    chosen = dict.fromkeys(STAGES, "drill") | dict(engines or {})
    path = os.pathsep.join(filter(None, (str(ENGINES), os.environ.get("PYTHONPATH"))))
    return {
        "PYTHONPATH": path,
        "DRILL_FAULTS": str(faults),
        "TTS_DEFAULT_VOICE": "hum",
        **{f"{stage.upper()}_ENGINE": engine for stage, engine in chosen.items()},
    }


@asynccontextmanager
async def watched(mesh: Mesh, folder: Path, factor: int) -> AsyncIterator[Prometheus]:
    """Scrapes the mesh through its proxies; the shipped rules run ``factor`` times as fast."""
    source = mesh.local.svid("prometheus")
    source.refresh()
    network = mesh.local.mesh.workloads["asr"].address.rpartition(".")[0]
    configured = prometheus.configuration(folder / "prometheus", source.files().folder, network)
    prometheus.hurry(configured)
    for path in (configured.parent / "rules").iterdir():
        path.write_text(shrunk(path.read_text(), factor))
    async with prometheus.running(configured) as found:
        await found.until("sum(up) == 10")
        yield found


@asynccontextmanager
async def talking(mesh: Mesh, people: int) -> AsyncIterator[None]:
    """So many people ask the same spoken question again and again while the block runs."""
    tasks = [asyncio.create_task(_ask_again(mesh)) for _ in range(people)]
    try:
        yield
        for task in tasks:
            if task.done():
                await task  # says why it ended
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _ask_again(mesh: Mesh) -> None:
    client = TalkClient(mesh.target("orchestrator"))
    microphone = Microphone(sample_rate=_QUESTION.sample_rate)
    while True:
        async with client.converse(TalkOptions(microphone=microphone, barge_in=False)) as talk:
            async for chunk in _QUESTION.as_spoken():
                await talk.send_audio(chunk)
            await talk.end()
            async for _ in talk:
                pass
