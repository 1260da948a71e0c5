"""Nothing of a talk goes over the network in the clear."""

import asyncio
import contextlib

import grpc
import pytest
from conformance.missing import missing
from grpc_health.v1 import health_pb2, health_pb2_grpc

from linly_client import Microphone, Playback, ReplyText, TalkClient, TalkOptions, TurnEnded
from linly_client.wav import read_wav

from .capture import Capture, End, captured
from .conftest import QUESTIONS, STAGES

HANDSHAKE, DATA = 0x16, 0x17
PREFACE = b"PRI * HTTP/2.0"


@pytest.fixture
def wire():
    try:
        with captured() as capture:
            yield capture
    except PermissionError:
        missing("the right to capture", "run as root, or give python CAP_NET_RAW")


async def talked(mesh) -> str:
    """Holds one spoken turn with picture; returns what the portrait said."""
    question = read_wav(QUESTIONS / "what-is-the-capital-of-france.wav")
    options = TalkOptions(
        microphone=Microphone(sample_rate=question.sample_rate),
        playback=Playback.SENT,
        barge_in=False,
    )
    async with TalkClient(mesh.target("orchestrator")).converse(options) as talk:
        await talk.send_audio(question.pcm)
        await talk.end()
        events = [event async for event in talk]
    (ended,) = (event for event in events if isinstance(event, TurnEnded))
    assert ended.error is None
    return "".join(event.text for event in events if isinstance(event, ReplyText))


async def test_a_talk_is_tls_on_every_connection(mesh, wire: Capture):
    await asyncio.to_thread(mesh.restart, "orchestrator")  # connections begin where they are seen
    said = await talked(mesh)
    wire.finish()
    for name in (*STAGES, "orchestrator"):
        address = mesh.local.mesh.workloads[name].address
        streams = wire.sent_to(address)
        begun = {data[0] for data in streams.values()}
        assert begun <= {HANDSHAKE, DATA}, f"{name}: a connection that does not begin with TLS"
        assert any(len(data) > 1000 for data in streams.values()), f"{name} was not called"
        for data in streams.values():
            assert PREFACE not in data
            assert b"/linly." not in data
            for word in said.split():
                assert len(word) < 6 or word.encode() not in data


async def test_plaintext_would_have_been_seen(wire: Capture):
    """Else the test above would prove nothing."""
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        with contextlib.suppress(grpc.aio.AioRpcError):
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    await server.stop(0)
    wire.finish()
    sent = [data for (_, to), data in wire.streams.items() if to == End("127.0.0.1", port)]
    assert any(PREFACE in data and b"/grpc.health" in data for data in sent)


def test_no_application_has_a_port(mesh):
    """All that listens over TCP is a proxy."""
    import psutil

    listening = {
        psutil.Process(connection.pid).name()
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
        and connection.pid
        and mesh.environment["XDG_RUNTIME_DIR"] in psutil.Process(connection.pid).environ().values()
    }
    assert listening == {"envoy"}
