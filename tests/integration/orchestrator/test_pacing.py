"""Output keeps to the clock of playback, and nobody's slowness costs memory."""

import asyncio
import math

import pytest
from google.rpc import code_pb2

from linly.talk.v1 import talk_pb2
from linly_mesh.rpc.convert import to_duration, to_seconds

from .conftest import eventually, kinds, only

REAL_TIME = talk_pb2.PLAYBACK_MODE_REAL_TIME
SENT = talk_pb2.PLAYBACK_MODE_SENT
REPORTS = talk_pb2.PLAYBACK_MODE_CLIENT_REPORTS


def long_reply(house, seconds: float) -> None:
    house.llm.tokens = [f"Sentence {n}. " for n in range(round(seconds / 0.2))]


async def test_audio_is_at_most_max_lead_ahead_of_real_time(house):
    long_reply(house, 1.6)
    loop = asyncio.get_running_loop()
    leads = []
    async with house.talk(video=True, mode=REAL_TIME, lead=0.3) as talk:
        await talk.text("hi")
        begin = None
        while (event := await talk.next()) and not event.HasField("turn_ended"):
            if event.HasField("audio"):
                begin = begin or loop.time()
                end = to_seconds(event.audio.offset) + to_seconds(event.audio.duration)
                leads.append(end - (loop.time() - begin))
        whole = loop.time() - begin
    assert max(leads) < 0.3 + 0.02
    assert min(leads[4:]) > 0.1  # and not needlessly late
    assert 1.55 < whole < 1.9  # the turn ends when it has been played


async def test_for_a_file_nothing_is_held_back(house):
    long_reply(house, 10)
    begin = asyncio.get_running_loop().time()
    async with house.talk(video=True) as talk:
        await talk.text("hi")
        await talk.end()
        events = await talk.rest()
    assert asyncio.get_running_loop().time() - begin < 5
    assert events[-1].turn_ended.metrics.frames_sent == 250


async def test_a_client_that_stops_reading_stops_the_work(house):
    long_reply(house, 60)
    house.animator.frame_bytes = 5_000  # 1 Mbit/s, as a real portrait
    async with house.talk(video=True, mode=REAL_TIME) as talk:
        await talk.text("hi")
        await talk.until("audio")
        await asyncio.sleep(2.5)
        made = house.tts.made, house.animator.made
        await asyncio.sleep(0.5)
        assert (house.tts.made, house.animator.made) == made
        # what real time has asked for, the lead, and what the buffers of the chain hold
        assert house.animator.made < 2.5


async def test_video_that_is_late_never_delays_audio(house):
    long_reply(house, 1.6)
    house.animator.frame_delay = 0.6
    async with house.talk(video=True, mode=REAL_TIME) as talk:
        await talk.text("hi")
        events = await talk.until("turn_ended")
    metrics = events[-1].turn_ended.metrics
    assert events[-1].turn_ended.status.code == code_pb2.OK
    assert to_seconds(metrics.speech_duration) > 1.5
    assert house.animator.skips > 0
    assert metrics.frames_dropped > 0
    assert to_seconds(metrics.av_offset) > 0.1


async def test_idle_frames_come_between_turns_and_resume_with_a_key_frame(house):
    house.animator.idle_period = 0.01
    long_reply(house, 0.6)
    async with house.talk(mode=REAL_TIME, video=True, idle=True) as talk:
        for _ in range(3):
            event = (await talk.until("frames"))[-1]
            assert not event.turn_id
            assert not event.frames.speech_id
        await talk.text("hi")
        events = await talk.until("turn_ended")
        speaking = [e.frames.speech_id for e in events if e.HasField("frames") and e.turn_id]
        assert speaking
        assert all(speaking)
        after = (await talk.until("frames"))[-1].frames
        assert not after.speech_id


async def test_idle_frames_after_an_interruption_begin_with_a_key_frame(house):
    house.animator.idle_period = 0.01
    long_reply(house, 5)
    async with house.talk(mode=REAL_TIME, video=True, idle=True) as talk:
        await talk.text("hi")
        while not (await talk.until("frames"))[-1].turn_id:
            pass
        await talk.send(interrupt=talk_pb2.Interrupt())
        await talk.until("interrupted")
        after = (await talk.until("frames"))[-1].frames
        assert after.frames[0].key_frame


async def test_playback_reports_pace_the_output(house):
    long_reply(house, 2)
    mode = talk_pb2.PLAYBACK_MODE_CLIENT_REPORTS
    async with house.talk(mode=mode, lead=0.4) as talk:
        await talk.text("hi")
        turn = (await talk.until("turn_started"))[-1].turn_id
        sent = played = 0.0
        while (event := await talk.next()) and not event.HasField("turn_ended"):
            if event.HasField("audio"):
                sent = to_seconds(event.audio.offset) + to_seconds(event.audio.duration)
                assert sent - played < 0.4 + 0.01
                played = sent
                report = talk_pb2.PlaybackReport(turn_id=turn)
                report.played_until.FromNanoseconds(round(played * 1e9))
                await talk.send(playback=report)
    assert sent > 1.9
    assert event.turn_ended.status.code == code_pb2.OK


async def test_a_client_that_vanishes_leaves_every_stage_idle(house):
    long_reply(house, 20)
    async with house.talk(video=True, mode=REAL_TIME) as talk:
        await talk.text("hi")
        assert "audio" in kinds(await talk.until("frames"))
    assert await eventually(house.idle) < 0.2
    await eventually(lambda: house.workload.snapshot().idle)


async def test_two_talks_do_not_hear_each_other(house):
    async with house.talk() as one, house.talk() as two:
        await one.say("One. One. One.")
        await two.say("Two.")
        await one.end()
        await two.end()
        first, second = await asyncio.gather(one.rest(), two.rest())
    assert "".join(t.text for t in only(first, "reply_text")) == "One. One. One."
    assert "".join(t.text for t in only(second, "reply_text")) == "Two."
    assert sum(len(a.audio) for a in only(first, "audio")) == 3 * 6_400


class Reader:
    """Reads a talk as a client does that says how far it is."""

    def __init__(self, talk, *, tells_playback: bool = False) -> None:
        self.talk = talk
        self.tells_playback = tells_playback
        self.turn = ""
        self.audio = self.reported = self.video = 0.0

    async def read(self, until: float = math.inf):
        """Reads ``until`` seconds of audio have come, or the turn has ended; the last event."""
        while self.audio < until and (event := await self.talk.next()) is not None:
            self.turn = event.turn_id or self.turn
            if event.HasField("audio"):
                self.audio = to_seconds(event.audio.offset) + to_seconds(event.audio.duration)
                await self._report()
            elif event.HasField("frames") and event.turn_id:
                last = event.frames.frames[-1]
                self.video = to_seconds(last.offset) + to_seconds(last.duration)
            elif event.HasField("turn_ended"):
                return event
        return None

    async def _report(self) -> None:
        if self.audio - self.reported >= 0.2:
            self.reported = self.audio
            progress = talk_pb2.Progress(turn_id=self.turn, offset=to_duration(self.audio))
            await self.talk.send(progress=progress)
            if self.tells_playback:
                played = talk_pb2.PlaybackReport(turn_id=self.turn, played_until=progress.offset)
                await self.talk.send(playback=played)


@pytest.mark.parametrize("mode", [REAL_TIME, SENT, REPORTS])
async def test_at_most_a_second_is_made_ahead_of_a_client_that_reads_no_more(build, mode):
    house = await build(gap_limit=0.5)  # a stage that may not go on is not a silent one
    long_reply(house, 30)
    house.tts.chunks_per_sentence = 100  # a sentence is made in one go, as espeak does
    async with house.talk(video=True, mode=mode, max_ahead=to_duration(0.9)) as talk:
        reader = Reader(talk, tells_playback=mode == REPORTS)
        await talk.text("hi")
        await reader.read(1.5)
        await still(lambda: (house.tts.made, house.animator.made))
        assert house.tts.made - reader.audio <= 0.9
        assert house.animator.made - reader.audio <= 0.9
        if mode != REPORTS:
            await asyncio.sleep(0.6)  # longer than a stage may be silent
            ended = await reader.read(4.0)
            assert ended is None
            await still(lambda: (house.tts.made, house.animator.made))
            assert house.tts.made - reader.audio <= 0.9


@pytest.mark.parametrize("mode", [REAL_TIME, SENT])
async def test_a_client_that_reads_on_gets_everything(house, mode):
    long_reply(house, 3)
    async with house.talk(mode=mode, max_ahead=to_duration(0.9)) as talk:
        reader = Reader(talk)
        await talk.text("hi")
        ended = await reader.read()
    assert ended.turn_ended.status.code == code_pb2.OK
    assert reader.audio == pytest.approx(3.0)
    assert 0 < house.tts.reports <= 3.0 / 0.2  # and a report is not a message for each chunk


async def test_without_reports_what_was_sent_counts_as_read(house):
    long_reply(house, 3)
    async with house.talk(lead=0.2, mode=REAL_TIME) as talk:
        await talk.text("hi")
        sent = 0.0
        while (event := await talk.next()) and not event.HasField("turn_ended"):
            if event.HasField("audio"):
                sent = to_seconds(event.audio.offset) + to_seconds(event.audio.duration)
                assert house.tts.made - sent < 0.9 + 0.1
    assert sent == pytest.approx(3.0)


async def test_after_its_end_a_client_is_not_waited_for(house):
    long_reply(house, 3)
    async with house.talk(max_ahead=to_duration(0.9)) as talk:
        await talk.text("hi")
        await talk.end()
        events = await talk.rest()
    assert events[-1].turn_ended.status.code == code_pb2.OK


async def test_a_voice_that_knows_no_pace_gets_no_reports(house):
    house.tts.paces = False
    long_reply(house, 3)
    async with house.talk(max_ahead=to_duration(0.9)) as talk:
        reader = Reader(talk)
        await talk.text("hi")
        ended = await reader.read()
    assert ended.turn_ended.status.code == code_pb2.OK
    assert house.tts.reports == 0


async def still(seen) -> None:
    """Waits until what is seen has not changed for a while."""
    before = None
    while (now := seen()) != before:
        before = now
        await asyncio.sleep(0.4)
