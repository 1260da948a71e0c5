"""The stubs do the work of a turn that is written down, in the mesh's baseline as well."""

import asyncio

import pytest

from benchmarks.stub_mono import Mono
from benchmarks.work import Work
from linly.talk.v1.talk_pb2 import ConverseRequest, EndOfAudio, TalkConfig


def test_the_ideal_turn_is_the_one_that_other_frameworks_were_measured_with():
    work = Work()
    assert work.first_audio_ideal == pytest.approx(0.145)
    assert work.first_frame_ideal == pytest.approx(0.152)
    assert work.speech_seconds == pytest.approx(5.0)
    assert len(work.tokens) == 60


def test_costs_are_set_in_the_environment(monkeypatch):
    monkeypatch.setenv("STUB_FIRST_TOKEN", "0.2")
    assert Work().first_audio_ideal == pytest.approx(0.305)


async def requests():
    config = TalkConfig()
    config.audio_input.sample_rate_hertz = 16_000
    yield ConverseRequest(config=config)
    for _ in range(5):
        yield ConverseRequest(audio=b"\x01\x10" * 320)
    yield ConverseRequest(end_of_audio=EndOfAudio())


async def test_the_baseline_gives_all_of_a_turn_and_nothing_before_its_time():
    work = Work(sentences=2, chunks_per_sentence=10)
    clock = asyncio.get_running_loop().time
    begin = clock()
    first_audio = None
    events = []
    async for event in Mono(work).Converse(requests(), None):
        if first_audio is None and event.HasField("audio"):
            first_audio = clock() - begin
        events.append(event)
        if event.HasField("turn_ended"):
            break
    kinds = [event.WhichOneof("event") for event in events]
    assert kinds[:3] == ["started", "turn_started", "transcript"]
    assert first_audio >= work.first_audio_ideal
    reply = "".join(event.reply_text.text for event in events)
    assert reply == "".join(work.tokens)
    audio = sum(len(event.audio.audio) for event in events)
    assert audio == 2 * work.sample_rate * work.speech_seconds
    frames = sum(len(event.frames.frames) for event in events)
    assert frames == 10
