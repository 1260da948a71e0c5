"""The contract's messages to the engine's types and back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from linly.animator.v1 import animator_pb2 as pb
from linly.common.v1 import common_pb2
from linly_animator.audio import decode
from linly_animator.engine import (
    AnimationOptions,
    Frame,
    FrameBatch,
    Header,
    SpeechCancelled,
    SpeechEnded,
    Viseme,
    VisemeTiming,
)
from linly_mesh.errors import invalid_argument
from linly_mesh.rpc.convert import stage_timing, to_duration, to_seconds

_VISEMES = {common_pb2.Viseme.Value(f"VISEME_{viseme.name}"): viseme for viseme in Viseme}
_SIDES = range(128, 1025)
_FRAME_RATES = range(10, 61)
_SAMPLE_RATES = range(8_000, 48_001)
_CODECS = (pb.VIDEO_CODEC_UNSPECIFIED, pb.VIDEO_CODEC_H264)
_ENCODINGS = {
    common_pb2.AUDIO_ENCODING_UNSPECIFIED: "linear16",
    common_pb2.AUDIO_ENCODING_LINEAR16: "linear16",
    common_pb2.AUDIO_ENCODING_MULAW: "mulaw",
    common_pb2.AUDIO_ENCODING_ALAW: "alaw",
}
_LONGEST = 3600.0
"""Seconds. A viseme outside an hour of speech is a mistake of the caller."""


def options(config: pb.AnimationConfig) -> AnimationOptions:
    """A checked configuration, with its defaults filled in.

    Raises:
        ServiceError: INVALID_ARGUMENT with the field.
    """
    return AnimationOptions(
        avatar_id=config.avatar_id,
        width=_side(config, "width"),
        height=_side(config, "height"),
        frame_rate=_within(
            "config.frame_rate",
            config.frame_rate if config.HasField("frame_rate") else 25,
            _FRAME_RATES,
        ),
        sample_rate=_within("config.sample_rate_hertz", config.sample_rate_hertz, _SAMPLE_RATES),
        video=_codec(config) == pb.VIDEO_CODEC_H264,
        blendshapes=config.blendshapes,
        idle_frames=config.idle_frames,
    )


def encoding(config: pb.AnimationConfig) -> str:
    """The name of the audio's encoding.

    Raises:
        ServiceError: INVALID_ARGUMENT if it is not known.
    """
    name = _ENCODINGS.get(config.audio_encoding)
    if name is None:
        raise invalid_argument("config.audio_encoding", f"unknown encoding {config.audio_encoding}")
    return name


def samples(audio: bytes, name: str) -> npt.NDArray[np.float32]:
    """The audio of one message.

    Raises:
        ServiceError: INVALID_ARGUMENT if a sample is cut in two.
    """
    try:
        return decode(audio, name)
    except ValueError as error:
        raise invalid_argument("speech.audio", str(error)) from error


def visemes(timings: list[common_pb2.VisemeTiming]) -> tuple[VisemeTiming, ...]:
    """The visemes of one message.

    Raises:
        ServiceError: INVALID_ARGUMENT with the position of the one that is wrong.
    """
    result = []
    for position, timing in enumerate(timings):
        field = f"speech.visemes[{position}]"
        if timing.viseme not in _VISEMES:
            raise invalid_argument(f"{field}.viseme", f"unknown viseme {timing.viseme}")
        start, duration = to_seconds(timing.offset), to_seconds(timing.duration)
        if not 0 <= start <= _LONGEST:
            raise invalid_argument(
                f"{field}.offset", f"expected 0 to {_LONGEST:g} s, got {start:g} s"
            )
        if not 0 <= duration <= _LONGEST:
            raise invalid_argument(
                f"{field}.duration", f"expected 0 to {_LONGEST:g} s, got {duration:g} s"
            )
        result.append(VisemeTiming(_VISEMES[timing.viseme], start, duration))
    return tuple(result)


def header(given: Header, wanted: AnimationOptions, names: tuple[str, ...]) -> pb.AnimationHeader:
    """The header of a stream; `names` are those of the engine's blendshapes."""
    return pb.AnimationHeader(
        codec_string=given.codec_string,
        codec=pb.VIDEO_CODEC_H264 if wanted.video else pb.VIDEO_CODEC_UNSPECIFIED,
        width=wanted.width,
        height=wanted.height,
        frame_rate=wanted.frame_rate,
        blendshape_names=names if wanted.blendshapes else (),
    )


def frames(batch: FrameBatch) -> pb.Frames:
    """Frames with their timing."""
    return pb.Frames(
        speech_id=batch.speech_id,
        frames=[_frame(frame) for frame in batch.frames],
        timing=stage_timing(batch.timing) if batch.timing is not None else None,
    )


def speech_ended(ended: SpeechEnded) -> pb.SpeechEnded:
    """The end of a speech."""
    return pb.SpeechEnded(speech_id=ended.speech_id, duration=to_duration(ended.duration))


def speech_cancelled(cancelled: SpeechCancelled) -> pb.SpeechCancelled:
    """The end of a speech that was dropped."""
    return pb.SpeechCancelled(speech_id=cancelled.speech_id)


def _frame(frame: Frame) -> pb.Frame:
    return pb.Frame(
        offset=to_duration(frame.offset),
        duration=to_duration(frame.duration),
        data=frame.data,
        key_frame=frame.key_frame,
        blendshapes=frame.blendshapes,
    )


def _side(config: pb.AnimationConfig, name: str) -> int:
    value = _within(
        f"config.{name}", getattr(config, name) if config.HasField(name) else 512, _SIDES
    )
    if value % 2:
        raise invalid_argument(f"config.{name}", f"expected an even number, got {value}")
    return value


def _codec(config: pb.AnimationConfig) -> int:
    if config.codec not in _CODECS:
        raise invalid_argument("config.codec", f"unknown codec {config.codec}")
    return config.codec


def _within(field: str, value: int, allowed: range) -> int:
    if value not in allowed:
        raise invalid_argument(field, f"expected {allowed[0]} to {allowed[-1]}, got {value}")
    return value
