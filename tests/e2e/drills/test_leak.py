"""Engines never forget a buffer of audio: the alert fires, and the service says where they are.

One keeps bytes, which Python's allocator knows of, and one keeps tensors, which it does not.
"""

import asyncio
import re
from contextlib import asynccontextmanager, suppress

import pytest

from linly.animator.v1 import animator_pb2, animator_pb2_grpc
from linly.common.v1 import common_pb2
from linly.tts.v1 import tts_pb2, tts_pb2_grpc
from linly_mesh.rpc.channel import open_channel

from ..conftest import running_mesh
from .conftest import ENGINES, settings, talking, watched

FACTOR = 120
"""The hour that memory has to grow for lasts thirty seconds."""
LIMIT = 100.0
"""Seconds in which the alert has to fire."""
LEAKING = ("tts", "animator")
TEXT = "A long sentence that is kept for ever. " * 10
SAMPLES = 240_000
"""Of each speech that the animator hears: a megabyte as it keeps them."""
SOURCE = ENGINES / "linly_drill_engines" / "tts.py"
LINE = 1 + next(
    number for number, line in enumerate(SOURCE.read_text().splitlines()) if "# the leak" in line
)


async def speak(channel) -> None:
    requests = [
        tts_pb2.StreamingSynthesizeRequest(config=tts_pb2.SynthesisConfig()),
        tts_pb2.StreamingSynthesizeRequest(text=tts_pb2.TextInput(text=TEXT)),
    ]
    async for _ in tts_pb2_grpc.TtsServiceStub(channel).StreamingSynthesize(iter(requests)):
        pass


async def animate(channel) -> None:
    config = animator_pb2.AnimationConfig(
        codec=animator_pb2.VIDEO_CODEC_H264,
        audio_encoding=common_pb2.AUDIO_ENCODING_LINEAR16,
        sample_rate_hertz=48_000,
    )
    speech = animator_pb2.SpeechInput(speech_id="s", audio=bytes(2 * SAMPLES))
    requests = [
        animator_pb2.StreamingAnimateRequest(config=config),
        animator_pb2.StreamingAnimateRequest(speech=speech),
        animator_pb2.StreamingAnimateRequest(end_speech=animator_pb2.EndSpeech(speech_id="s")),
    ]
    stub = animator_pb2_grpc.AnimatorServiceStub(channel)
    async for _ in stub.StreamingAnimate(iter(requests)):
        pass


@asynccontextmanager
async def busy(mesh, stage, call):
    """One model is called again and again while the block runs."""

    async def again():
        async with open_channel(mesh.target(stage, "debug")) as channel:
            while True:
                await call(channel)
                await asyncio.sleep(0.3)

    task = asyncio.create_task(again())
    try:
        yield
        if task.done():
            await task  # says why it ended
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture(scope="module")
async def leaking(tmp_path_factory):
    """A mesh in use, of which two services leak, and who watches it."""
    folder = tmp_path_factory.mktemp("l")
    with running_mesh(folder, settings(folder, dict.fromkeys(LEAKING, "leaking"))) as mesh:
        async with (
            talking(mesh, people=2),
            busy(mesh, "tts", speak),
            busy(mesh, "animator", animate),
            watched(mesh, folder, FACTOR) as prometheus,
        ):
            yield mesh, prometheus


async def test_what_leaks_is_noticed_and_nothing_else(leaking):
    _, prometheus = leaking
    firing = 'ALERTS{alertname="MemoryGrowing", alertstate="firing"}'
    await prometheus.until(f"count({firing}) == {len(LEAKING)}", LIMIT)
    growing = await prometheus.query('ALERTS{alertname="MemoryGrowing"}')
    assert {each["metric"]["stage"] for each in growing} == set(LEAKING)


@pytest.mark.parametrize(
    ("stage", "named"),
    [
        ("tts", rf"linly_drill_engines/tts.py:{LINE} .*\+[\d.]+ MiB"),
        ("animator", rf"float32 +\(?{SAMPLES}.*\+[\d.]+ MiB"),
    ],
)
async def test_the_service_says_what_has_grown(leaking, stage, named):
    mesh, _ = leaking
    found = await asyncio.to_thread(mesh.talker, "memory", stage, "--for", "3")
    assert found.returncode == 0, found.stderr
    assert re.search(named, found.stdout), found.stdout
