"""Speech synthesis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from linly.talk.v1 import talk_pb2
from linly.tts.v1 import tts_pb2, tts_pb2_grpc
from linly_mesh.rpc.convert import to_duration, to_seconds
from linly_mesh.rpc.duplex import DuplexCall
from linly_orchestrator.stages.errors import StallGuard, calling, stream_ended
from linly_orchestrator.stages.limits import StageLimits
from linly_orchestrator.stages.reaching import reached_duplex

STAGE = "tts"
SEGMENT = "reply"
"""A reply is one segment, so that words count code points in the whole of it."""
MAX_AHEAD = 0.85
"""Seconds of speech to be made beyond what the client has taken, if it does not say how many."""
LEAST_AHEAD = 0.85
"""Seconds; the contract's."""
REPORT = 0.2
"""Seconds of speech after which the service is told again how far it was taken. Each report costs
a message, and the contract asks for one as often as this."""
_SLACK = 0.7
"""Seconds of what it may make that the service may leave, counted from the beginning of its last
chunk: it makes half a second at a time, and holds back what would be too little for a chunk."""

_Request = tts_pb2.StreamingSynthesizeRequest
_Response = tts_pb2.StreamingSynthesizeResponse


class SpeechCall:
    """One reply being spoken."""

    def __init__(
        self, call: DuplexCall[_Request, _Response], guard: StallGuard, max_ahead: float
    ) -> None:
        """Made by ``Speech.open``."""
        self._call = call
        self._guard = guard
        self._max_ahead = max_ahead
        self._greeted = asyncio.Event()
        self._paced = False
        self._writing = asyncio.Lock()  # gRPC takes one write of a call at a time
        self._complete = False
        self._received = 0.0
        self._passed_on = 0.0

    async def write(self, text: str) -> None:
        """More of the reply. It may not complete a clause, so no audio is due for it yet."""
        request = _Request(text=tts_pb2.TextInput(segment_id=SEGMENT, text=text))
        with calling(STAGE), self._guard.offering():
            async with self._writing:
                await self._call.write(request)

    async def end(self) -> None:
        """The reply is complete."""
        self._complete = True
        self._account()
        with calling(STAGE):
            async with self._writing:
                await self._call.write(_Request(end=tts_pb2.End()))
            await self._greeted.wait()
            if not self._paced:
                await self._call.done_writing()

    async def passed_on(self, offset: float) -> None:
        """The client has taken the reply up to ``offset`` seconds; more may be made."""
        if not self._paced:
            return
        self._passed_on = offset
        self._account()
        progress = tts_pb2.Progress(offset=to_duration(offset))
        async with self._writing:
            await self._call.offer(_Request(progress=progress))

    async def header(self) -> tts_pb2.AudioHeader:
        """What the service says of the audio that follows; read once, before ``chunks``."""
        self._guard.owe()
        with calling(STAGE):
            response = await self._guard.read(self._call.read)
        if response is None or not response.header.sample_rate_hertz:
            raise stream_ended(STAGE)
        self._paced = response.header.HasField("max_ahead")
        self._greeted.set()
        self._account()
        return response.header

    async def chunks(self) -> AsyncIterator[tts_pb2.SpeechChunk]:
        """Audio with words and visemes, up to the end of the reply."""
        with calling(STAGE):
            while (response := await self._guard.read(self._call.read)) is not None:
                if response.HasField("chunk"):
                    self._received = to_seconds(response.chunk.offset)
                    self._account()
                    yield response.chunk

    def _account(self) -> None:
        """Audio is due once the text is complete, unless the service has made all it may."""
        allowed = self._passed_on + self._max_ahead - _SLACK
        if self._complete and (not self._paced or self._received <= allowed):
            self._guard.owe()
        else:
            self._guard.settle()


class Speech:
    """Speaks replies in one voice."""

    def __init__(
        self, channel: grpc.aio.Channel, limits: StageLimits, config: talk_pb2.TalkConfig
    ) -> None:
        """Calls over ``channel`` with the voice and format that the talk asks for."""
        self._stub = tts_pb2_grpc.TtsServiceStub(channel)
        self._limits = limits
        asked = config.HasField("max_ahead")
        self._max_ahead = to_seconds(config.max_ahead) if asked else MAX_AHEAD
        self._config = tts_pb2.SynthesisConfig(
            voice=config.voice.name,
            language_code=config.language_code,
            encoding=config.output.audio.encoding,
            max_ahead=to_duration(self._max_ahead),
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
                yield SpeechCall(call, guard, self._max_ahead)
