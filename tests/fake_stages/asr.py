"""A recogniser that hears what the test says it hears."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import grpc

from linly.asr.v1 import asr_pb2, asr_pb2_grpc
from linly.common.v1 import common_pb2
from linly_mesh.errors import ServiceError
from linly_mesh.rpc.convert import to_duration
from linly_mesh.rpc.draining import Draining
from linly_mesh.rpc.requests import RequestReader
from linly_mesh.rpc.server import Registration
from linly_mesh.workload import Workload

_Response = asr_pb2.StreamingRecognizeResponse
_Event = asr_pb2.SpeechEvent


class FakeAsr(asr_pb2_grpc.AsrServiceServicer):
    """Non-zero bytes are speech, zero bytes are silence, as in a text book."""

    def __init__(self) -> None:
        self.workload = Workload()
        self.transcripts: list[str] = []
        """What successive utterances say; after the last one, "hello"."""
        self.final_delay = 0.0
        """Seconds from the end of an utterance to its transcript."""
        self.end_silence = 0.4
        self.early_silence = 0.2
        self.error: ServiceError | None = None
        self.silent = False
        """Takes audio and never answers."""
        self.deaf = False
        """Takes no audio."""
        self.ends_after: int | None = None
        """Ends the stream with OK after so many messages of audio."""
        self.calls = 0
        self.draining = Draining()

    @property
    def registration(self) -> Registration:
        return Registration(
            asr_pb2.DESCRIPTOR.services_by_name["AsrService"],
            self,
            asr_pb2_grpc.add_AsrServiceServicer_to_server,
        )

    async def StreamingRecognize(self, request_iterator, context) -> AsyncIterator[_Response]:
        self.calls += 1
        if self.error is not None:
            raise self.error
        reader = RequestReader(request_iterator)
        config = (await reader.config()).config
        ear = _Ear(self, 2 * config.sample_rate_hertz)
        responses = self.draining.until_at_rest(
            self._recognize(reader, ear), lambda: not ear.speaking and not reader.ended
        )
        async for response in responses:
            yield response

    async def _recognize(
        self, reader: RequestReader, ear: "_Ear"
    ) -> AsyncGenerator[_Response, None]:
        if self.deaf:
            await asyncio.Event().wait()
        heard = 0
        async for kind, request in reader:
            if self.silent:
                continue
            heard += 1
            if heard == self.ends_after:
                return
            if kind == "audio":
                async for response in ear.hear(request.audio):
                    yield response
            else:
                async for response in ear.finish():
                    yield response
                yield _Response(flushed=asr_pb2.Flushed(offset=to_duration(ear.offset)))
        async for response in ear.finish():
            yield response

    async def GetCapabilities(self, request, context) -> asr_pb2.GetCapabilitiesResponse:
        return asr_pb2.GetCapabilitiesResponse(
            service=common_pb2.ServiceInfo(name="asr", version="0.1.0", engine="fake")
        )


class _Ear:
    def __init__(self, asr: FakeAsr, rate: int) -> None:
        self._asr = asr
        self._rate = rate
        self._received = 0
        self._speech_end = 0.0
        self._utterances = 0
        self.speaking = False
        self._early_told = False
        self._unit = None

    @property
    def offset(self) -> float:
        return self._received / self._rate

    async def hear(self, audio: bytes) -> AsyncIterator[_Response]:
        self._received += len(audio)
        if any(audio):
            self._speech_end = self.offset
            self._early_told = False
            if not self.speaking:
                self.speaking = True
                self._utterances += 1
                self._unit = self._asr.workload.unit()
                self._unit.begin()
                yield self._event(_Event.TYPE_SPEECH_BEGIN, self.offset - len(audio) / self._rate)
            yield self._result(self._text().split()[0], is_final=False)
        elif self.speaking:
            silence = self.offset - self._speech_end
            if silence >= self._asr.end_silence:
                async for response in self.finish():
                    yield response
            elif silence >= self._asr.early_silence and not self._early_told:
                self._early_told = True
                yield self._result(self._text(), is_final=False, stability=1.0)

    async def finish(self) -> AsyncIterator[_Response]:
        if not self.speaking:
            return
        yield self._event(_Event.TYPE_SPEECH_END, self._speech_end)
        if self._asr.final_delay:
            await asyncio.sleep(self._asr.final_delay)
        self.speaking = False
        yield self._result(self._text(), is_final=True)
        self._unit.finish()

    def _text(self) -> str:
        index = self._utterances - 1
        return self._asr.transcripts[index] if index < len(self._asr.transcripts) else "hello"

    def _event(self, kind: int, offset: float) -> _Response:
        return _Response(
            speech_event=_Event(
                type=kind,
                offset=to_duration(offset),
                utterance_id=f"u{self._utterances}",
                detection_offset=to_duration(self.offset),
            )
        )

    def _result(self, text: str, *, is_final: bool, stability: float | None = None) -> _Response:
        result = asr_pb2.RecognitionResult(utterance_id=f"u{self._utterances}", is_final=is_final)
        if text:
            result.alternatives.add(transcript=text)
        if stability is not None:
            result.stability = stability
        if is_final:
            result.timing.first_output.CopyFrom(to_duration(self._asr.final_delay))
        return _Response(result=result)


def unavailable(stage: str) -> ServiceError:
    return ServiceError(grpc.StatusCode.UNAVAILABLE, "BROKEN", "broken for a test", stage=stage)
