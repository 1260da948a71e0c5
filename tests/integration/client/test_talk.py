"""The asynchronous client against a talk service that plays a script."""

import asyncio

import grpc
import pytest

from linly_client import (
    Audio,
    Frames,
    Interrupted,
    Microphone,
    ReplyText,
    TalkClient,
    TalkError,
    TalkOptions,
    TalkStarted,
    Transcript,
    TurnCause,
    TurnEnded,
    TurnStarted,
)
from linly_client.sync import TalkClient as SyncTalkClient

TEXT_ONLY = TalkOptions(audio=False, video=None)


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


async def test_a_typed_turn_is_answered_in_words_sound_and_pictures(target, tone):
    async with TalkClient(target).converse() as talk:
        await talk.text("hello")
        await talk.end()
        events = [event async for event in talk]
    assert isinstance(events[0], TalkStarted)
    assert of(TurnStarted, events)[0].cause is TurnCause.TEXT
    assert of(ReplyText, events)[0].text == "You said hello."
    assert b"".join(event.data for event in of(Audio, events)) == tone(0.1) * 10
    assert sum(len(event.frames) for event in of(Frames, events)) == 25
    assert of(TurnEnded, events)[0].metrics.first_audio == 0.02


async def test_a_spoken_turn_is_heard(target, service, tone):
    options = TalkOptions(microphone=Microphone(sample_rate=16000), audio=False, video=None)
    async with TalkClient(target).converse(options) as talk:
        await talk.send_audio(tone(1, 16000))
        await talk.end_of_audio()
        await talk.end()
        transcripts = of(Transcript, [event async for event in talk])
    assert [(t.text, t.is_final) for t in transcripts] == [
        ("what time is it", False),
        ("what time is it", True),
    ]
    assert service.configs[0].audio_input.sample_rate_hertz == 16000


async def test_much_audio_at_once_is_sent_in_messages_that_the_contract_takes(target, service):
    async with TalkClient(target).converse(TEXT_ONLY) as talk:
        await talk.send_audio(bytes(3 << 20))
        await talk.end()
        _ = [event async for event in talk]
    sizes = [len(request.audio) for request in service.requests]
    assert sum(sizes) == 3 << 20
    assert max(sizes) <= 1 << 20


async def test_a_turn_that_fails_leaves_the_talk_open(target):
    async with TalkClient(target).converse(TEXT_ONLY) as talk:
        await talk.text("fail")
        await talk.say("still here")
        await talk.end()
        events = [event async for event in talk]
    failed, well = of(TurnEnded, events)
    assert (failed.error.stage, failed.error.reason) == ("tts", "BROKEN")
    assert well.error is None
    assert of(ReplyText, events)[-1].text == "still here"


async def test_an_interrupt_stops_the_turn(target, service):
    events = []
    async with TalkClient(target).converse(TEXT_ONLY) as talk:
        await talk.text("wait")
        async for event in talk:
            events.append(event)
            if isinstance(event, ReplyText):
                await talk.interrupt(event.turn_id, generation=1, played_until=0.5)
            if isinstance(event, TurnEnded):
                await talk.end()
    assert of(Interrupted, events)[0].spoken_text == "Once"
    assert of(TurnEnded, events)[0].interrupted
    sent = service.requests[-1].interrupt
    assert (sent.turn_id, sent.generation) == ("turn-1", 1)
    assert sent.played_until.ToMilliseconds() == 500


async def test_playback_is_reported(target, service):
    async with TalkClient(target).converse(TEXT_ONLY) as talk:
        await talk.report_playback("turn-1", 1.25)
        await talk.end()
        _ = [event async for event in talk]
    report = service.requests[-1].playback
    assert (report.turn_id, report.played_until.ToMilliseconds()) == ("turn-1", 1250)


async def test_many_tasks_may_write_at_once(target, service):
    async with TalkClient(target).converse(TEXT_ONLY) as talk:
        async with asyncio.TaskGroup() as group:
            for number in range(50):
                group.create_task(talk.report_playback("t", number))
        await talk.end()
        _ = [event async for event in talk]
    assert len(service.requests) == 50


async def test_a_call_that_breaks_says_where_and_why(target):
    async with TalkClient(target).converse(TEXT_ONLY) as talk:
        await talk.text("crash")
        with pytest.raises(TalkError) as caught:
            _ = [event async for event in talk]
        assert (caught.value.code, caught.value.reason) == (
            grpc.StatusCode.UNAVAILABLE,
            "CRASHED",
        )
        with pytest.raises(TalkError, match="gone"):
            await talk.text("hello?")


async def test_writing_to_a_talk_that_has_ended_is_told(target):
    async with TalkClient(target).converse(TEXT_ONLY) as talk:
        await talk.end()
        _ = [event async for event in talk]
        with pytest.raises(TalkError) as caught:
            await talk.text("hello?")
    assert caught.value.reason == "TALK_ENDED"


async def test_a_server_that_is_not_there_is_unavailable(tmp_path):
    with pytest.raises(TalkError) as caught:
        async with TalkClient(f"unix:{tmp_path}/nobody").converse():
            pass
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert "no such file or directory" in caught.value.message


async def test_a_deadline_ends_the_talk(target):
    with pytest.raises(TalkError) as caught:
        async with TalkClient(target).converse(TEXT_ONLY, timeout=0.3) as talk:
            await talk.text("wait")
            async for _ in talk:
                pass
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_the_synchronous_face_talks_to_a_real_server_too(target, tone):
    def ask():
        with SyncTalkClient(target) as client:
            return list(client.talk(text="hello"))

    events = await asyncio.to_thread(ask)
    assert of(ReplyText, events)[0].text == "You said hello."
    assert b"".join(event.data for event in of(Audio, events)) == tone(0.1) * 10


async def test_the_synchronous_face_names_a_server_that_is_not_there(tmp_path):
    def ask():
        with SyncTalkClient(f"unix:{tmp_path}/nobody") as client:
            return list(client.talk(text="hello"))

    with pytest.raises(TalkError, match=r"not serving .* no such file"):
        await asyncio.to_thread(ask)
