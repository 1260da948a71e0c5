"""The gRPC face of speech recognition: it validates, converts and delegates."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from importlib.metadata import version
from typing import Any

import grpc

from linly.asr.v1 import asr_pb2, asr_pb2_grpc
from linly_asr import convert
from linly_asr.arrivals import arrivals
from linly_asr.audio import AudioStream
from linly_asr.config import Settings
from linly_asr.engine import Engine, EngineError, Transcript
from linly_asr.listening import Listener
from linly_asr.recognizer import AudioBlock, EndOfAudio, Flush, Input, Recognizer
from linly_asr.vad import SileroVad
from linly_mesh.errors import ServiceError, invalid_argument
from linly_mesh.rpc.draining import Draining
from linly_mesh.rpc.requests import RequestReader
from linly_mesh.telemetry.stage import StageMetrics

_MAX_AUDIO_BYTES = 1 << 20
_READ_AHEAD_BYTES = 256 << 10
_RETRY_AFTER = 1.0
_Context = grpc.aio.ServicerContext[Any, Any]


class AsrServicer(asr_pb2_grpc.AsrServiceServicer):
    """Serves ``linly.asr.v1.AsrService`` with a loaded engine."""

    def __init__(
        self,
        engine: Engine,
        vad: SileroVad,
        settings: Settings,
        draining: Draining,
        metrics: StageMetrics,
    ) -> None:
        """The engine must have been started; ``draining`` ends streams between utterances."""
        self._metrics = metrics
        self._engine = engine
        self._vad = vad
        self._settings = settings
        self._draining = draining
        self._streams = 0

    async def StreamingRecognize(  # noqa: N802  # the contract's name
        self,
        request_iterator: AsyncIterator[asr_pb2.StreamingRecognizeRequest],
        context: _Context,
    ) -> AsyncIterator[asr_pb2.StreamingRecognizeResponse]:
        """Recognises one stream; see the contract for its life."""
        if self._streams >= self._settings.max_streams:
            raise ServiceError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                "TOO_MANY_STREAMS",
                f"all {self._settings.max_streams} streams are taken",
                retry_after=_RETRY_AFTER,
            )
        self._streams += 1
        try:
            async with aclosing(self._recognize(request_iterator)) as responses:
                async for response in responses:
                    yield response
        except EngineError as error:
            raise ServiceError(
                grpc.StatusCode.UNAVAILABLE, "WORKER_DIED", str(error), retry_after=_RETRY_AFTER
            ) from error
        finally:
            self._streams -= 1

    async def _recognize(
        self, requests: AsyncIterator[asr_pb2.StreamingRecognizeRequest]
    ) -> AsyncGenerator[asr_pb2.StreamingRecognizeResponse, None]:
        reader = RequestReader(requests)
        config = (await reader.config()).config
        wanted = convert.options(config, self._settings, tuple(self._engine.languages))
        recognizer = Recognizer(
            self._engine,
            Listener(self._vad.stream().probability, wanted.endpointing, self._settings.pre_roll),
            interim_results=wanted.interim_results,
            max_alternatives=wanted.max_alternatives,
        )
        async with (
            aclosing(_inputs(reader, wanted)) as inputs,
            aclosing(
                self._draining.until_at_rest(
                    recognizer.run(inputs), lambda: not (recognizer.in_utterance or reader.ended)
                )
            ) as events,
        ):
            async for event in events:
                if isinstance(event, Transcript):
                    self._metrics.gave(event.timing)
                yield convert.response(event, wanted)

    async def GetCapabilities(  # noqa: N802  # the contract's name
        self, request: asr_pb2.GetCapabilitiesRequest, context: _Context
    ) -> asr_pb2.GetCapabilitiesResponse:
        """Describes the service."""
        return convert.capabilities(
            self._engine, version("linly-asr"), self._settings.max_utterance
        )


async def _inputs(
    reader: RequestReader[asr_pb2.StreamingRecognizeRequest], wanted: convert.Options
) -> AsyncGenerator[Input, None]:
    """Checked audio and flushes, in their order; an empty audio message is no audio."""
    audio = AudioStream(wanted.encoding, wanted.sample_rate)
    stamped = arrivals(aiter(reader), _size, _READ_AHEAD_BYTES)
    async with aclosing(stamped) as messages:
        async for received, message in messages:
            if message is None:
                yield EndOfAudio(received)
                return
            kind, request = message
            if kind == "flush":
                yield Flush(audio.duration, received)
                continue
            _check(request.audio, wanted.encoding.sample_width)
            for samples in audio.push(request.audio):
                yield AudioBlock(samples, received)


def _size(message: tuple[str, asr_pb2.StreamingRecognizeRequest]) -> int:
    return message[1].ByteSize()


def _check(audio: bytes, width: int) -> None:
    size = len(audio)
    if size > _MAX_AUDIO_BYTES:
        raise invalid_argument("audio", f"expected at most {_MAX_AUDIO_BYTES} bytes, got {size}")
    if size % width:
        raise invalid_argument("audio", f"expected samples of {width} bytes, got {size} bytes")
