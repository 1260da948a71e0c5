"""Between the contract's messages and the service's own types."""

import math

from linly.common.v1 import common_pb2
from linly.tts.v1 import tts_pb2
from linly_mesh.errors import invalid_argument
from linly_mesh.rpc.convert import stage_timing, to_duration, to_seconds
from linly_tts.audio.encoding import AudioFormat, Encoding
from linly_tts.engine import Viseme, Voice
from linly_tts.events import Cancelled, Finished, Flushed, SpeechEvent, Spoken
from linly_tts.script import Script
from linly_tts.session import Manner
from linly_tts.voices import VoiceBook

_Response = tts_pb2.StreamingSynthesizeResponse

ENCODINGS = {
    common_pb2.AUDIO_ENCODING_LINEAR16: Encoding.LINEAR16,
    common_pb2.AUDIO_ENCODING_MULAW: Encoding.MULAW,
    common_pb2.AUDIO_ENCODING_ALAW: Encoding.ALAW,
}
_ENCODING_VALUES = {encoding: value for value, encoding in ENCODINGS.items()}
_VISEME_NAMES = {viseme: f"VISEME_{viseme.name}" for viseme in Viseme}
_SAMPLE_RATES = range(8_000, 48_001)
_LONGEST_SEGMENT = 100_000
_LONGEST_SEGMENT_ID = 256
_MOST_SEGMENTS = 10_000
"""Of a stream: each segment's length is remembered, since its texts concatenate."""
_LEAST_AHEAD = 0.85
"""Seconds: a piece from the engine, what a caller may not have reported yet, and what is held back
because it would be too little for a chunk. With less, each would wait for the other."""


def to_manner(config: tts_pb2.SynthesisConfig, voices: VoiceBook) -> Manner:
    """How a stream is to be spoken.

    Raises:
        ServiceError: INVALID_ARGUMENT, which names the field.
    """
    voice = _voice(config, voices)
    rate = config.speaking_rate if config.HasField("speaking_rate") else 1.0
    if not 0.25 <= rate <= 4:  # NaN is not either
        raise invalid_argument("config.speaking_rate", "must be from 0.25 to 4")
    encoding = Encoding.LINEAR16
    if config.encoding != common_pb2.AUDIO_ENCODING_UNSPECIFIED:
        if config.encoding not in ENCODINGS:
            raise invalid_argument("config.encoding", f"{config.encoding} is not supported")
        encoding = ENCODINGS[config.encoding]
    sample_rate = voice.sample_rate
    if config.HasField("sample_rate_hertz"):
        sample_rate = config.sample_rate_hertz
        if sample_rate not in _SAMPLE_RATES:
            raise invalid_argument("config.sample_rate_hertz", "must be from 8000 to 48000")
    max_ahead = math.inf
    if config.HasField("max_ahead"):
        max_ahead = to_seconds(config.max_ahead)
        if max_ahead < _LEAST_AHEAD:
            raise invalid_argument("config.max_ahead", f"must be at least {_LEAST_AHEAD:g} s")
    return Manner(voice, rate, AudioFormat(encoding, sample_rate), max_ahead)


def _voice(config: tts_pb2.SynthesisConfig, voices: VoiceBook) -> Voice:
    if not config.voice:
        found = voices.speaking(config.language_code) if config.language_code else voices.default
        if found is None:
            raise invalid_argument("config.language_code", "no voice speaks it; see ListVoices")
        return found
    named = voices.named(config.voice)
    if named is None:
        raise invalid_argument("config.voice", "there is no such voice; see ListVoices")
    language = config.language_code.partition("-")[0]
    if language and named not in voices.of_language(language):
        raise invalid_argument("config.language_code", f"voice {named.name} does not speak it")
    return named


def check_text(text: tts_pb2.TextInput, script: Script) -> None:
    """Refuses text that is too much for its segment or stream.

    Raises:
        ServiceError: INVALID_ARGUMENT, which names the field.
    """
    if len(text.segment_id) > _LONGEST_SEGMENT_ID:
        raise invalid_argument(
            "text.segment_id", f"is longer than {_LONGEST_SEGMENT_ID} code points"
        )
    length = script.length(text.segment_id)
    if length is None and script.segments >= _MOST_SEGMENTS:
        raise invalid_argument("text.segment_id", f"is one of more than {_MOST_SEGMENTS} segments")
    if (length or 0) + len(text.text) > _LONGEST_SEGMENT:
        raise invalid_argument(
            "text.text", f"makes the segment longer than {_LONGEST_SEGMENT} code points"
        )


def header(manner: Manner) -> _Response:
    """The first message of a stream."""
    return _Response(
        header=tts_pb2.AudioHeader(
            encoding=_ENCODING_VALUES[manner.output.encoding],
            sample_rate_hertz=manner.output.sample_rate,
            voice=manner.voice.name,
            max_ahead=None if math.isinf(manner.max_ahead) else to_duration(manner.max_ahead),
        )
    )


def response(event: SpeechEvent) -> _Response:
    """The message that carries an event."""
    match event:
        case Spoken():
            return _Response(chunk=_chunk(event))
        case Flushed(offset):
            return _Response(flushed=tts_pb2.Flushed(offset=to_duration(offset)))
        case Cancelled(offset):
            return _Response(cancelled=tts_pb2.Cancelled(offset=to_duration(offset)))
        case Finished(duration):
            return _Response(finished=tts_pb2.Finished(duration=to_duration(duration)))


def _chunk(spoken: Spoken) -> tts_pb2.SpeechChunk:
    return tts_pb2.SpeechChunk(
        audio=spoken.audio,
        offset=to_duration(spoken.offset),
        words=[
            tts_pb2.WordTiming(
                segment_id=spoken.segment_id,
                start_code_point=word.start,
                end_code_point=word.end,
                offset=to_duration(word.offset),
                duration=to_duration(word.duration),
            )
            for word in spoken.words
        ],
        visemes=[
            common_pb2.VisemeTiming(
                viseme=_VISEME_NAMES[viseme.viseme],
                offset=to_duration(viseme.offset),
                duration=to_duration(viseme.duration),
            )
            for viseme in spoken.visemes
        ],
        timing=stage_timing(spoken.timing) if spoken.timing else None,
    )


def to_voice(voice: Voice) -> tts_pb2.Voice:
    """A voice as ListVoices shows it."""
    return tts_pb2.Voice(
        name=voice.name,
        language_codes=voice.language_codes,
        natural_sample_rate_hertz=voice.sample_rate,
    )
