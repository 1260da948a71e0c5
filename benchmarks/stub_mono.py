"""``python -m benchmarks.stub_mono NAME ADDRESS``: the baseline of the mesh of stubs.

The same stubs in one process, joined by asyncio queues, behind the same Talk call. With no
framework and nothing between the stages, what a turn takes here is what asyncio's timers and
the client cost; what the mesh takes more, the mesh costs.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fake_stages import (  # type: ignore[import-not-found]  # untyped, beside the tests
    FakeAnimator,
    FakeAsr,
    FakeLlm,
    FakeTts,
)

from benchmarks.stub_stage import make_animator, make_asr, make_llm, make_tts
from benchmarks.work import Work
from linly.animator.v1.animator_pb2 import (
    AnimationConfig,
    EndSpeech,
    SpeechInput,
    StreamingAnimateRequest,
)
from linly.asr.v1.asr_pb2 import Flush, RecognitionConfig, StreamingRecognizeRequest
from linly.llm.v1.llm_pb2 import GenerateRequest
from linly.talk.v1 import talk_pb2, talk_pb2_grpc
from linly.tts.v1.tts_pb2 import StreamingSynthesizeRequest, SynthesisConfig, TextInput
from linly_mesh.rpc.server import Registration, run, serve
from linly_mesh.settings import ServerSettings
from linly_mesh.workload import Workload

_Item = TypeVar("_Item")
_Event = talk_pb2.ConverseResponse


class _Pipe(Generic[_Item]):
    """What is between two stages. Unbounded: the baseline waits for nobody."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[_Item | None] = asyncio.Queue()

    def put(self, item: _Item) -> None:
        self._queue.put_nowait(item)

    def close(self) -> None:
        self._queue.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[_Item]:
        while (item := await self._queue.get()) is not None:
            yield item


class _NoCall:
    """All that a stub wants of its call."""

    def time_remaining(self) -> None:
        return None

    def invocation_metadata(self) -> tuple[()]:
        return ()


@dataclass(frozen=True, slots=True)
class _Stages:
    asr: FakeAsr
    llm: FakeLlm
    tts: FakeTts
    animator: FakeAnimator


class Mono(talk_pb2_grpc.TalkServiceServicer):
    """Answers spoken turns; knows no interruption, failure, pacing or history."""

    def __init__(self, work: Work) -> None:
        """Makes the stages."""
        self._stages = _Stages(make_asr(work), make_llm(work), make_tts(work), make_animator(work))

    async def Converse(  # noqa: N802  # the contract's name
        self, request_iterator: AsyncIterator[talk_pb2.ConverseRequest], context: object
    ) -> AsyncIterator[_Event]:
        """One talk."""
        talk = _Talk(self._stages)
        running = asyncio.gather(talk.receive(request_iterator), talk.listen(), talk.animate())
        try:
            async for event in talk.events:
                yield event
            await running
        finally:
            running.cancel()


class _Talk:
    def __init__(self, stages: _Stages) -> None:
        self._stages = stages
        self._heard: _Pipe[StreamingRecognizeRequest] = _Pipe()
        self._spoken: _Pipe[StreamingAnimateRequest] = _Pipe()
        self._turns = 0
        self.events: _Pipe[_Event] = _Pipe()

    async def receive(self, requests: AsyncIterator[talk_pb2.ConverseRequest]) -> None:
        async for request in requests:
            match request.WhichOneof("request"):
                case "config":
                    self._begin(request.config.audio_input.sample_rate_hertz)
                case "audio":
                    self._heard.put(StreamingRecognizeRequest(audio=request.audio))
                case "end_of_audio":
                    self._heard.put(StreamingRecognizeRequest(flush=Flush()))
        self._heard.close()

    def _begin(self, sample_rate: int) -> None:
        config = RecognitionConfig(sample_rate_hertz=sample_rate)
        self._heard.put(StreamingRecognizeRequest(config=config))
        animation = AnimationConfig(sample_rate_hertz=self._stages.tts.sample_rate)
        self._spoken.put(StreamingAnimateRequest(config=animation))
        self._tell(started=talk_pb2.TalkStarted())

    async def listen(self) -> None:
        async for heard in self._stages.asr.StreamingRecognize(aiter(self._heard), None):
            if heard.result.is_final:
                await self._answer(heard.result.alternatives[0].transcript)
        self._spoken.close()

    async def _answer(self, text: str) -> None:
        self._turns += 1
        self._tell(turn_started=talk_pb2.TurnStarted())
        self._tell(transcript=talk_pb2.Transcript(text=text, is_final=True))
        written: _Pipe[StreamingSynthesizeRequest] = _Pipe()
        written.put(StreamingSynthesizeRequest(config=SynthesisConfig()))
        await asyncio.gather(self._write(written), self._speak(written))

    async def _write(self, written: _Pipe[StreamingSynthesizeRequest]) -> None:
        async for reply in self._stages.llm.Generate(GenerateRequest(), _NoCall()):
            if reply.HasField("delta"):
                self._tell(reply_text=talk_pb2.ReplyText(text=reply.delta.text))
                written.put(StreamingSynthesizeRequest(text=TextInput(text=reply.delta.text)))
        written.close()

    async def _speak(self, written: _Pipe[StreamingSynthesizeRequest]) -> None:
        speech_id = str(self._turns)
        async for spoken in self._stages.tts.StreamingSynthesize(aiter(written), None):
            if spoken.HasField("chunk"):
                audio, offset = spoken.chunk.audio, spoken.chunk.offset
                self._tell(audio=talk_pb2.SpeechAudio(audio=audio, offset=offset))
                speech = SpeechInput(speech_id=speech_id, audio=audio)
                self._spoken.put(StreamingAnimateRequest(speech=speech))
        self._spoken.put(StreamingAnimateRequest(end_speech=EndSpeech(speech_id=speech_id)))

    async def animate(self) -> None:
        async for animated in self._stages.animator.StreamingAnimate(aiter(self._spoken), None):
            match animated.WhichOneof("response"):
                case "frames":
                    self._tell(frames=animated.frames)
                case "speech_ended":
                    self._tell(turn_ended=talk_pb2.TurnEnded())
        self.events.close()

    def _tell(self, **event: Any) -> None:
        self.events.put(_Event(turn_id=f"t{self._turns}", **event))


async def _serve(settings: ServerSettings) -> None:
    async def start() -> Registration:
        service = talk_pb2.DESCRIPTOR.services_by_name["TalkService"]
        servicer = Mono(Work())
        return Registration(service, servicer, talk_pb2_grpc.add_TalkServiceServicer_to_server)

    async def stop() -> None:
        pass

    await serve("mono", settings, start, stop, Workload())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("address", help="unix:/path or host:port")
    arguments = parser.parse_args()
    run(lambda: ServerSettings(listen=arguments.address, metrics_listen=""), _serve)
