"""Speech synthesis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from linly.talk.v1 import talk_pb2
from linly.tts.v1 import tts_pb2, tts_pb2_grpc
from linly_mesh.rpc.duplex import DuplexCall
from linly_orchestrator.stages.errors import StallGuard, calling, stream_ended
from linly_orchestrator.stages.limits import StageLimits
from linly_orchestrator.stages.reaching import reached_duplex

STAGE = "tts"
SEGMENT = "reply"
"""A reply is one segment, so that words count code points in the whole of it."""

_Request = tts_pb2.StreamingSynthesizeRequest
_Response = tts_pb2.StreamingSynthesizeResponse


class SpeechCall:
    """One reply being spoken."""

    def __init__(self, call: DuplexCall[_Request, _Response], guard: StallGuard) -> None:
        """Made by ``Speech.open``."""
        self._call = call
        self._guard = guard

    async def write(self, text: str) -> None:
        """More of the reply. It may not complete a clause, so no audio is due for it yet."""
        request = _Request(text=tts_pb2.TextInput(segment_id=SEGMENT, text=text))
        with calling(STAGE), self._guard.offering():
            await self._call.write(request)

    async def end(self) -> None:
        """The reply is complete."""
        self._guard.owe()
        with calling(STAGE):
            await self._call.write(_Request(end=tts_pb2.End()))
            await self._call.done_writing()

    async def header(self) -> tts_pb2.AudioHeader:
        """What the service says of the audio that follows; read once, before ``chunks``."""
        self._guard.owe()
        with calling(STAGE):
            response = await self._guard.read(self._call.read)
        self._guard.settle()
        if response is None or not response.header.sample_rate_hertz:
            raise stream_ended(STAGE)
        return response.header

    async def chunks(self) -> AsyncIterator[tts_pb2.SpeechChunk]:
        """Audio with words and visemes, up to the end of the reply."""
        with calling(STAGE):
            while (response := await self._guard.read(self._call.read)) is not None:
                if response.HasField("chunk"):
                    yield response.chunk


class Speech:
    """Speaks replies in one voice."""

    def __init__(
        self, channel: grpc.aio.Channel, limits: StageLimits, config: talk_pb2.TalkConfig
    ) -> None:
        """Calls over ``channel`` with the voice and format that the talk asks for."""
        self._stub = tts_pb2_grpc.TtsServiceStub(channel)
        self._limits = limits
        self._config = tts_pb2.SynthesisConfig(
            voice=config.voice.name,
            language_code=config.language_code,
            encoding=config.output.audio.encoding,
        )
        if config.voice.HasField("speaking_rate"):
            self._config.speaking_rate = config.voice.speaking_rate
        if config.output.audio.HasField("sample_rate_hertz"):
            self._config.sample_rate_hertz = config.output.audio.sample_rate_hertz

    async def describe(self, timeout: float | None) -> tts_pb2.AudioHeader:
        """The format of the audio, learnt from a speech of no words.

        From then on that format and voice are asked for by name: another replica may have
        others of its own.
        """
        async with self.open(timeout) as call:
            header = await call.header()
            await call.end()
        self._config.voice = header.voice
        self._config.encoding = header.encoding
        self._config.sample_rate_hertz = header.sample_rate_hertz
        return header

    @asynccontextmanager
    async def open(self, timeout: float | None) -> AsyncIterator[SpeechCall]:
        """Begins a reply; leaving the block stops the synthesis."""
        with calling(STAGE):
            method = self._stub.StreamingSynthesize
            async with reached_duplex(STAGE, self._limits.connect, method, timeout) as call:
                await call.write(_Request(config=self._config))
                guard = StallGuard(STAGE, self._limits.first_output, self._limits.gap)
                yield SpeechCall(call, guard)
