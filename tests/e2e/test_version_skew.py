"""A service one minor version older or newer than the orchestrator still talks."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
import pytest

from linly.tts.v1 import tts_pb2
from linly_client import (
    Audio,
    Frames,
    Microphone,
    Playback,
    TalkClient,
    TalkOptions,
    Transcript,
    TurnEnded,
)
from linly_client.wav import read_wav
from linly_mesh.proxy.readiness import GrpcHealth

from .conftest import QUESTIONS, STAGES
from .skew import UNKNOWN, SkewedService, add_unknown, drop_optional

QUESTION = "what is the capital of france"


@asynccontextmanager
async def orchestrator(targets: dict[str, str], folder: Path) -> AsyncIterator[str]:
    """A process before the given services."""
    listen = f"unix:{folder}/o.sock"
    variables = {f"ORCHESTRATOR_{stage.upper()}_TARGET": at for stage, at in targets.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "linly_orchestrator"],
        env={
            **os.environ,
            **variables,
            "ORCHESTRATOR_LISTEN": listen,
            "ORCHESTRATOR_METRICS_LISTEN": "",
        },
    )
    try:
        await GrpcHealth(listen).until_ready()
        yield listen
    finally:
        process.terminate()
        process.wait(30)


@asynccontextmanager
async def skewed(services: dict[str, SkewedService], folder: Path) -> AsyncIterator[dict[str, str]]:
    targets = {stage: f"unix:{folder}/{stage}.sock" for stage in services}
    async with AsyncExitStack() as stack:
        for stage, service in services.items():
            server = grpc.aio.server()
            server.add_generic_rpc_handlers((service,))
            server.add_insecure_port(targets[stage])
            await server.start()
            stack.push_async_callback(server.stop, 0)
        yield targets


@pytest.mark.parametrize(
    ("change_request", "change_response", "unknown_events"),
    [(drop_optional, add_unknown, True), (add_unknown, drop_optional, False)],
    ids=["services newer", "services older"],
)
async def test_a_talk_over_versions(
    mesh, tmp_path, change_request, change_response, unknown_events
):
    services = {
        stage: SkewedService(
            f"unix:{mesh.socket(stage)}", change_request, change_response, unknown_events
        )
        for stage in STAGES
    }
    question = read_wav(QUESTIONS / f"{QUESTION.replace(' ', '-')}.wav")
    options = TalkOptions(
        microphone=Microphone(sample_rate=question.sample_rate),
        playback=Playback.SENT,  # nobody watches live, so no frame is left out as late
    )
    async with (
        skewed(services, tmp_path) as targets,
        orchestrator(targets, tmp_path) as target,
        TalkClient(target).converse(options, timeout=60) as talk,
    ):
        await talk.send_audio(question.pcm)
        await talk.end()
        events = [event async for event in talk]

    assert [e.text for e in events if isinstance(e, Transcript) and e.is_final] == [QUESTION]
    (ended,) = (e for e in events if isinstance(e, TurnEnded))
    assert ended.error is None
    spoken = sum(e.duration for e in events if isinstance(e, Audio))
    shown = sum(len(e.frames) for e in events if isinstance(e, Frames))
    assert spoken > 0.5
    assert shown / 25 == pytest.approx(spoken, abs=0.2)
    assert all(s.passed["requests"] and s.passed["responses"] for s in services.values())


def test_the_next_version_is_really_different():
    message = tts_pb2.StreamingSynthesizeResponse(chunk=tts_pb2.SpeechChunk(audio=b"12"))
    before = message.SerializeToString()
    add_unknown(message)
    assert message.SerializeToString().count(UNKNOWN) == 2
    assert tts_pb2.StreamingSynthesizeResponse.FromString(UNKNOWN).WhichOneof("response") is None
    assert tts_pb2.StreamingSynthesizeResponse.FromString(before).chunk.audio == b"12"


def test_the_version_before_is_really_different():
    config = tts_pb2.SynthesisConfig(voice="en-us", speaking_rate=1.5)
    request = tts_pb2.StreamingSynthesizeRequest(config=config)
    drop_optional(request)
    assert request.config == tts_pb2.SynthesisConfig(voice="en-us")
