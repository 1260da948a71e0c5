"""Seconds of speech or video that a service makes or takes in a second, alone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from time import perf_counter as now

from benchmarks.errors import BenchmarkError
from benchmarks.questions import read_questions
from linly.animator.v1 import animator_pb2, animator_pb2_grpc
from linly.asr.v1 import asr_pb2, asr_pb2_grpc
from linly.common.v1 import common_pb2
from linly.tts.v1 import tts_pb2, tts_pb2_grpc
from linly_client.wav import Wav
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.convert import to_seconds

_TEXT = (
    "The capital of France is Paris. It lies on the river Seine, in the north of the country. "
    "More than two million people live there, and many more come to see it every year. "
    "Its best known building is an iron tower, which was meant to stand for twenty years."
)
_CHUNK = 0.1


@dataclass(frozen=True, slots=True)
class Speech:
    """What the speech service made of a text."""

    sample_rate: int
    chunks: Sequence[tts_pb2.SpeechChunk]
    seconds: float


async def asr_speed(target: str) -> float:
    """All questions, one stream after the other, as fast as the service takes them."""
    questions = read_questions()
    async with open_channel(target) as channel:
        stub = asr_pb2_grpc.AsrServiceStub(channel)
        begin = now()
        for question in questions:
            results = [r async for r in stub.StreamingRecognize(_asr_requests(question.wav))]
            if not any(r.result.is_final and r.result.alternatives for r in results):
                raise BenchmarkError("the recogniser heard nothing in a question")
        return sum(question.wav.duration for question in questions) / (now() - begin)


async def _asr_requests(wav: Wav) -> AsyncIterator[asr_pb2.StreamingRecognizeRequest]:
    yield asr_pb2.StreamingRecognizeRequest(
        config=asr_pb2.RecognitionConfig(
            encoding=common_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=wav.sample_rate
        )
    )
    for chunk in wav.chunks(_CHUNK):
        yield asr_pb2.StreamingRecognizeRequest(audio=chunk)
    yield asr_pb2.StreamingRecognizeRequest(end=asr_pb2.End())


async def speak(target: str) -> tuple[Speech, float]:
    """A paragraph, and the speed at which it was spoken."""
    async with open_channel(target) as channel:
        stub = tts_pb2_grpc.TtsServiceStub(channel)
        begin = now()
        responses = [r async for r in stub.StreamingSynthesize(_tts_requests())]
        took = now() - begin
    seconds = to_seconds(responses[-1].finished.duration)
    chunks = [r.chunk for r in responses if r.HasField("chunk")]
    return Speech(responses[0].header.sample_rate_hertz, chunks, seconds), seconds / took


async def _tts_requests() -> AsyncIterator[tts_pb2.StreamingSynthesizeRequest]:
    yield tts_pb2.StreamingSynthesizeRequest(config=tts_pb2.SynthesisConfig())
    yield tts_pb2.StreamingSynthesizeRequest(text=tts_pb2.TextInput(text=_TEXT))
    yield tts_pb2.StreamingSynthesizeRequest(end=tts_pb2.End())


async def animator_speed(target: str, speech: Speech) -> float:
    """The shipped portrait speaks ``speech``: 512×512, 25 frames per second, H.264."""
    async with open_channel(target) as channel:
        call = animator_pb2_grpc.AnimatorServiceStub(channel).StreamingAnimate()
        await call.write(_animation_config(speech.sample_rate))
        await call.read()  # the header: portrait and encoder are ready
        begin = now()
        writing = asyncio.create_task(_animate(call, speech))
        frames = 0
        while (response := await call.read()).WhichOneof("response") != "speech_ended":
            frames += len(response.frames.frames)
        took = now() - begin
        await writing
        call.cancel()
    if frames < int(25 * speech.seconds):
        raise BenchmarkError(f"{frames} frames for {speech.seconds:.1f} s of speech")
    return speech.seconds / took


def _animation_config(sample_rate: int) -> animator_pb2.StreamingAnimateRequest:
    return animator_pb2.StreamingAnimateRequest(
        config=animator_pb2.AnimationConfig(
            width=512,
            height=512,
            frame_rate=25,
            codec=animator_pb2.VIDEO_CODEC_H264,
            sample_rate_hertz=sample_rate,
        )
    )


async def _animate(call, speech: Speech) -> None:  # type: ignore[no-untyped-def]
    for chunk in speech.chunks:
        piece = animator_pb2.SpeechInput(speech_id="1", audio=chunk.audio, visemes=chunk.visemes)
        await call.write(animator_pb2.StreamingAnimateRequest(speech=piece))
    end = animator_pb2.EndSpeech(speech_id="1")
    await call.write(animator_pb2.StreamingAnimateRequest(end_speech=end))
