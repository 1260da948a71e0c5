"""Stages of other makers, which keep to the contract less well, cost a turn and no more."""

import asyncio

import grpc
import pytest
from google.rpc import code_pb2

from linly_mesh.rpc.status import error_info, from_rpc_error

from .conftest import eventually

LIMITS = {"connect_limit": 0.3, "first_output_limit": 0.4, "gap_limit": 0.4}


async def status_of_a_turn(talk):
    await talk.text("hi")
    return (await talk.until("turn_ended"))[-1].turn_ended.status


async def test_a_voice_that_just_ends_fails_its_turn(house):
    async with house.talk() as talk:
        await talk.next()
        house.tts.ends_after_header = True
        status = await status_of_a_turn(talk)
        assert (error_info(status).domain, error_info(status).reason) == ("tts", "STREAM_ENDED")
        house.tts.ends_after_header = False
        assert (await status_of_a_turn(talk)).code == code_pb2.OK


async def test_a_voice_that_takes_no_text_has_failed(build):
    house = await build(**LIMITS)
    house.llm.tokens = ["x" * 20_000] * 20
    async with house.talk() as talk:
        await talk.next()
        house.tts.deaf = True
        status = await status_of_a_turn(talk)
    assert (error_info(status).domain, error_info(status).reason) == ("tts", "STAGE_SILENT")
    await eventually(house.idle)


async def test_a_voice_that_does_not_say_how_it_sounds_ends_the_talk(house):
    house.tts.greets = False
    house.tts.ends_after_header = True
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async with house.talk() as talk:
            await talk.next()
    status = from_rpc_error(caught.value, "talk")
    assert (error_info(status).domain, error_info(status).reason) == ("tts", "STREAM_ENDED")


async def test_a_new_voice_server_is_asked_for_the_format_that_was_promised(house):
    async with house.talk() as talk:
        assert (await talk.next()).started.audio.sample_rate_hertz == 16_000
        house.tts.sample_rate = 22_050  # of another release
        await talk.text("hi")
        await talk.until("turn_ended")
    assert house.tts.configs[-1].sample_rate_hertz == 16_000
    assert house.tts.configs[-1].voice == "hum"


async def test_an_animator_that_sits_on_an_image_ends_the_talk(build):
    house = await build(**LIMITS)
    house.animator.greeting.clear()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async with house.talk(video=True, image=b"picture") as talk:
            await talk.next()
    status = from_rpc_error(caught.value, "talk")
    assert (error_info(status).domain, error_info(status).reason) == ("animator", "STAGE_SILENT")


async def test_an_animator_is_not_blamed_for_the_silence_of_the_voice(build):
    house = await build(gap_limit=0.5)
    house.llm.tokens = ["One. ", "a ", "b ", "c ", "d ", "Two. "]
    house.llm.per_token = 0.3  # within its limit, but the voice has nothing to say for 1.5 s
    house.tts.messages = (40, 40, 40)
    house.tts.chunks_per_sentence = 40  # given all at once: until then frames are due
    async with house.talk(video=True) as talk:
        assert (await status_of_a_turn(talk)).code == code_pb2.OK


async def test_no_task_is_left_when_a_talk_is_over(house):
    before = asyncio.all_tasks()
    for _ in range(3):
        async with house.talk(video=True, listen=True) as talk:
            await talk.text("hi")
            await talk.until("audio")
        await eventually(lambda: house.workload.snapshot().idle)
    await eventually(lambda: len(names_of_ours(asyncio.all_tasks() - before)) == 0)


def names_of_ours(tasks) -> list[str]:
    coroutines = [str(task.get_coro()) for task in tasks]
    ours = ("Talk.", "TurnTaking.", "Reply.", "Animation.", "Listening.")
    return [name for name in coroutines if any(part in name for part in ours)]
