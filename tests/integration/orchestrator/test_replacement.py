"""A service that is replaced by a new release while people talk."""

import asyncio

import grpc
import pytest
from google.rpc import code_pb2

from linly_mesh.rpc.draining import Draining
from linly_mesh.rpc.status import error_info, from_rpc_error

from .conftest import eventually, only


async def replace_asr(house) -> None:
    """The old server ends its streams at rest; the new one takes the address over."""
    old = house.servers.pop("asr")
    house.asr.draining.begin()
    draining = asyncio.create_task(old.stop(30))
    await asyncio.wait_for(draining, 5)  # no stream is waited for
    house.asr.draining = Draining()
    await house.start("asr")


async def test_a_recogniser_is_replaced_between_utterances_without_a_failed_turn(house):
    async with house.talk(listen=True) as talk:
        await talk.speech(0.2)
        await talk.silence(0.6)
        await talk.until("turn_ended")
        await replace_asr(house)
        await talk.speech(0.2)
        await talk.silence(0.6)
        events = await talk.until("turn_ended")
    assert house.asr.calls == 2
    assert [t.text for t in only(events, "transcript") if t.is_final] == ["hello"]
    assert events[-1].turn_ended.status.code == code_pb2.OK


async def test_a_recogniser_that_is_replaced_finishes_the_open_utterance(house):
    async with house.talk(listen=True) as talk:
        await talk.speech(0.2)
        await eventually(lambda: not house.asr.workload.snapshot().idle)
        replacing = asyncio.create_task(replace_asr(house))
        await talk.silence(0.6)
        events = await talk.until("turn_ended")
        await replacing
        assert events[-1].turn_ended.status.code == code_pb2.OK
        await talk.speech(0.2)
        await talk.end_of_audio()
        events = await talk.until("turn_ended")
        assert events[-1].turn_ended.status.code == code_pb2.OK


async def test_what_was_answered_is_not_heard_again_by_the_next_recogniser(house):
    async with house.talk(listen=True) as talk:
        await talk.speech(0.2)
        await talk.end_of_audio()
        await talk.until("turn_ended")
        await replace_asr(house)
        await talk.silence(0.2)
        await talk.end()
        events = await talk.rest()
    assert house.asr.calls == 2
    statuses = [error_info(ended.status).reason for ended in only(events, "turn_ended")]
    assert statuses == ["NO_SPEECH"]


async def test_a_draining_orchestrator_ends_a_talk_once_its_turns_are_over(house):
    house.llm.first_token = 0.3
    async with house.talk() as talk:
        await talk.text("hi")
        await talk.until("turn_started")
        house.draining.begin()
        events = await talk.until("turn_ended")
        assert events[-1].turn_ended.status.code == code_pb2.OK
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await talk.next()
    assert error_info(from_rpc_error(caught.value, "talk")).reason == "DRAINING"


async def test_a_draining_orchestrator_lets_a_talk_end_that_is_ending(house):
    house.llm.first_token = 0.2
    async with house.talk() as talk:
        await talk.text("hi")
        await talk.end()
        await talk.until("turn_started")
        house.draining.begin()
        events = await talk.rest()
    assert events[-1].turn_ended.status.code == code_pb2.OK


@pytest.mark.parametrize("sentences", range(8, 14))
async def test_a_draining_orchestrator_sends_all_of_the_last_turn(house, sentences):
    """Of one of these lengths, or several, the end waits for a client that does not read."""
    house.llm.tokens = [f"Sentence {n}. " for n in range(sentences)]
    async with house.talk() as talk:
        await talk.text("hi")
        events = await talk.until("turn_started")
        house.draining.begin()
        await asyncio.sleep(0.05)
        events += await talk.until("turn_ended")
        with pytest.raises(grpc.aio.AioRpcError):
            await talk.next()
    assert sum(len(audio.audio) for audio in only(events, "audio")) == sentences * 6_400


async def replace_animator(house) -> None:
    old = house.servers.pop("animator")
    house.animator.draining.begin()
    await asyncio.wait_for(asyncio.create_task(old.stop(30)), 5)
    house.animator.draining = Draining()
    await house.start("animator")


async def test_an_animator_is_replaced_between_speeches_without_a_failed_turn(house):
    async with house.talk(video=True) as talk:
        for _ in range(3):
            await talk.text("hi")
            events = await talk.until("turn_ended")
            assert events[-1].turn_ended.status.code == code_pb2.OK
            assert sum(len(f.frames) for f in only(events, "frames")) == 10
            await replace_animator(house)


async def test_a_speech_on_its_way_to_an_animator_that_drains_is_given_to_the_next(house):
    async with house.talk(video=True) as talk:
        await talk.text("hi")
        await talk.until("turn_ended")
        house.animator.hearing.clear()
        await talk.text("hi")
        await talk.until("audio")  # given to an animator that has not taken it up
        await replace_animator(house)
        house.animator.hearing.set()
        events = await talk.until("turn_ended")
    assert events[-1].turn_ended.status.code == code_pb2.OK
    assert sum(len(f.frames) for f in only(events, "frames")) == 10


async def test_a_portrait_at_rest_moves_on_after_its_animator_was_replaced(house):
    house.animator.idle_period = 0.05
    async with house.talk(video=True, idle=True) as talk:
        await talk.until("frames")
        await replace_animator(house)
        sessions = house.animator.sessions
        await eventually(lambda: house.animator.sessions == sessions + 1)
        events = await talk.until("frames")
        while not events[-1].frames.frames[0].key_frame:
            events = await talk.until("frames")
