"""A talk whose every call goes through two proxies, while the mesh changes under it."""

import asyncio
import socket
import ssl

import pytest
from cryptography import x509
from google.rpc import code_pb2
from integration.orchestrator.conftest import only

from linly.talk.v1 import talk_pb2, talk_pb2_grpc
from linly_client import TalkOptions, TurnEnded
from linly_client.sync import TalkClient
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.status import error_info

SENTENCES = 30


def speak_for_seconds(house) -> None:
    """A reply of some three seconds, half as fast as it could be."""
    house.llm.tokens = [f"Sentence {n}. " for n in range(SENTENCES)]
    house.tts.per_chunk = 0.01


async def one_turn(talk):
    await talk.text("hi")
    events = await talk.until("turn_ended")
    return events[-1].turn_ended.status


async def test_a_talk_is_complete(house):
    async with house.talk(video=True, listen=True) as talk:
        await talk.speech(0.2)
        await talk.end_of_audio()
        events = await talk.until("turn_ended")
    assert events[-1].turn_ended.status.code == code_pb2.OK
    assert [t.text for t in only(events, "transcript") if t.is_final] == ["hello"]
    assert sum(len(audio.audio) for audio in only(events, "audio")) == 2 * 6_400
    assert only(events, "frames")


async def test_a_script_without_asyncio_proves_who_it_is_too(house):
    def ask() -> list:
        with TalkClient(house.entrance()) as client:
            return list(client.talk(text="hi", options=TalkOptions(video=None)))

    events = await asyncio.to_thread(ask)
    assert [event.error for event in events if isinstance(event, TurnEnded)] == [None]


def renew_all(house) -> None:
    for name in (*house.stages, "orchestrator"):
        house.world.source(name).renew()


async def roll_over(house) -> None:
    """The roots change while both the old and the new one are believed."""
    authority = house.world.authority
    for change in (authority.stage_root, authority.promote_root, authority.retire_root):
        change()
        renew_all(house)
        await asyncio.sleep(0.3)  # no event tells that the proxies have read their files


async def renew_leaves(house) -> None:
    renew_all(house)


@pytest.mark.parametrize("rotate", [renew_leaves, roll_over])
async def test_certificates_change_during_a_reply_and_nothing_is_lost(house, rotate):
    speak_for_seconds(house)
    async with house.talk(video=True) as talk:
        await talk.text("hi")
        begun = await talk.until("audio")
        await rotate(house)
        events = [*begun, *await talk.until("turn_ended")]
    assert events[-1].turn_ended.status.code == code_pb2.OK
    assert sum(len(audio.audio) for audio in only(events, "audio")) == SENTENCES * 6_400
    offsets = [audio.offset.ToNanoseconds() for audio in only(events, "audio")]
    assert offsets == sorted(set(offsets))
    # whoever connects from now on meets the new certificates, and is believed by the new roots
    async with asyncio.timeout(5):
        while await presented(house, "orchestrator") != house.world.svid("orchestrator").leaf:
            await asyncio.sleep(0.05)
    async with open_channel(house.entrance()) as channel:
        stub = talk_pb2_grpc.TalkServiceStub(channel)
        await stub.GetCapabilities(talk_pb2.GetCapabilitiesRequest(), timeout=5)


async def presented(house, workload: str) -> x509.Certificate:
    """What a proxy shows to a new connection."""
    host, port = house.world.target(workload)
    context = ssl.create_default_context(cadata=house.world.svid("client").bundle.decode())
    context.set_alpn_protocols(["h2"])

    def connect() -> bytes:
        with (
            socket.create_connection((host, port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=workload) as secure,
        ):
            return secure.getpeercert(binary_form=True)

    return x509.load_der_x509_certificate(await asyncio.to_thread(connect))


@pytest.mark.parametrize("stage", ["llm", "tts", "animator"])
async def test_a_proxy_that_is_killed_costs_the_turn_that_ran(house, stage):
    speak_for_seconds(house)
    house.llm.per_token = 0.05
    async with house.talk(video=True) as talk:
        await talk.text("hi")
        await talk.until("audio")
        await house.kill_proxy(stage)
        ended = (await talk.until("turn_ended"))[-1].turn_ended
        assert ended.status.code == code_pb2.UNAVAILABLE
        assert error_info(ended.status).domain == stage
        await house.start_proxy(stage)
        house.llm.tokens = ["Yes."]
        assert (await one_turn(talk)).code == code_pb2.OK


async def test_the_recognisers_proxy_that_is_killed_costs_the_turn_that_ran(house):
    async with house.talk(listen=True) as talk:
        await talk.speech(0.2)
        await talk.until("turn_started")
        await house.kill_proxy("asr")
        ended = (await talk.until("turn_ended"))[-1].turn_ended
        assert ended.status.code == code_pb2.UNAVAILABLE
        assert error_info(ended.status).domain == "asr"
        await house.start_proxy("asr")
        await asyncio.sleep(1.0)  # audio that was under way is passed over
        await talk.speech(0.2)
        await talk.end_of_audio()
        assert (await talk.until("turn_ended"))[-1].turn_ended.status.code == code_pb2.OK
