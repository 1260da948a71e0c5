"""Messages of the contract to events."""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import code_pb2

from linly.animator.v1 import animator_pb2
from linly.asr.v1 import asr_pb2
from linly.common.v1 import common_pb2
from linly.talk.v1 import talk_pb2
from linly_client import events
from linly_client.errors import from_status
from linly_client.metrics import StageMetrics, TurnMetrics
from linly_mesh.rpc.convert import to_seconds

# Values that only a newer server knows become UNKNOWN.
_TURN_CAUSES = {
    talk_pb2.TurnStarted.CAUSE_SPEECH: events.TurnCause.SPEECH,
    talk_pb2.TurnStarted.CAUSE_TEXT: events.TurnCause.TEXT,
    talk_pb2.TurnStarted.CAUSE_SAY: events.TurnCause.SAY,
}
_INTERRUPT_CAUSES = {
    talk_pb2.Interrupted.CAUSE_CLIENT: events.InterruptCause.CLIENT,
    talk_pb2.Interrupted.CAUSE_SPEECH: events.InterruptCause.SPEECH,
    talk_pb2.Interrupted.CAUSE_TEXT: events.InterruptCause.TEXT,
}
_ACTIVITIES = {
    asr_pb2.SpeechEvent.TYPE_SPEECH_BEGIN: events.SpeechActivity.BEGIN,
    asr_pb2.SpeechEvent.TYPE_SPEECH_END: events.SpeechActivity.END,
}
_VISEMES = {value: name.removeprefix("VISEME_") for name, value in common_pb2.Viseme.items()}
_INTERRUPTED = "INTERRUPTED"


def to_event(response: talk_pb2.ConverseResponse) -> events.Event | None:
    """The event of a message; None for one that only a newer server knows."""
    turn, generation = response.turn_id, response.generation
    match response.WhichOneof("event"):
        case "started":
            return _talk_started(response.started)
        case "turn_started":
            turn_cause = _TURN_CAUSES.get(response.turn_started.cause, events.TurnCause.UNKNOWN)
            return events.TurnStarted(turn_id=turn, generation=generation, cause=turn_cause)
        case "speech_event":
            return _speech_event(response.speech_event, turn, generation)
        case "transcript":
            transcript = response.transcript
            return events.Transcript(
                turn_id=turn,
                generation=generation,
                text=transcript.text,
                is_final=transcript.is_final,
                confidence=transcript.confidence if transcript.HasField("confidence") else None,
            )
        case "reply_text":
            return events.ReplyText(
                turn_id=turn, generation=generation, text=response.reply_text.text
            )
        case "audio":
            return _audio(response.audio, turn, generation)
        case "frames":
            frames = tuple(_frame(frame) for frame in response.frames.frames)
            return events.Frames(turn_id=turn, generation=generation, frames=frames)
        case "interrupted":
            return _interrupted(response.interrupted, turn, generation)
        case "turn_ended":
            return _turn_ended(response.turn_ended, turn, generation)
    return None


def _talk_started(started: talk_pb2.TalkStarted) -> events.TalkStarted:
    animation = started.animation
    return events.TalkStarted(
        sample_rate=started.audio.sample_rate_hertz or None,
        codec=animation.codec_string,
        width=animation.width,
        height=animation.height,
        frame_rate=animation.frame_rate,
        blendshape_names=tuple(animation.blendshape_names),
        avatar_id=started.avatar_id,
        notices=tuple(started.notices),
    )


def _speech_event(speech: asr_pb2.SpeechEvent, turn: str, generation: int) -> events.SpeechEvent:
    return events.SpeechEvent(
        turn_id=turn,
        generation=generation,
        activity=_ACTIVITIES.get(speech.type, events.SpeechActivity.UNKNOWN),
        offset=to_seconds(speech.offset),
    )


def _audio(audio: talk_pb2.SpeechAudio, turn: str, generation: int) -> events.Audio:
    return events.Audio(
        turn_id=turn,
        generation=generation,
        data=audio.audio,
        offset=to_seconds(audio.offset),
        duration=to_seconds(audio.duration),
        words=tuple(
            events.Word(
                start=word.start_code_point,
                end=word.end_code_point,
                offset=to_seconds(word.offset),
                duration=to_seconds(word.duration),
            )
            for word in audio.words
        ),
        visemes=tuple(
            events.Viseme(
                name=_VISEMES.get(timing.viseme, "UNSPECIFIED"),
                offset=to_seconds(timing.offset),
                duration=to_seconds(timing.duration),
            )
            for timing in audio.visemes
        ),
    )


def _frame(frame: animator_pb2.Frame) -> events.Frame:
    return events.Frame(
        data=frame.data,
        offset=to_seconds(frame.offset),
        duration=to_seconds(frame.duration),
        key_frame=frame.key_frame,
        blendshapes=tuple(frame.blendshapes),
    )


def _interrupted(
    interrupted: talk_pb2.Interrupted, turn: str, generation: int
) -> events.Interrupted:
    return events.Interrupted(
        turn_id=turn,
        generation=generation,
        cause=_INTERRUPT_CAUSES.get(interrupted.cause, events.InterruptCause.UNKNOWN),
        played_until=to_seconds(interrupted.played_until),
        spoken_text=interrupted.spoken_text,
    )


def _turn_ended(ended: talk_pb2.TurnEnded, turn: str, generation: int) -> events.TurnEnded:
    error = None if ended.status.code == code_pb2.OK else from_status(ended.status)
    interrupted = error is not None and error.reason == _INTERRUPTED
    return events.TurnEnded(
        turn_id=turn,
        generation=generation,
        error=None if interrupted else error,
        interrupted=interrupted,
        metrics=_metrics(ended.metrics),
    )


def _metrics(metrics: talk_pb2.TurnMetrics) -> TurnMetrics:
    return TurnMetrics(
        endpointing=_seconds(metrics, "endpointing"),
        transcript=_seconds(metrics, "transcript"),
        first_token=_seconds(metrics, "first_token"),
        first_audio=_seconds(metrics, "first_audio"),
        first_frame=_seconds(metrics, "first_frame"),
        overhead=_seconds(metrics, "overhead"),
        interrupt=_seconds(metrics, "interrupt"),
        av_offset=_seconds(metrics, "av_offset"),
        speech_duration=_seconds(metrics, "speech_duration"),
        frames_sent=metrics.frames_sent if metrics.HasField("frames_sent") else None,
        frames_dropped=metrics.frames_dropped if metrics.HasField("frames_dropped") else None,
        prompt_tokens=metrics.usage.prompt_tokens if metrics.HasField("usage") else None,
        completion_tokens=metrics.usage.completion_tokens if metrics.HasField("usage") else None,
        stages=tuple(
            StageMetrics(
                stage=stage.stage,
                start=_seconds(stage, "start"),
                first_output=_seconds(stage, "first_output"),
                end=_seconds(stage, "end"),
                queue_wait=_seconds(stage.timing, "queue_wait"),
                compute=_seconds(stage.timing, "compute"),
            )
            for stage in metrics.stages
        ),
    )


def _seconds(message: Message, field: str) -> float | None:
    duration: Duration = getattr(message, field)
    return to_seconds(duration) if message.HasField(field) else None
