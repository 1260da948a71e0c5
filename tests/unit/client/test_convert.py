import grpc
import pytest
from google.rpc.status_pb2 import Status

from linly.animator.v1 import animator_pb2
from linly.asr.v1 import asr_pb2
from linly.common.v1 import common_pb2
from linly.llm.v1 import llm_pb2
from linly.talk.v1 import talk_pb2
from linly_client import (
    Audio,
    Frames,
    InterruptCause,
    Interrupted,
    ReplyText,
    SpeechActivity,
    SpeechEvent,
    TalkStarted,
    Transcript,
    TurnCause,
    TurnEnded,
    TurnStarted,
)
from linly_client.convert import to_event
from linly_mesh.errors import ServiceError
from linly_mesh.rpc.convert import to_duration
from linly_mesh.rpc.status import to_status


def event(**kind):
    return to_event(talk_pb2.ConverseResponse(turn_id="t", generation=3, **kind))


def ended(status: Status, **metrics) -> TurnEnded:
    return event(
        turn_ended=talk_pb2.TurnEnded(status=status, metrics=talk_pb2.TurnMetrics(**metrics))
    )


def failed(code: grpc.StatusCode, reason: str) -> Status:
    return to_status(ServiceError(code, reason, "why"), "tts")


def test_the_first_event_says_how_to_read_the_rest():
    started = talk_pb2.TalkStarted(
        audio=talk_pb2.AudioOutput(sample_rate_hertz=22050),
        animation=animator_pb2.AnimationHeader(codec_string="avc1.42c01f", width=512),
        avatar_id="a",
        notices=["2 faces found"],
    )
    seen = event(started=started)
    assert isinstance(seen, TalkStarted)
    assert (seen.sample_rate, seen.codec, seen.width) == (22050, "avc1.42c01f", 512)
    assert seen.notices == ("2 faces found",)
    assert event(started=talk_pb2.TalkStarted()).sample_rate is None


def test_every_event_carries_its_turn_and_generation():
    seen = event(reply_text=talk_pb2.ReplyText(text="hi"))
    assert seen == ReplyText(turn_id="t", generation=3, text="hi")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (talk_pb2.TurnStarted.CAUSE_SPEECH, TurnCause.SPEECH),
        (talk_pb2.TurnStarted.CAUSE_TEXT, TurnCause.TEXT),
        (talk_pb2.TurnStarted.CAUSE_SAY, TurnCause.SAY),
        (99, TurnCause.UNKNOWN),
    ],
)
def test_causes_that_only_a_newer_server_knows_are_unknown(value, expected):
    seen = event(turn_started=talk_pb2.TurnStarted(cause=value))
    assert isinstance(seen, TurnStarted)
    assert seen.cause is expected


def test_an_event_that_only_a_newer_server_knows_is_nothing():
    assert event() is None


def test_confidence_that_does_not_exist_is_none():
    assert event(transcript=talk_pb2.Transcript(text="a")).confidence is None
    seen = event(transcript=talk_pb2.Transcript(text="a", is_final=True, confidence=0))
    assert isinstance(seen, Transcript)
    assert seen.confidence == 0
    assert seen.is_final


def test_speech_activity_has_its_time():
    speech = asr_pb2.SpeechEvent(type=asr_pb2.SpeechEvent.TYPE_SPEECH_END, offset=to_duration(1.5))
    seen = event(speech_event=speech)
    assert isinstance(seen, SpeechEvent)
    assert (seen.activity, seen.offset) == (SpeechActivity.END, 1.5)


def test_audio_brings_its_words_and_visemes():
    seen = event(
        audio=talk_pb2.SpeechAudio(
            audio=b"\0\0",
            offset=to_duration(0.25),
            duration=to_duration(0.02),
            words=[talk_pb2.SpokenWord(start_code_point=4, end_code_point=9)],
            visemes=[
                common_pb2.VisemeTiming(
                    viseme=common_pb2.VISEME_PP, offset=to_duration(0.26), duration=to_duration(0.1)
                )
            ],
        )
    )
    assert isinstance(seen, Audio)
    assert (seen.data, seen.offset, seen.duration) == (b"\0\0", 0.25, 0.02)
    assert (seen.words[0].start, seen.words[0].end) == (4, 9)
    assert (seen.visemes[0].name, seen.visemes[0].offset) == ("PP", 0.26)


def test_frames_keep_their_order_and_time():
    frames = [
        animator_pb2.Frame(offset=to_duration(n / 25), data=bytes([n]), key_frame=n == 0)
        for n in range(3)
    ]
    seen = event(frames=animator_pb2.Frames(frames=frames))
    assert isinstance(seen, Frames)
    assert [f.offset for f in seen.frames] == [0, 0.04, 0.08]
    assert [f.key_frame for f in seen.frames] == [True, False, False]


def test_a_turn_that_ended_well_has_no_error():
    assert ended(Status()).error is None
    assert not ended(Status()).interrupted


def test_a_failed_turn_names_code_stage_and_reason():
    error = ended(failed(grpc.StatusCode.UNAVAILABLE, "GONE")).error
    assert (error.code, error.stage, error.reason, error.message) == (
        grpc.StatusCode.UNAVAILABLE,
        "tts",
        "GONE",
        "why",
    )


def test_an_interrupted_turn_did_not_fail():
    turn = ended(failed(grpc.StatusCode.CANCELLED, "INTERRUPTED"))
    assert turn.interrupted
    assert turn.error is None


def test_an_interruption_says_what_was_heard():
    seen = event(
        interrupted=talk_pb2.Interrupted(
            cause=talk_pb2.Interrupted.CAUSE_SPEECH,
            played_until=to_duration(1.5),
            spoken_text="Well,",
        )
    )
    assert isinstance(seen, Interrupted)
    assert (seen.cause, seen.played_until) == (InterruptCause.SPEECH, 1.5)
    assert seen.spoken_text == "Well,"


def test_figures_that_do_not_exist_are_none_and_zero_is_zero():
    metrics = ended(
        Status(),
        first_audio=to_duration(0.5),
        overhead=to_duration(0),
        frames_dropped=0,
        usage=llm_pb2.Usage(prompt_tokens=3),
        stages=[talk_pb2.StageMetrics(stage="asr", start=to_duration(-2))],
    ).metrics
    assert (metrics.first_audio, metrics.overhead, metrics.frames_dropped) == (0.5, 0, 0)
    assert (metrics.first_frame, metrics.frames_sent) == (None, None)
    assert (metrics.prompt_tokens, metrics.completion_tokens) == (3, 0)
    assert (metrics.stages[0].start, metrics.stages[0].end) == (-2, None)
    assert metrics.stages[0].compute is None
    assert ended(Status()).metrics.prompt_tokens is None
