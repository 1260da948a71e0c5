"""Between the contract's messages and the service's own types."""

import math
from dataclasses import dataclass, replace

from google.protobuf.duration_pb2 import Duration

from linly.asr.v1 import asr_pb2
from linly.common.v1 import common_pb2
from linly_asr.audio import Encoding
from linly_asr.config import Settings
from linly_asr.endpointing import Endpointing
from linly_asr.engine import Alternative, Engine, Event, Flushed, SpeechBegin, SpeechEnd
from linly_mesh.errors import invalid_argument
from linly_mesh.rpc.convert import stage_timing, to_duration, to_seconds

ENCODINGS = {
    common_pb2.AUDIO_ENCODING_LINEAR16: Encoding.LINEAR16,
    common_pb2.AUDIO_ENCODING_MULAW: Encoding.MULAW,
    common_pb2.AUDIO_ENCODING_ALAW: Encoding.ALAW,
}
_SAMPLE_RATES = range(8_000, 48_001)
_ALTERNATIVES = range(1, 31)
_LONGEST_SILENCE = 10.0


@dataclass(frozen=True, slots=True)
class Options:
    """How one stream wants to be recognised."""

    encoding: Encoding
    """Of its audio."""
    sample_rate: int
    """Samples per second of its audio."""
    language: str
    """As the engine writes it."""
    endpointing: Endpointing
    """When its utterances begin and end."""
    interim_results: bool
    """Whether transcripts are wanted that may still change."""
    max_alternatives: int
    """Readings wanted of each utterance."""
    word_offsets: bool
    """Whether words are wanted."""


def options(
    config: asr_pb2.RecognitionConfig, settings: Settings, languages: tuple[str, ...]
) -> Options:
    """What a client asks for, completed by the settings.

    Raises:
        ServiceError: INVALID_ARGUMENT, naming the first field that can't be honoured.
    """
    if config.encoding not in ENCODINGS:
        known = ", ".join(common_pb2.AudioEncoding.Name(each) for each in ENCODINGS)
        raise invalid_argument("config.encoding", f"expected one of {known}")
    if config.sample_rate_hertz not in _SAMPLE_RATES:
        raise invalid_argument(
            "config.sample_rate_hertz", f"expected 8000 to 48000, got {config.sample_rate_hertz}"
        )
    alternatives = config.max_alternatives if config.HasField("max_alternatives") else 1
    if alternatives not in _ALTERNATIVES:
        raise invalid_argument("config.max_alternatives", f"expected 1 to 30, got {alternatives}")
    return Options(
        encoding=ENCODINGS[config.encoding],
        sample_rate=config.sample_rate_hertz,
        language=_language(config.language_code, languages),
        endpointing=_endpointing(config.endpointing, settings),
        interim_results=config.interim_results,
        max_alternatives=alternatives,
        word_offsets=config.word_offsets,
    )


def _language(asked: str, languages: tuple[str, ...]) -> str:
    """The engine's language that was asked for; a bare "en" means any English."""
    for language in languages:
        if asked.lower() in ("", language.lower(), language.partition("-")[0].lower()):
            return language
    raise invalid_argument(
        "config.language_code",
        f"expected one of {', '.join(languages)}",
        reason="LANGUAGE_NOT_SUPPORTED",
    )


def _endpointing(asked: asr_pb2.EndpointingConfig, settings: Settings) -> Endpointing:
    rules = Endpointing(
        min_speech=settings.min_speech,
        early_silence=settings.early_silence,
        end_silence=settings.end_silence,
        threshold=settings.speech_threshold,
        max_utterance=settings.max_utterance,
    )
    if asked.HasField("min_speech"):
        rules = replace(rules, min_speech=_seconds("min_speech", asked.min_speech, 0))
    if asked.HasField("end_silence"):
        end = _seconds("end_silence", asked.end_silence, 1e-3)
        rules = replace(rules, end_silence=end, early_silence=min(rules.early_silence, end))
    if asked.HasField("early_silence"):
        early = _seconds("early_silence", asked.early_silence, 1e-3)
        if early > rules.end_silence:
            raise invalid_argument(
                "config.endpointing.early_silence", "must not exceed end_silence"
            )
        rules = replace(rules, early_silence=early)
    if asked.HasField("speech_threshold"):
        threshold = asked.speech_threshold
        if math.isnan(threshold) or not 0 <= threshold <= 1:
            raise invalid_argument("config.endpointing.speech_threshold", "expected 0 to 1")
        rules = replace(rules, threshold=threshold)
    return rules


def _seconds(name: str, duration: Duration, least: float) -> float:
    seconds = to_seconds(duration)
    if not least <= seconds <= _LONGEST_SILENCE:
        raise invalid_argument(
            f"config.endpointing.{name}",
            f"expected {least:g} to {_LONGEST_SILENCE:g} seconds, got {seconds:g}",
        )
    return seconds


def response(event: Event, wanted: Options) -> asr_pb2.StreamingRecognizeResponse:
    """An event as its message."""
    match event:
        case SpeechBegin():
            return asr_pb2.StreamingRecognizeResponse(
                speech_event=asr_pb2.SpeechEvent(
                    type=asr_pb2.SpeechEvent.TYPE_SPEECH_BEGIN,
                    offset=to_duration(event.offset),
                    utterance_id=event.utterance_id,
                )
            )
        case SpeechEnd():
            return asr_pb2.StreamingRecognizeResponse(
                speech_event=asr_pb2.SpeechEvent(
                    type=asr_pb2.SpeechEvent.TYPE_SPEECH_END,
                    offset=to_duration(event.offset),
                    utterance_id=event.utterance_id,
                    detection_offset=to_duration(event.detection_offset),
                )
            )
        case Flushed():
            return asr_pb2.StreamingRecognizeResponse(
                flushed=asr_pb2.Flushed(offset=to_duration(event.offset))
            )
    return asr_pb2.StreamingRecognizeResponse(
        result=asr_pb2.RecognitionResult(
            utterance_id=event.utterance_id,
            alternatives=[_alternative(each, wanted) for each in event.alternatives],
            is_final=event.is_final,
            stability=event.stability,
            result_end_offset=to_duration(event.end_offset),
            language_code=wanted.language,
            timing=stage_timing(event.timing) if event.timing else None,
        )
    )


def _alternative(alternative: Alternative, wanted: Options) -> asr_pb2.SpeechRecognitionAlternative:
    words = alternative.words if wanted.word_offsets else ()
    return asr_pb2.SpeechRecognitionAlternative(
        transcript=alternative.transcript,
        confidence=alternative.confidence,
        words=[
            asr_pb2.WordInfo(
                word=word.word,
                start_offset=to_duration(word.start),
                end_offset=to_duration(word.end),
                confidence=word.confidence,
            )
            for word in words
        ],
    )


def capabilities(
    engine: Engine, version: str, max_utterance: float
) -> asr_pb2.GetCapabilitiesResponse:
    """What the service says of itself."""
    return asr_pb2.GetCapabilitiesResponse(
        service=common_pb2.ServiceInfo(
            name="asr",
            version=version,
            engine=engine.name,
            model=engine.model,
            max_concurrency=engine.max_concurrency,
        ),
        language_codes=engine.languages,
        encodings=list(ENCODINGS),
        max_utterance=to_duration(max_utterance),
    )
