"""Barge-in: nothing stale comes out, and only what was heard is remembered."""

import asyncio

import grpc
from google.rpc import code_pb2

from linly.llm.v1 import llm_pb2
from linly.talk.v1 import talk_pb2
from linly_mesh.errors import ServiceError
from linly_mesh.rpc.convert import to_seconds
from linly_mesh.rpc.status import error_info

from .conftest import eventually, kinds, only

REAL_TIME = talk_pb2.PLAYBACK_MODE_REAL_TIME
REPORTS = talk_pb2.PLAYBACK_MODE_CLIENT_REPORTS


def long_reply(house) -> None:
    house.llm.tokens = [f"Sentence {n}. " for n in range(20)]  # 4 s of speech


def assert_nothing_stale(events) -> None:
    newest = 0
    for event in events:
        assert event.generation >= newest
        newest = event.generation


async def test_an_interrupt_silences_the_turn_and_every_stage(house):
    long_reply(house)
    async with house.talk(video=True, mode=REAL_TIME) as talk:
        await talk.text("hi")
        events = await talk.until("audio")
        await talk.send(interrupt=talk_pb2.Interrupt())
        events += await talk.until("turn_ended")
        await eventually(house.idle)
        await talk.end()
        events += await talk.rest()
    assert_nothing_stale(events)
    status = only(events, "turn_ended")[0].status
    assert status.code == code_pb2.CANCELLED
    assert error_info(status).reason == "INTERRUPTED"
    assert to_seconds(only(events, "turn_ended")[0].metrics.interrupt) < 0.1
    after = kinds(events)[kinds(events).index("interrupted") + 1 :]
    assert after == ["turn_ended"]


async def test_speech_interrupts_and_begins_the_next_turn(house):
    long_reply(house)
    async with house.talk(listen=True, mode=REAL_TIME) as talk:
        await talk.text("hi")
        events = await talk.until("audio")
        house.llm.tokens = ["Yes?"]
        await talk.speech(0.2)
        await talk.silence(0.6)
        events += await talk.until("turn_ended")
        events += await talk.until("turn_ended")
    assert_nothing_stale(events)
    assert only(events, "interrupted")[0].cause == talk_pb2.Interrupted.CAUSE_SPEECH
    assert [e.turn_id for e in events if e.HasField("turn_ended")] == ["t1", "t2"]


async def test_only_what_was_heard_enters_the_history(house):
    house.llm.tokens = ["First. ", "Second. ", "Third. "]
    async with house.talk(mode=REPORTS, lead=10) as talk:
        await talk.text("hi")
        events = await talk.until("turn_started")
        turn = events[-1].turn_id
        heard = 0.0
        while heard < 0.55:  # the third sentence has been sent
            audio = (await talk.until("audio"))[-1].audio
            heard = to_seconds(audio.offset) + to_seconds(audio.duration)
        report = talk_pb2.PlaybackReport(turn_id=turn)
        report.played_until.FromMilliseconds(250)  # within the second sentence
        await talk.send(playback=report)
        house.llm.tokens = ["Ok."]
        await talk.text("next")
        events = await talk.until("interrupted")
        interrupted = events[-1].interrupted
        await eventually(lambda: len(house.llm.prompts) == 2)
    assert interrupted.spoken_text == "First. Second."
    assert to_seconds(interrupted.played_until) == 0.25
    assert [c for _, c in house.llm.prompts[-1]][1:] == ["hi", "First. Second.", "next"]


async def test_an_interrupt_for_another_turn_or_generation_does_nothing(house):
    long_reply(house)
    async with house.talk(mode=REAL_TIME) as talk:
        await talk.text("hi")
        started = (await talk.until("turn_started"))[-1]
        await talk.send(interrupt=talk_pb2.Interrupt(turn_id="t9"))
        stale = talk_pb2.Interrupt(turn_id=started.turn_id, generation=started.generation - 1)
        await talk.send(interrupt=stale)
        events = [await talk.next() for _ in range(10)]
        assert "interrupted" not in kinds(events)
        exact = talk_pb2.Interrupt(turn_id=started.turn_id, generation=started.generation)
        await talk.send(interrupt=exact)
        await talk.until("interrupted")


async def test_without_barge_in_a_new_turn_waits(house):
    async with house.talk(barge_in=False) as talk:
        await talk.text("one")
        await talk.text("two")
        await talk.end()
        events = await talk.rest()
    assert "interrupted" not in kinds(events)
    assert [t.status.code for t in only(events, "turn_ended")] == [code_pb2.OK, code_pb2.OK]


async def test_nothing_stale_in_many_interruptions_at_any_moment(house):
    long_reply(house)
    house.llm.per_token = 0.003
    house.tts.per_chunk = 0.001
    house.animator.frame_delay = 0.002
    async with house.talk(video=True, mode=REAL_TIME) as talk:
        await talk.next()
        for trial in range(40):
            await talk.text(f"turn {trial}")
            reading = asyncio.create_task(talk.until("turn_ended"))
            await asyncio.sleep(0.0013 * trial)
            await talk.send(interrupt=talk_pb2.Interrupt())
            events = await reading
            assert_nothing_stale(events)
            await eventually(house.idle)


async def test_interrupting_nothing_is_no_error(house):
    async with house.talk() as talk:
        await talk.send(interrupt=talk_pb2.Interrupt())
        await talk.text("hi")
        await talk.end()
        events = await talk.rest()
    assert "interrupted" not in kinds(events)
    assert events[-1].turn_ended.status.code == code_pb2.OK


async def test_what_the_person_went_past_is_not_answered(house):
    house.llm.silent_after = 0
    async with house.talk(mode=REAL_TIME) as talk:
        await talk.text("one")
        await eventually(lambda: house.llm.prompts)
        house.llm.silent_after = None
        for text in ("two", "three", "four"):
            await talk.text(text)
        await talk.end()
        events = await talk.rest()
    assert_nothing_stale(events)
    codes = [ended.status.code for ended in only(events, "turn_ended")]
    assert codes == [code_pb2.CANCELLED] * 3 + [code_pb2.OK]
    assert house.llm.prompts[-1][-1][1] == "one\ntwo\nthree\nfour"


async def test_an_interrupt_between_two_turns_spares_the_next(house):
    async with house.talk() as talk:
        await talk.say("One.")
        started = (await talk.until("turn_started"))[-1]
        await talk.until("turn_ended")
        late = talk_pb2.Interrupt(turn_id=started.turn_id, generation=started.generation)
        await talk.send(interrupt=late)
        await talk.say("Two.")
        await talk.send(interrupt=late)
        ended = (await talk.until("turn_ended"))[-1].turn_ended
    assert ended.status.code == code_pb2.OK


async def test_a_stage_that_fails_at_the_moment_of_an_interrupt_is_not_told_twice(house):
    house.llm.tokens = ["One. ", "Two. "]
    house.llm.error = ServiceError(grpc.StatusCode.INTERNAL, "BROKEN", "broken for a test")
    house.llm.fail_after = 1
    async with house.talk(mode=REAL_TIME) as talk:
        for trial in range(60):
            house.llm.per_token = 0.01
            await talk.text(f"turn {trial}")
            reading = asyncio.create_task(talk.until("turn_ended"))
            await asyncio.sleep(0.008 + 0.0001 * trial)
            await talk.send(interrupt=talk_pb2.Interrupt())
            events = await reading
            assert_nothing_stale(events)
            reason = error_info(events[-1].turn_ended.status).reason
            assert (reason == "INTERRUPTED") == ("interrupted" in kinds(events))
        house.llm.error = house.llm.fail_after = None
        await talk.text("the end")
        await talk.until("reply_text")
    said = [content for role, content in house.llm.prompts[-1] if role == llm_pb2.ROLE_USER]
    words = "\n".join(said).splitlines()
    assert len(words) == len(set(words))


async def test_an_interrupt_while_a_prepared_reply_is_dropped_is_not_lost(house):
    house.llm.per_token = 0.05
    async with house.talk(listen=True) as talk:
        await talk.next()
        for trial in range(30):
            prompts = len(house.llm.prompts)
            house.asr.transcripts = ["what time"] * (trial + 1)
            await talk.speech(0.1)
            await talk.silence(0.3)
            await eventually(lambda prompts=prompts: len(house.llm.prompts) > prompts)
            await talk.speech(0.02)  # the person goes on: the reply is dropped
            await asyncio.sleep(0.0002 * trial)
            await talk.send(interrupt=talk_pb2.Interrupt())
            await talk.silence(0.6)
            events = await talk.until("turn_ended")
            assert error_info(events[-1].turn_ended.status).reason == "INTERRUPTED"
            assert not only(events, "audio")
            await eventually(house.idle)


async def test_a_client_that_floods_and_does_not_read_is_held_back(house):
    async with house.talk(barge_in=False) as talk:

        async def flood() -> None:
            for _ in range(200_000):
                await talk.text("")

        flooding = asyncio.create_task(flood())
        before, begun = -1, 0
        while begun != before:
            await asyncio.sleep(0.4)
            before, begun = begun, house.workload.snapshot().started_total
        assert not flooding.done()
        assert begun < 10_000
        flooding.cancel()
