"""One real request to each service, and whether the answer makes sense."""

import json
import wave
from pathlib import Path

import grpc
import numpy as np
import pytest

from linly.animator.v1 import animator_pb2, animator_pb2_grpc
from linly.asr.v1 import asr_pb2, asr_pb2_grpc
from linly.common.v1 import common_pb2
from linly.llm.v1 import llm_pb2, llm_pb2_grpc
from linly.tts.v1 import tts_pb2, tts_pb2_grpc

QUESTIONS = Path(__file__).parents[1] / "data" / "questions"


def recognise(channel: grpc.Channel) -> None:
    question = json.loads((QUESTIONS / "questions.json").read_text())[0]
    with wave.open(str(QUESTIONS / question["file"])) as recording:
        rate, audio = recording.getframerate(), recording.readframes(recording.getnframes())
    config = asr_pb2.RecognitionConfig(
        encoding=common_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=rate
    )
    request = asr_pb2.StreamingRecognizeRequest
    requests = [
        request(config=config),
        *(request(audio=audio[i : i + 3200]) for i in range(0, len(audio), 3200)),
        request(end=asr_pb2.End()),
    ]
    answers = asr_pb2_grpc.AsrServiceStub(channel).StreamingRecognize(iter(requests), timeout=60)
    finals = [answer.result for answer in answers if answer.result.is_final]
    assert [final.alternatives[0].transcript for final in finals] == [question["text"]]


def generate(channel: grpc.Channel) -> None:
    instruction = "You are a helpful assistant. Answer in one short sentence."
    messages = [
        llm_pb2.Message(role=llm_pb2.ROLE_SYSTEM, content=instruction),
        llm_pb2.Message(role=llm_pb2.ROLE_USER, content="What is the capital of France?"),
    ]
    request = llm_pb2.GenerateRequest(
        messages=messages, sampling=llm_pb2.Sampling(temperature=0), max_new_tokens=24
    )
    *deltas, last = llm_pb2_grpc.LlmServiceStub(channel).Generate(request, timeout=60)
    assert "Paris" in "".join(answer.delta.text for answer in deltas)
    assert last.finished.usage.completion_tokens > 0


def synthesise(channel: grpc.Channel) -> None:
    request = tts_pb2.StreamingSynthesizeRequest
    requests = [
        request(config=tts_pb2.SynthesisConfig()),
        request(text=tts_pb2.TextInput(segment_id="1", text="Good morning, how are you?")),
        request(end=tts_pb2.End()),
    ]
    answers = tts_pb2_grpc.TtsServiceStub(channel).StreamingSynthesize(iter(requests), timeout=60)
    header, *chunks, last = answers
    audio = np.frombuffer(b"".join(answer.chunk.audio for answer in chunks), np.int16)
    seconds = audio.size / header.header.sample_rate_hertz
    assert seconds == pytest.approx(last.finished.duration.ToTimedelta().total_seconds(), abs=0.01)
    assert seconds > 1
    assert np.abs(audio).max() > 1000


def animate(channel: grpc.Channel) -> None:
    request = animator_pb2.StreamingAnimateRequest
    config = animator_pb2.AnimationConfig(
        codec=animator_pb2.VIDEO_CODEC_H264, sample_rate_hertz=16000
    )
    tone = (8000 * np.sin(np.arange(16000) * 0.08)).astype(np.int16)
    requests = [
        request(config=config),
        request(speech=animator_pb2.SpeechInput(speech_id="1", audio=tone.tobytes())),
        request(end_speech=animator_pb2.EndSpeech(speech_id="1")),
        request(end=animator_pb2.End()),
    ]
    stub = animator_pb2_grpc.AnimatorServiceStub(channel)
    header, *answers = stub.StreamingAnimate(iter(requests), timeout=60)
    frames = [frame for answer in answers for frame in answer.frames.frames]
    assert header.header.frame_rate == 25
    assert len(frames) == pytest.approx(25, abs=1)
    assert frames[0].key_frame
