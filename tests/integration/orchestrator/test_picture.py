"""The portrait: no decoder loses its place, and no trouble of video is one of sound."""

import asyncio

from google.rpc import code_pb2

from linly.talk.v1 import talk_pb2
from linly_mesh.rpc.convert import to_seconds

from .conftest import eventually, kinds, only

REAL_TIME = talk_pb2.PLAYBACK_MODE_REAL_TIME


def long_reply(house, seconds: float) -> None:
    house.llm.tokens = [f"Sentence {n}. " for n in range(round(seconds / 0.2))]


async def test_a_pause_of_the_model_costs_no_frames(house):
    house.llm.tokens = ["One. ", "Two. ", "Three. ", "Four. "]
    house.llm.pause_after = (1, 0.8)  # the client has run dry for more than half a second
    async with house.talk(video=True, mode=REAL_TIME) as talk:
        await talk.text("hi")
        metrics = (await talk.until("turn_ended"))[-1].turn_ended.metrics
    assert metrics.frames_sent == 20
    assert metrics.frames_dropped == 0
    assert to_seconds(metrics.av_offset) < 0.1
    assert house.animator.skips == 0


async def test_a_turn_with_a_pause_ends_when_it_has_been_played(house):
    house.llm.tokens = ["One. ", "Two. ", "Three. ", "Four. "]
    house.llm.pause_after = (1, 0.5)
    loop = asyncio.get_running_loop()
    async with house.talk(mode=REAL_TIME) as talk:
        await talk.text("hi")
        await talk.until("audio")
        begin = loop.time()
        await talk.until("turn_ended")
    assert loop.time() - begin > 0.5 + 0.6 - 0.05


async def test_frames_that_were_never_made_are_counted_to_the_end(house):
    long_reply(house, 1.6)
    house.animator.frame_delay = 0.6
    async with house.talk(video=True, mode=REAL_TIME) as talk:
        await talk.text("hi")
        metrics = (await talk.until("turn_ended"))[-1].turn_ended.metrics
    assert metrics.frames_sent + metrics.frames_dropped == 40


async def test_an_animator_that_takes_nothing_does_not_hold_up_the_sound(build):
    house = await build(gap_limit=3)
    long_reply(house, 6)
    house.animator.deaf = True
    loop = asyncio.get_running_loop()
    async with house.talk(video=True, mode=REAL_TIME) as talk:
        await talk.text("hi")
        await talk.until("audio")
        begin = loop.time()
        heard = 0.0
        while heard < 2.6:
            audio = (await talk.until("audio"))[-1].audio
            heard = to_seconds(audio.offset)
        assert loop.time() - begin < 2.6


async def test_without_sound_no_first_audio_is_claimed(house):
    async with house.talk(audio=False, video=True) as talk:
        await talk.text("hi")
        metrics = (await talk.until("turn_ended"))[-1].turn_ended.metrics
    assert metrics.HasField("first_frame")
    assert not metrics.HasField("first_audio")
    assert not metrics.HasField("overhead")


async def test_an_interrupt_while_the_portrait_is_opened_anew_costs_one_turn(build):
    house = await build(connect_limit=2)
    async with house.talk(video=True, mode=REAL_TIME) as talk:
        await talk.next()
        await house.stop("animator")
        house.animator.greeting.clear()
        await house.start("animator")
        await talk.text("hi")
        await eventually(lambda: house.animator.sessions == 2)
        await talk.send(interrupt=talk_pb2.Interrupt())
        assert (await talk.until("turn_ended"))[-1].turn_ended.status.code == code_pb2.CANCELLED
        house.animator.greeting.set()
        await talk.text("again")
        events = await talk.until("turn_ended")
    assert events[-1].turn_ended.status.code == code_pb2.OK
    assert only(events, "frames")


async def assert_the_next_idle_frame_is_a_key_frame(talk) -> None:
    frames = (await talk.until("frames"))[-1].frames
    assert not frames.speech_id
    assert frames.frames[0].key_frame


async def test_idle_frames_resume_with_a_key_frame_after_a_speech_that_was_all_made(house):
    house.animator.idle_period = 0.01
    house.animator.frame_bytes = 20_000  # more than the way to a client that does not read holds
    long_reply(house, 0.4)
    async with house.talk(mode=REAL_TIME, lead=10, video=True, idle=True) as talk:
        await talk.text("hi")
        while not (await talk.until("frames"))[-1].turn_id:
            pass
        await eventually(lambda: house.animator.workload.snapshot().finished_total)
        await talk.send(interrupt=talk_pb2.Interrupt())
        await talk.until("interrupted")
        await assert_the_next_idle_frame_is_a_key_frame(talk)


async def test_idle_frames_survive_an_interruption_before_the_first_word(house):
    house.animator.idle_period = 0.002
    house.llm.silent_after = 0
    async with house.talk(mode=REAL_TIME, video=True, idle=True) as talk:
        await talk.text("hi")
        await talk.until("frames")
        await asyncio.sleep(0.3)
        await talk.send(interrupt=talk_pb2.Interrupt())
        events = await talk.until("turn_ended")
        for _ in range(20):
            events += await talk.until("frames")
    numbers = [int.from_bytes(f.data[4:], "big") for e in only(events, "frames") for f in e.frames]
    keys = [f.key_frame for e in only(events, "frames") for f in e.frames]
    gaps = [key for a, b, key in zip(numbers, numbers[1:], keys[1:], strict=False) if b != a + 1]
    assert all(gaps)


async def test_a_key_frame_that_a_speech_took_is_asked_for_again(house):
    house.animator.idle_period = 0.005
    long_reply(house, 0.2)
    async with house.talk(mode=REAL_TIME, video=True, idle=True) as talk:
        for _ in range(5):
            await talk.text("hi")
            await talk.until("frames")
            await talk.send(interrupt=talk_pb2.Interrupt())
            await talk.until("turn_ended")
        events = [await talk.next() for _ in range(10)]
    assert set(kinds(events)) == {"frames"}
