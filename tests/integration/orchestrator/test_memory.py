"""What the language model is told of the conversation so far."""

import grpc
from google.rpc import code_pb2

from linly.llm.v1 import llm_pb2
from linly.talk.v1 import talk_pb2
from linly_mesh.errors import ServiceError, invalid_argument

from .conftest import eventually, only

REAL_TIME = talk_pb2.PLAYBACK_MODE_REAL_TIME
USER, ASSISTANT = llm_pb2.ROLE_USER, llm_pb2.ROLE_ASSISTANT


async def test_text_that_was_refused_is_not_remembered(house):
    async with house.talk(barge_in=False) as talk:
        await talk.text("x" * 100_001)
        await talk.text("hi")
        await talk.end()
        await talk.rest()
    assert house.llm.prompts[-1][1:] == [(USER, "hi")]


async def test_a_prompt_that_the_model_refuses_does_not_spoil_the_next_turn(house):
    async with house.talk(barge_in=False) as talk:
        house.llm.error = invalid_argument("messages", "too long", reason="PROMPT_TOO_LONG")
        await talk.text("far too long")
        await talk.until("turn_ended")
        house.llm.error = None
        await talk.text("hi")
        await talk.until("turn_ended")
    assert house.llm.prompts[-1][1:] == [(USER, "hi")]


async def test_what_was_heard_of_a_failed_reply_is_remembered(house):
    house.llm.tokens = ["First. ", "Sec", "ond. "]
    house.llm.per_token = 0.3  # the first sentence has been heard when the model fails
    house.llm.error = ServiceError(grpc.StatusCode.INTERNAL, "BROKEN", "broken for a test")
    house.llm.fail_after = 2
    async with house.talk(mode=REAL_TIME) as talk:
        await talk.text("one")
        events = await talk.until("turn_ended")
        assert events[-1].turn_ended.status.code == code_pb2.INTERNAL
        house.llm.fail_after = house.llm.error = None
        await talk.text("two")
        await talk.until("reply_text")
    assert house.llm.prompts[-1][1:] == [(USER, "one"), (ASSISTANT, "First."), (USER, "two")]


async def test_roles_alternate_whatever_was_interrupted(house):
    """Many chat templates accept nothing else."""
    house.llm.silent_after = 0
    async with house.talk(mode=REAL_TIME) as talk:
        await talk.text("What is")
        await eventually(lambda: house.llm.prompts)
        house.llm.silent_after = None
        await talk.text("the time?")
        await talk.until("interrupted")
        await eventually(lambda: len(house.llm.prompts) == 2)
    assert house.llm.prompts[-1][1:] == [(USER, "What is\nthe time?")]


async def test_of_a_text_reply_what_was_sent_was_read(house):
    house.llm.silent_after = 2
    async with house.talk(audio=False) as talk:
        await talk.text("one")
        await talk.until("reply_text")
        await talk.until("reply_text")
        house.llm.silent_after = None
        await talk.text("two")
        interrupted = only(await talk.until("interrupted"), "interrupted")[0]
        await talk.until("reply_text")
    assert interrupted.spoken_text == "Hello there. "
    assert (ASSISTANT, "Hello there. ") in house.llm.prompts[-1]


async def test_all_of_a_reply_is_remembered_though_the_player_rounds(house):
    house.llm.tokens = ["One. ", "Two. ", "…"]
    async with house.talk(mode=talk_pb2.PLAYBACK_MODE_CLIENT_REPORTS, lead=10) as talk:
        await talk.text("hi")
        turn = (await talk.until("turn_started"))[-1].turn_id
        end = 0
        while end < 0.6 - 1e-6:
            audio = (await talk.until("audio"))[-1].audio
            end = (audio.offset.ToNanoseconds() + audio.duration.ToNanoseconds()) / 1e9
        report = talk_pb2.PlaybackReport(turn_id=turn)
        report.played_until.FromMicroseconds(598_500)
        await talk.send(playback=report)
        assert (await talk.until("turn_ended"))[-1].turn_ended.status.code == code_pb2.OK
        await talk.text("next")
        await talk.until("reply_text")
    assert (ASSISTANT, "One. Two. …") in house.llm.prompts[-1]
