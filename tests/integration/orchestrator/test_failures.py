"""A stage that fails is named, and costs one turn."""

import grpc
import pytest
from google.rpc import code_pb2

from linly.talk.v1 import talk_pb2
from linly_mesh.errors import ServiceError
from linly_mesh.rpc.status import error_info

from .conftest import eventually, only

LIMITS = {"connect_limit": 0.3, "first_output_limit": 0.5, "gap_limit": 0.5}


@pytest.fixture
async def house(build):
    return await build(connect_limit=0.3)


def broken() -> ServiceError:
    return ServiceError(grpc.StatusCode.INTERNAL, "BROKEN", "broken for a test")


async def one_turn(talk, house):
    await talk.text("hi")
    events = await talk.until("turn_ended")
    return events[-1].turn_ended.status


def break_llm(house):
    house.llm.error = broken()


def break_llm_later(house):
    house.llm.error, house.llm.fail_after = broken(), 2


def break_tts(house):
    house.tts.error = broken()


@pytest.mark.parametrize(
    ("damage", "stage"), [(break_llm, "llm"), (break_llm_later, "llm"), (break_tts, "tts")]
)
async def test_a_failing_stage_is_named_and_the_next_turn_works(house, damage, stage):
    async with house.talk() as talk:
        damage(house)
        status = await one_turn(talk, house)
        assert status.code == code_pb2.INTERNAL
        assert (error_info(status).domain, error_info(status).reason) == (stage, "BROKEN")
        house.llm.error = house.tts.error = house.llm.fail_after = None
        assert (await one_turn(talk, house)).code == code_pb2.OK
    assert house.idle()


@pytest.mark.parametrize("stage", ["llm", "tts", "animator"])
async def test_a_stage_that_is_gone_costs_one_turn(house, stage):
    async with house.talk(video=True) as talk:
        assert (await one_turn(talk, house)).code == code_pb2.OK
        await house.stop(stage)
        status = await one_turn(talk, house)
        assert status.code == code_pb2.UNAVAILABLE
        assert error_info(status).domain == stage
        await house.restart(stage)
        assert (await one_turn(talk, house)).code == code_pb2.OK


async def test_a_recogniser_that_is_gone_costs_one_turn(house):
    async with house.talk(listen=True) as talk:
        await house.stop("asr")
        await talk.speech(0.2)
        await talk.end_of_audio()
        status = (await talk.until("turn_ended"))[-1].turn_ended.status
        assert status.code == code_pb2.UNAVAILABLE
        assert error_info(status).domain == "asr"
        await house.restart("asr")
        await talk.speech(0.2)
        await talk.end_of_audio()
        status = (await talk.until("turn_ended"))[-1].turn_ended.status
        assert status.code == code_pb2.OK


async def test_a_new_animator_is_given_the_image_again(house):
    async with house.talk(video=True, image=b"picture") as talk:
        assert (await one_turn(talk, house)).code == code_pb2.OK
        await house.stop("animator")
        house.animator.known_avatars.clear()
        await one_turn(talk, house)
        await house.restart("animator")
        assert (await one_turn(talk, house)).code == code_pb2.OK
    assert house.animator.known_avatars == {"avatar-7"}


@pytest.mark.parametrize("stage", ["llm", "tts", "animator"])
async def test_a_silent_stage_is_a_failed_stage(build, stage):
    house = await build(**LIMITS)
    async with house.talk(video=True) as talk:
        await talk.next()
        if stage == "llm":
            house.llm.silent_after = 1
        else:
            house.stages[stage].silent = True
        status = await one_turn(talk, house)
        assert status.code == code_pb2.DEADLINE_EXCEEDED
        assert (error_info(status).domain, error_info(status).reason) == (stage, "STAGE_SILENT")
    await eventually(house.idle)


async def test_a_recogniser_that_does_not_answer_a_flush_has_failed(build):
    house = await build(**LIMITS)
    house.asr.silent = True
    async with house.talk(listen=True) as talk:
        await talk.speech(0.2)
        await talk.end_of_audio()
        status = (await talk.until("turn_ended"))[-1].turn_ended.status
    assert (error_info(status).domain, error_info(status).reason) == ("asr", "STAGE_SILENT")


async def test_a_stage_that_can_not_be_prepared_ends_the_call(house):
    await house.stop("tts")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async with house.talk() as talk:
            await talk.next()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_an_unknown_avatar_is_a_failed_precondition(house):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async with house.talk(video=True, avatar_id="nobody") as talk:
            await talk.next()
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION


async def test_the_callers_deadline_reaches_the_stages(house):
    async with house.talk(timeout=30) as talk:
        await one_turn(talk, house)
    assert 29 < house.llm.deadlines[0] < 30.2  # the header rounds up


async def test_a_client_that_never_reports_its_playback_is_not_waited_for(build):
    house = await build(**LIMITS)
    async with house.talk(mode=talk_pb2.PLAYBACK_MODE_CLIENT_REPORTS) as talk:
        status = await one_turn(talk, house)
    assert error_info(status).reason == "PLAYBACK_STALLED"


async def test_too_many_talks_are_turned_away_with_a_hint(build):
    house = await build(max_talks=1)
    async with house.talk() as first:
        await first.next()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async with house.talk() as second:
                await second.next()
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_too_many_waiting_turns_fail_each_for_itself(build):
    house = await build(max_waiting_turns=2)
    house.llm.first_token = 0.2
    async with house.talk(barge_in=False) as talk:
        for n in range(5):
            await talk.text(f"turn {n}")
        await talk.end()
        events = await talk.rest()
    codes = [ended.status.code for ended in only(events, "turn_ended")]
    assert codes.count(code_pb2.OK) == 3
    assert codes.count(code_pb2.RESOURCE_EXHAUSTED) == 2
