"""A long monologue: the whole service, but for the decoder, which would take minutes over it."""

import asyncio
import os
import sys
from pathlib import Path

import psutil

from linly.asr.v1 import asr_pb2_grpc
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.duplex import open_duplex

from .asr_service import config, finals, send

ENGINES = Path(__file__).parents[2] / "e2e" / "drills" / "engines"
TEN_MINUTES = 600 * 32_000
"""Bytes at 16 kHz."""
PAUSE = bytes(32_000)
GROWTH = 16 << 20
"""Bytes; the audio is 18 MiB, and 150 utterances of it more than once would be many times that."""


async def test_ten_minutes_of_speech_are_heard_to_their_end_in_little_memory(tmp_path, question):
    address = f"unix:{tmp_path}/asr.sock"
    path = os.pathsep.join(filter(None, (str(ENGINES), os.environ.get("PYTHONPATH"))))
    settings = {"ASR_LISTEN": address, "ASR_METRICS_LISTEN": "", "ASR_ENGINE": "drill"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "linly_asr",
        env={**os.environ, **settings, "PYTHONPATH": path, "DRILL_FAULTS": str(tmp_path)},
    )
    try:
        async with open_channel(address) as channel:
            await asyncio.wait_for(channel.channel_ready(), 30)
            once = question + PAUSE
            times = TEN_MINUTES // len(once)
            async with open_duplex(asr_pb2_grpc.AsrServiceStub(channel).StreamingRecognize) as call:
                await call.write(config())
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(send(call, once * times, end=True))
                    responses = [await call.read()]
                    before = psutil.Process(process.pid).memory_info().rss
                    responses += [response async for response in call]
            after = psutil.Process(process.pid).memory_info().rss
        assert finals(responses) == ["hello there"] * times
        assert after - before < GROWTH
    finally:
        process.kill()
        await process.wait()
