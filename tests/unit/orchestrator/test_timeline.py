"""Figures of turns that were computed by hand. Times in seconds."""

import pytest

from linly.asr.v1 import asr_pb2
from linly.common.v1 import common_pb2
from linly_mesh.rpc.convert import to_duration, to_seconds
from linly_orchestrator.timeline import StageRecord, Timeline, silence_before

from .virtual_time import run


def record(start: float, first: float | None = None, own: float | None = None) -> StageRecord:
    timing = None
    if own is not None:
        timing = common_pb2.StageTiming(first_output=to_duration(own))
    return StageRecord(start, first, first, timing)


def test_a_typed_turn():
    """Text at 10.0; model asked at 10.001; the clause is complete 0.2 s of the model's time
    later; the voice takes 0.05 s; the audio leaves at 10.26."""
    turn = Timeline(input_end=10.0, first_audio=10.26)
    turn.llm = record(10.001, 10.11, 0.1)
    turn.tts = record(10.12, 10.258, 0.05)
    turn.text_passed_on = [(10.12, 0.1), (10.205, 0.2), (10.25, 0.25)]
    assert turn.overhead() == pytest.approx(0.26 - 0.2 - 0.05)


def test_a_spoken_turn():
    """Speech ends at 5.0, 0.4 s of silence, 0.03 s for the transcript, then as typed."""
    turn = Timeline(input_end=5.0, endpointing=0.4, transcript=5.432, first_audio=5.69)
    turn.asr = record(3.0, 3.5, 0.03)
    turn.llm = record(5.433, 5.54, 0.1)
    turn.tts = record(5.54, 5.685, 0.04)
    turn.text_passed_on = [(5.54, 0.1), (5.64, 0.2)]
    assert turn.overhead() == pytest.approx(0.69 - 0.4 - 0.03 - 0.2 - 0.04)


def test_a_reply_that_was_ready_before_the_transcript_was_final():
    """Only the recogniser was on the critical path."""
    turn = Timeline(input_end=5.0, endpointing=0.4, released=5.431, first_audio=5.436)
    turn.asr = record(3.0, 3.5, 0.03)
    turn.llm = record(5.21, 5.25, 0.04)
    turn.tts = record(5.25, 5.3, 0.05)
    turn.text_passed_on = [(5.25, 0.04)]
    assert turn.overhead() == pytest.approx(0.436 - 0.4 - 0.03)


def test_a_reply_that_was_begun_early_but_came_after_the_transcript():
    """What counts from the early beginning on is the model's and the voice's time alone."""
    turn = Timeline(input_end=5.0, endpointing=0.4, released=5.431, first_audio=5.66)
    turn.asr = record(3.0, 3.5, 0.03)
    turn.llm = record(5.21, 5.5, 0.28)
    turn.tts = record(5.5, 5.65, 0.14)
    turn.text_passed_on = [(5.5, 0.28)]
    assert turn.overhead() == pytest.approx(0.45 - 0.28 - 0.14)


def test_words_that_are_only_to_be_spoken():
    turn = Timeline(input_end=1.0, first_audio=1.06)
    turn.tts = record(1.001, 1.055, 0.05)
    turn.text_passed_on = [(1.001, 0.0)]
    assert turn.overhead() == pytest.approx(0.01)


def test_text_that_came_after_the_clause_was_complete_is_not_counted():
    turn = Timeline(input_end=0.0, first_audio=1.0)
    turn.llm = record(0.0, 0.3, 0.3)
    turn.tts = record(0.3, 1.0, 0.6)  # so the clause was complete at 0.4
    turn.text_passed_on = [(0.3, 0.3), (0.39, 0.38), (0.41, 0.4), (0.9, 0.9)]
    assert turn.overhead() == pytest.approx(1.0 - 0.38 - 0.6)


@pytest.mark.parametrize("missing", ["first_audio", "input_end"])
def test_without_audio_or_an_end_of_input_there_is_no_overhead(missing):
    turn = Timeline(input_end=1.0, first_audio=2.0)
    setattr(turn, missing, None)
    assert turn.overhead() is None


def test_what_does_not_exist_stays_unset():
    metrics = Timeline(input_end=1.0).metrics(None)
    assert metrics.ListFields() == []


def test_a_moment_before_the_end_of_the_input_is_negative():
    turn = Timeline(input_end=5.0)
    turn.asr = record(3.0, 3.5)
    turn.llm = StageRecord(start=5.2)
    asr, llm = turn.metrics(None).stages
    assert (asr.stage, to_seconds(asr.start), to_seconds(asr.first_output)) == ("asr", -2.0, -1.5)
    assert (llm.stage, llm.HasField("first_output"), llm.HasField("timing")) == (
        "llm",
        False,
        False,
    )


def test_stages_come_in_the_order_of_the_pipeline_and_only_those_that_took_part():
    turn = Timeline(input_end=0.0)
    turn.animator, turn.tts, turn.llm = record(3.0), record(2.0), record(1.0)
    assert [stage.stage for stage in turn.metrics(None).stages] == ["llm", "tts", "animator"]


def test_frames_are_counted_once_there_are_any():
    turn = Timeline(input_end=0.0)
    turn.frames_dropped = 3
    assert not turn.metrics(None).HasField("frames_dropped")
    turn.first_frame = 1.0
    metrics = turn.metrics(2.0)
    assert (metrics.frames_sent, metrics.frames_dropped) == (0, 3)
    assert to_seconds(metrics.speech_duration) == 2.0


def test_a_reply_that_is_thrown_away_leaves_no_trace():
    turn = Timeline(input_end=0.0)
    turn.asr, turn.llm, turn.tts = record(0.0), record(1.0, 2.0, 1.0), record(2.0, 3.0, 1.0)
    turn.text_passed_on = [(2.0, 1.0)]
    turn.restart_reply()
    assert [stage.stage for stage in turn.metrics(None).stages] == ["asr"]
    assert not turn.text_passed_on


def test_only_the_first_output_is_accounted_for():
    async def work() -> None:
        stage = StageRecord()
        stage.began()
        stage.gave(common_pb2.StageTiming(first_output=to_duration(1.0)))
        stage.gave(common_pb2.StageTiming(first_output=to_duration(9.0)))
        stage.began()
        assert to_seconds(stage.timing.first_output) == 1.0
        assert (stage.start, stage.first_output, stage.end) == (0, 0, 0)

    run(work())


def test_silence_before_the_end_of_speech_was_sure():
    event = asr_pb2.SpeechEvent(offset=to_duration(1.25), detection_offset=to_duration(1.75))
    assert silence_before(event) == 0.5
