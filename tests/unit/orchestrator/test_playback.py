import asyncio

import pytest

from linly.talk.v1 import talk_pb2
from linly_orchestrator.playback import Playback, PlaybackStalledError

from .virtual_time import now, run

UNSPECIFIED = talk_pb2.PLAYBACK_MODE_UNSPECIFIED
REAL_TIME = talk_pb2.PLAYBACK_MODE_REAL_TIME
REPORTS = talk_pb2.PLAYBACK_MODE_CLIENT_REPORTS
SENT = talk_pb2.PLAYBACK_MODE_SENT


def playback(mode, lead: float = 0.4) -> Playback:
    return Playback(mode, lead, report_limit=5.0)


@pytest.mark.parametrize("mode", [UNSPECIFIED, REAL_TIME, REPORTS, SENT])
def test_the_first_output_may_go_at_once(mode):
    async def turn() -> None:
        await playback(mode).due(3.0)
        assert now() == 0

    run(turn())


@pytest.mark.parametrize("mode", [UNSPECIFIED, REAL_TIME])
def test_in_real_time_output_is_at_most_the_lead_ahead(mode):
    async def turn() -> None:
        play = playback(mode)
        play.audio_sent(0.5)
        await play.due(0.3)
        assert now() == 0
        await play.due(1.0)
        assert now() == pytest.approx(0.6)

    run(turn())


def test_for_a_file_nothing_waits_and_all_counts_as_played():
    async def turn() -> None:
        play = playback(SENT)
        play.audio_sent(100.0)
        await play.due(1_000.0)
        await play.finished()
        assert now() == 0
        assert play.played == 100.0
        assert not play.real_time

    run(turn())


def test_never_more_is_played_than_was_sent():
    async def turn() -> None:
        real, told = playback(REAL_TIME), playback(REPORTS)
        for play in (real, told):
            play.audio_sent(0.5)
        told.report(9.0)
        await asyncio.sleep(2.0)
        assert (real.played, told.played) == (0.5, 0.5)
        assert real.clock == 2.0

    run(turn())


def test_before_the_first_audio_nothing_is_played():
    async def turn() -> None:
        play = playback(REAL_TIME)
        await asyncio.sleep(1.0)
        assert (play.clock, play.played) == (0, 0)
        await play.finished()
        assert now() == 1.0

    run(turn())


def test_a_player_that_ran_dry_goes_on_where_it_stopped():
    async def turn() -> None:
        play = playback(REAL_TIME)
        play.audio_sent(0.5)
        await asyncio.sleep(2.0)  # dry for 1.5 s
        play.audio_sent(1.0)
        assert play.clock == pytest.approx(0.5)
        await play.due(1.2)
        assert now() == pytest.approx(2.3)
        await play.finished()
        assert now() == pytest.approx(2.5)
        assert play.is_end(play.played)

    run(turn())


def test_reports_pace_the_output():
    async def turn() -> None:
        play = playback(REPORTS)
        play.audio_sent(0.4)
        waiting = asyncio.create_task(play.due(1.0))
        for told, due in ((0.3, False), (0.597, False), (0.599, True)):
            await asyncio.sleep(1.0)
            play.report(told)
            await asyncio.sleep(0.01)
            assert waiting.done() == due

    run(turn())


def test_a_report_never_takes_back_an_earlier_one():
    async def turn() -> None:
        play = playback(REPORTS)
        play.audio_sent(1.0)
        play.report(0.8)
        play.report(0.2)
        assert play.played == 0.8

    run(turn())


def test_a_client_that_stops_reporting_is_not_waited_for():
    async def turn() -> None:
        play = playback(REPORTS)
        play.audio_sent(1.0)
        waiting = asyncio.create_task(play.finished())
        await asyncio.sleep(4.0)
        play.report(0.5)
        with pytest.raises(PlaybackStalledError):
            await waiting
        assert now() == pytest.approx(9.0)  # 5 s after the last report

    run(turn())


def test_once_the_client_can_not_report_it_plays_on_in_real_time():
    async def turn() -> None:
        play = playback(REPORTS)
        play.audio_sent(1.0)
        play.report(0.4)
        waiting = asyncio.create_task(play.finished())
        await asyncio.sleep(3.0)
        play.reports_over()
        await waiting
        assert now() == pytest.approx(3.6)

    run(turn())


def test_reports_that_fall_a_little_short_of_the_end_are_the_end():
    async def turn() -> None:
        play = playback(REPORTS)
        play.audio_sent(1.0)
        play.report(0.9985)
        await play.finished()
        assert now() == 0
        assert play.is_end(play.played)
        assert not play.is_end(0.99)

    run(turn())


def test_frames_wait_for_the_audio_that_they_belong_to():
    async def turn() -> None:
        play = playback(SENT)
        complete = False
        covered = asyncio.create_task(play.covered(0.5, lambda: complete))
        beyond = asyncio.create_task(play.covered(2.0, lambda: complete))
        play.audio_sent(0.5)
        await asyncio.sleep(0.1)
        assert not covered.done()  # up to 0.5 is not beyond it
        play.audio_sent(0.6)
        await asyncio.sleep(0.1)
        assert covered.done()
        assert not beyond.done()
        complete = True
        play.all_sent()
        await beyond

    run(turn())
