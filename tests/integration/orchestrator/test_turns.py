"""What a client sees of turns."""

from google.rpc import code_pb2

from linly.talk.v1 import talk_pb2
from linly_mesh.rpc.convert import to_seconds
from linly_mesh.rpc.status import error_info

from .conftest import eventually, kinds, only


async def test_a_typed_turn_is_answered_in_text_and_audio(house):
    async with house.talk() as talk:
        await talk.text("hi")
        await talk.end()
        events = await talk.rest()
    assert kinds(events)[:2] == ["started", "turn_started"]
    assert kinds(events)[-1] == "turn_ended"
    assert "".join(t.text for t in only(events, "reply_text")) == "Hello there. How are you?"
    audio = only(events, "audio")
    assert sum(len(a.audio) for a in audio) == 2 * 16_000 * 2 * 0.2
    offsets = [to_seconds(a.offset) for a in audio]
    assert offsets == sorted(offsets)
    ended = events[-1].turn_ended
    assert ended.status.code == code_pb2.OK
    assert {stage.stage for stage in ended.metrics.stages} == {"llm", "tts"}
    assert not ended.metrics.HasField("first_frame")
    assert ended.metrics.usage.completion_tokens == 5


async def test_words_name_their_place_in_the_reply(house):
    async with house.talk() as talk:
        await talk.text("hi")
        await talk.end()
        events = await talk.rest()
    reply = "".join(t.text for t in only(events, "reply_text"))
    words = [w for a in only(events, "audio") for w in a.words]
    assert [reply[w.start_code_point : w.end_code_point] for w in words] == [
        "Hello there.",
        " How are you?",
    ]


async def test_video_comes_with_a_header_and_never_before_its_audio(house):
    async with house.talk(video=True) as talk:
        await talk.text("hi")
        await talk.end()
        events = await talk.rest()
    assert events[0].started.animation.codec_string == "avc1.42c01f"
    heard = 0.0
    frames = []
    for event in events:
        if event.HasField("audio"):
            heard = to_seconds(event.audio.offset) + to_seconds(event.audio.duration)
        elif event.HasField("frames"):
            assert to_seconds(event.frames.frames[0].offset) < heard
            frames += event.frames.frames
    assert len(frames) == 10
    assert frames[0].key_frame
    assert events[-1].turn_ended.metrics.frames_sent == 10
    assert events[-1].turn_ended.metrics.frames_dropped == 0


async def test_a_talk_of_text_alone_needs_no_voice(house):
    await house.stop("tts")
    await house.stop("animator")
    async with house.talk(audio=False) as talk:
        await talk.text("hi")
        await talk.end()
        events = await talk.rest()
    assert kinds(events)[-1] == "turn_ended"
    assert events[-1].turn_ended.status.code == code_pb2.OK


async def test_say_is_spoken_without_the_language_model(house):
    async with house.talk() as talk:
        await talk.say("One. Two.")
        await talk.end()
        events = await talk.rest()
    assert house.llm.prompts == []
    assert only(events, "turn_started")[0].cause == talk_pb2.TurnStarted.CAUSE_SAY
    assert only(events, "audio")


async def test_a_spoken_turn_ends_with_silence(house):
    house.asr.transcripts = ["what time is it"]
    async with house.talk(listen=True) as talk:
        await talk.speech(0.5)
        await talk.silence(0.6)
        events = await talk.until("turn_ended")
    transcripts = only(events, "transcript")
    assert [t.text for t in transcripts if t.is_final] == ["what time is it"]
    assert house.llm.prompts[-1][-1][1] == "what time is it"
    metrics = events[-1].turn_ended.metrics
    assert 0.39 < to_seconds(metrics.endpointing) < 0.45
    assert to_seconds(metrics.overhead) < to_seconds(metrics.first_audio)
    assert [s.stage for s in metrics.stages] == ["asr", "llm", "tts"]


async def test_end_of_audio_ends_the_turn_at_once(house):
    async with house.talk(listen=True) as talk:
        await talk.speech(0.3)
        await talk.end_of_audio()
        events = await talk.until("turn_ended")
    assert events[-1].turn_ended.status.code == code_pb2.OK
    assert not events[-1].turn_ended.metrics.HasField("endpointing")


async def test_audio_without_speech_is_a_turn_that_says_so(house):
    async with house.talk(listen=True) as talk:
        await talk.silence(0.5)
        await talk.end()
        events = await talk.rest()
    status = only(events, "turn_ended")[0].status
    assert status.code == code_pb2.INVALID_ARGUMENT
    assert error_info(status).reason == "NO_SPEECH"


async def test_a_reply_is_prepared_before_the_silence_is_over(house):
    house.llm.first_token = 0.1
    async with house.talk(listen=True) as talk:
        await talk.speech(0.2)
        await talk.silence(0.3)
        await eventually(lambda: house.llm.prompts)  # asked already, though the turn is not over
        await talk.silence(0.3)
        events = await talk.until("turn_ended")
    assert events[-1].turn_ended.status.code == code_pb2.OK
    assert len(house.llm.prompts) == 1


async def test_a_prepared_reply_is_dropped_when_the_person_goes_on(house):
    house.llm.tokens = ["Yes. "]
    house.asr.transcripts = ["what time"]
    async with house.talk(listen=True) as talk:
        await talk.speech(0.2)
        await talk.silence(0.3)  # a pause, long enough to prepare, too short to end
        await eventually(lambda: house.llm.prompts)
        house.asr.transcripts = ["what time is it"]
        await talk.speech(0.2)
        await talk.silence(0.6)
        events = await talk.until("turn_ended")
    assert [p[-1][1] for p in house.llm.prompts] == ["what time", "what time is it"]
    assert "".join(t.text for t in only(events, "reply_text")) == "Yes. "


async def test_history_grows_turn_by_turn(house):
    async with house.talk(barge_in=False, system_instruction="Be brief.") as talk:
        await talk.text("one")
        await talk.text("two")
        await talk.end()
        await talk.rest()
    assert [content for _, content in house.llm.prompts[-1]] == [
        "Be brief.",
        "one",
        "Hello there. How are you?",
        "two",
    ]


async def test_a_conversation_that_the_model_can_not_hold_loses_its_beginning(house):
    house.llm.context = 4
    async with house.talk(barge_in=False) as talk:
        for text in ("one", "two", "three", "four"):
            await talk.text(text)
        await talk.end()
        events = await talk.rest()
    assert [ended.status.code for ended in only(events, "turn_ended")] == [code_pb2.OK] * 4
    answered = [p for p in house.llm.prompts if len(p) <= 4]
    assert [p[-1][1] for p in answered] == ["one", "two", "three", "four"]
    assert [content for _, content in answered[2]][1] == "two"


async def test_a_text_that_the_model_can_not_hold_fails_its_turn(house):
    house.llm.context = 1
    async with house.talk() as talk:
        await talk.text("one")
        events = await talk.until("turn_ended")
    status = events[-1].turn_ended.status
    assert status.code == code_pb2.INVALID_ARGUMENT
    assert error_info(status).reason == "PROMPT_TOO_LONG"


async def test_an_image_becomes_an_avatar_that_can_be_named_again(house):
    async with house.talk(video=True, image=b"picture") as talk:
        started = (await talk.next()).started
    assert started.avatar_id == "avatar-7"
    async with house.talk(video=True, avatar_id="avatar-7") as talk:
        assert (await talk.next()).started.avatar_id == "avatar-7"


async def test_events_carry_their_turn_and_a_rising_generation(house):
    async with house.talk(barge_in=False) as talk:
        await talk.text("one")
        await talk.text("two")
        await talk.end()
        events = await talk.rest()
    generations = [event.generation for event in events]
    assert generations == sorted(generations)
    assert [e.turn_id for e in events if e.HasField("turn_ended")] == ["t1", "t2"]


async def test_capabilities_name_the_stages_that_answer(house):
    await house.stop("tts")
    answer = await house.stub.GetCapabilities(talk_pb2.GetCapabilitiesRequest())
    assert [stage.name for stage in answer.stages] == ["asr", "llm", "animator"]
