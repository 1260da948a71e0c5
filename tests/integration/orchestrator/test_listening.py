"""What is heard, when it counts, and what it may not disturb."""

import asyncio

import grpc
from google.rpc import code_pb2

from linly.talk.v1 import talk_pb2
from linly_mesh.errors import ServiceError
from linly_mesh.rpc.convert import to_seconds
from linly_mesh.rpc.status import error_info

from .conftest import eventually, kinds, only

REAL_TIME = talk_pb2.PLAYBACK_MODE_REAL_TIME
REPORTS = talk_pb2.PLAYBACK_MODE_CLIENT_REPORTS


def broken() -> ServiceError:
    return ServiceError(grpc.StatusCode.INTERNAL, "BROKEN", "broken for a test")


async def test_silence_at_the_end_of_a_talk_does_not_interrupt_the_reply(house):
    async with house.talk(listen=True, mode=REAL_TIME) as talk:
        await talk.text("hi")
        events = await talk.until("audio")
        await talk.silence(0.3)
        await talk.end()
        events += await talk.rest()
    assert "interrupted" not in kinds(events)
    first, second = only(events, "turn_ended")
    assert first.status.code == code_pb2.OK
    assert error_info(second.status).reason == "NO_SPEECH"


async def test_a_recogniser_that_fails_does_not_interrupt_the_reply(house):
    house.asr.error = broken()
    async with house.talk(listen=True, mode=REAL_TIME) as talk:
        await talk.text("hi")
        events = await talk.until("audio")
        await talk.silence(0.3)
        events += await talk.until("turn_ended")
        assert "interrupted" not in kinds(events)
        assert events[-1].turn_ended.status.code == code_pb2.OK
        status = (await talk.until("turn_ended"))[-1].turn_ended.status
    assert (error_info(status).domain, error_info(status).reason) == ("asr", "BROKEN")


async def test_all_that_is_said_of_a_turn_lies_between_its_start_and_its_end(house):
    house.llm.tokens = ["A long. "] * 3
    async with house.talk(listen=True, mode=REAL_TIME, barge_in=False) as talk:
        await talk.text("hi")
        events = await talk.until("audio")
        await talk.speech(0.2)
        await talk.silence(0.6)
        await talk.end()
        events += await talk.rest()
    running = ""
    for event in events[1:]:
        if event.HasField("turn_started"):
            assert not running
            running = event.turn_id
        assert event.turn_id == running, event.WhichOneof("event")
        if event.HasField("turn_ended"):
            running = ""
    assert len(only(events, "speech_event")) == 2


async def test_a_question_right_after_a_failed_one_is_answered(house):
    async with house.talk(listen=True) as talk:
        house.asr.error = broken()
        await talk.speech(0.2)
        await talk.end_of_audio()
        assert (await talk.until("turn_ended"))[-1].turn_ended.status.code == code_pb2.INTERNAL
        house.asr.error = None
        await talk.speech(0.2)
        await talk.end_of_audio()
        ended = (await talk.until("turn_ended"))[-1].turn_ended
        assert ended.status.code == code_pb2.OK
        assert to_seconds(ended.metrics.transcript) < 0.3


async def test_an_interrupt_does_not_wait_for_a_recogniser_that_restarts(build):
    house = await build(connect_limit=3)
    await house.stop("asr")
    house.llm.tokens = ["A long. "] * 20
    async with house.talk(listen=True, mode=REAL_TIME) as talk:
        await talk.text("hi")
        await talk.until("audio")
        await talk.silence(1.0)
        begin = asyncio.get_running_loop().time()
        await talk.send(interrupt=talk_pb2.Interrupt())
        await talk.until("interrupted")
        assert asyncio.get_running_loop().time() - begin < 0.5


async def test_a_recogniser_that_takes_no_audio_has_failed(build):
    house = await build(first_output_limit=0.3, gap_limit=0.3)
    house.asr.deaf = True
    async with house.talk(listen=True) as talk:

        async def speak() -> None:
            while True:
                await talk.send(audio=b"\x01\x10" * 32_000)

        speaking = asyncio.create_task(speak())
        status = (await talk.until("turn_ended"))[-1].turn_ended.status
        speaking.cancel()
    assert (error_info(status).domain, error_info(status).reason) == ("asr", "STAGE_SILENT")


async def test_a_recogniser_that_just_ends_fails_the_turn_that_it_heard(house):
    house.asr.ends_after = 5
    async with house.talk(listen=True) as talk:
        await talk.speech(0.2)
        status = (await talk.until("turn_ended"))[-1].turn_ended.status
    assert (error_info(status).domain, error_info(status).reason) == ("asr", "STREAM_ENDED")


async def test_a_reply_prepared_too_early_may_fail_unseen(house):
    house.llm.error = broken()
    house.asr.transcripts = ["what time"]
    async with house.talk(listen=True) as talk:
        await talk.speech(0.2)
        await talk.silence(0.3)
        await eventually(lambda: house.llm.prompts)
        house.llm.error = None
        house.asr.transcripts = ["what time is it"]
        await talk.speech(0.2)
        await talk.silence(0.6)
        events = await talk.until("turn_ended")
    assert events[-1].turn_ended.status.code == code_pb2.OK
    assert only(events, "audio")


async def test_a_prepared_reply_that_failed_fails_its_turn(house):
    house.llm.error = broken()
    async with house.talk(listen=True) as talk:
        await talk.speech(0.2)
        await talk.silence(0.6)
        ended = (await talk.until("turn_ended"))[-1].turn_ended
    assert error_info(ended.status).domain == "llm"


async def test_after_the_end_no_reports_of_playback_are_waited_for(house):
    async with house.talk(mode=REPORTS, lead=0.1) as talk:
        await talk.text("hi")
        await talk.text("again")
        await talk.end()
        events = await talk.rest()
    codes = [ended.status.code for ended in only(events, "turn_ended")]
    assert codes == [code_pb2.CANCELLED, code_pb2.OK]
