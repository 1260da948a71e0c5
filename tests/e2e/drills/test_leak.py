"""An engine never forgets what it has spoken: the alert fires, and the service says where."""

import asyncio
import re
from contextlib import asynccontextmanager, suppress

import pytest

from linly.tts.v1 import tts_pb2, tts_pb2_grpc
from linly_mesh.rpc.channel import open_channel

from ..conftest import running_mesh
from .conftest import ENGINES, settings, talking, watched

FACTOR = 120
"""The hour that memory has to grow for lasts thirty seconds."""
LIMIT = 100.0
TEXT = "A long sentence that is kept for ever. " * 10
SOURCE = ENGINES / "linly_drill_engines" / "tts.py"
LINE = 1 + next(
    number for number, line in enumerate(SOURCE.read_text().splitlines()) if "# the leak" in line
)


@asynccontextmanager
async def speaking(mesh):
    """One model is called again and again while the block runs."""

    async def call():
        requests = [
            tts_pb2.StreamingSynthesizeRequest(config=tts_pb2.SynthesisConfig()),
            tts_pb2.StreamingSynthesizeRequest(text=tts_pb2.TextInput(text=TEXT)),
        ]
        async with open_channel(mesh.target("tts", "debug")) as channel:
            stub = tts_pb2_grpc.TtsServiceStub(channel)
            while True:
                async for _ in stub.StreamingSynthesize(iter(requests)):
                    pass
                await asyncio.sleep(0.25)

    task = asyncio.create_task(call())
    try:
        yield
        if task.done():
            await task  # says why it ended
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(
    ("engine", "named"),
    [
        ("leaking-bytes", rf"linly_drill_engines/tts.py:{LINE} .*\+[\d.]+ MiB"),
        ("leaking-tensors", r"int16 .*\+[\d.]+ MiB"),
    ],
)
async def test_a_leak_is_noticed_and_found(tmp_path_factory, engine, named):
    folder = tmp_path_factory.mktemp("l")
    with running_mesh(folder, settings(folder, {"tts": engine})) as mesh:
        async with (
            talking(mesh, people=2),
            speaking(mesh),
            watched(mesh, folder, FACTOR) as prometheus,
        ):
            await prometheus.until('ALERTS{alertname="MemoryGrowing", alertstate="firing"}', LIMIT)
            growing = await prometheus.query('ALERTS{alertname="MemoryGrowing"}')
            assert {each["metric"]["stage"] for each in growing} == {"tts"}
            found = await asyncio.to_thread(mesh.talker, "memory", "tts", "--for", "5")
            assert found.returncode == 0, found.stderr
            assert re.search(named, found.stdout), found.stdout
