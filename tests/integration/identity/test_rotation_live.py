"""Certificates and roots change under open streams, and nobody notices."""

import asyncio
from datetime import timedelta

import grpc
import pytest

from linly_mesh.identity.issued import IssuedSvid
from linly_mesh.identity.provided import ProvidedSvid
from linly_mesh.identity.rotation import Rotation
from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.identity.svid import utc_now

from .conftest import Conversation, ask, presented, running, serving

ASR = SpiffeId("asr")
CALLER = SpiffeId("orchestrator")
HOUR = timedelta(hours=1)


@pytest.fixture
def server_svid(authority, tmp_path):
    return IssuedSvid(authority, ASR, tmp_path / "asr", HOUR)


@pytest.fixture
def caller_svid(authority, tmp_path):
    return IssuedSvid(authority, CALLER, tmp_path / "orchestrator", HOUR)


@pytest.fixture
async def target(server_svid):
    """Reads the folder as Envoy does: it renews nothing itself."""
    server_svid.refresh()
    async with serving(ProvidedSvid(ASR, server_svid.files().folder)) as address:
        yield address


async def test_new_connections_get_the_new_leaf_and_open_streams_stay(
    target, server_svid, caller_svid
):
    caller = caller_svid.refresh()
    stream = Conversation(target, caller)
    assert await stream.exchange() == str(CALLER)
    first = await presented(target, caller)

    renewed = server_svid.renew()

    assert await presented(target, caller) == renewed.leaf != first
    assert await ask(target, caller_svid.renew()) == str(CALLER)
    assert await stream.exchange() == str(CALLER)
    assert await stream.close() is grpc.StatusCode.OK


async def test_a_roll_over_of_the_root_drops_nothing(target, server_svid, caller_svid, authority):
    """In each step the two sides learn of it one after the other, in either order."""
    of_old_root = caller_svid.refresh()
    streams = [Conversation(target, of_old_root)]
    sides = [server_svid.refresh, caller_svid.refresh]

    for step in (authority.stage_root, authority.promote_root, authority.retire_root):
        step()
        for side in sides:
            side()
            caller = ProvidedSvid(CALLER, caller_svid.files().folder).refresh()
            assert await ask(target, caller) == str(CALLER)
            streams.append(Conversation(target, caller))
            assert [await stream.exchange() for stream in streams] == [str(CALLER)] * len(streams)
        sides.reverse()

    with pytest.raises(grpc.aio.AioRpcError):
        await ask(target, of_old_root, bundle=caller.bundle)
    assert {await stream.close() for stream in streams} == {grpc.StatusCode.OK}


async def test_rotation_outlives_the_first_certificates(authority, tmp_path):
    """Every new connection is believed, and no message of a stream is lost."""
    ttl = timedelta(seconds=6)
    server = IssuedSvid(authority, ASR, tmp_path / "asr", ttl)
    client = IssuedSvid(authority, CALLER, tmp_path / "orchestrator", ttl)
    rotation = Rotation([server, client], interval=0.1)
    await rotation.start()
    first = rotation.current("orchestrator")

    async with serving(ProvidedSvid(ASR, server.files().folder)) as target, running(rotation):
        stream = Conversation(target, first)
        while first.is_valid(utc_now()):
            assert await ask(target, rotation.current("orchestrator")) == str(CALLER)
            assert await stream.exchange() == str(CALLER)
            await asyncio.sleep(0.05)
        assert await ask(target, rotation.current("orchestrator")) == str(CALLER)
        assert await stream.exchange() == str(CALLER)
        assert await stream.close() is grpc.StatusCode.OK
        with pytest.raises(grpc.aio.AioRpcError):
            await ask(target, first)


async def test_while_the_authority_is_damaged_the_old_certificate_serves(
    target, server_svid, caller_svid, tmp_path, caplog
):
    caller = caller_svid.refresh()
    rotation = Rotation([server_svid], interval=0.05, first_retry=0.05)
    await rotation.start()
    before = rotation.current("asr")
    key = tmp_path / "authority" / "ca.key"
    sound = key.read_bytes()

    async with asyncio.timeout(20), running(rotation):
        key.write_bytes(b"damaged")
        while "keeps its certificate" not in caplog.text:
            await asyncio.sleep(0.01)
        assert await ask(target, caller) == str(CALLER)
        assert await presented(target, caller) == before.leaf

        key.write_bytes(sound)
        server_svid.files().certificate.write_bytes(b"damaged")  # a reason to renew
        while rotation.current("asr") == before:
            await asyncio.sleep(0.01)
        assert await ask(target, caller) == str(CALLER)
        assert await presented(target, caller) == rotation.current("asr").leaf
