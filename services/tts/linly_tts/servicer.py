"""The contract linly.tts.v1, answered by an engine."""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from importlib.metadata import version
from typing import Any

import grpc

from linly.common.v1 import common_pb2
from linly.tts.v1 import tts_pb2, tts_pb2_grpc
from linly_mesh.errors import ServiceError
from linly_mesh.rpc.convert import to_seconds
from linly_mesh.rpc.requests import RequestReader
from linly_mesh.telemetry.stage import StageMetrics
from linly_mesh.workload import Workload
from linly_tts.engine import Engine, EngineError
from linly_tts.events import Spoken
from linly_tts.messages import ENCODINGS, check_text, header, response, to_manner, to_voice
from linly_tts.session import SpeechSession
from linly_tts.voices import VoiceBook

_Context = grpc.aio.ServicerContext[Any, Any]
_RETRY_AFTER = 1.0
"""Seconds; a reply is spoken in a few."""


class TtsServicer(tts_pb2_grpc.TtsServiceServicer):
    """Validates, converts and delegates."""

    def __init__(
        self,
        engine: Engine,
        engine_name: str,
        voices: VoiceBook,
        workload: Workload,
        metrics: StageMetrics,
        *,
        max_streams: int,
    ) -> None:
        """Speaks with a loaded engine."""
        self._engine = engine
        self._engine_name = engine_name
        self._voices = voices
        self._workload = workload
        self._metrics = metrics
        self._max_streams = max_streams
        self._streams = 0

    async def StreamingSynthesize(  # noqa: N802  # gRPC's name
        self, request_iterator: AsyncIterator[tts_pb2.StreamingSynthesizeRequest], context: _Context
    ) -> AsyncIterator[tts_pb2.StreamingSynthesizeResponse]:
        """Speaks text while it is being written."""
        if self._streams >= self._max_streams:
            raise ServiceError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                "TOO_MANY_STREAMS",
                f"{self._max_streams} streams are open, as many as this service takes",
                retry_after=_RETRY_AFTER,
            )
        self._streams += 1
        try:
            async with aclosing(self._converse(RequestReader(request_iterator))) as responses:
                async for message in responses:
                    yield message
        except EngineError as error:
            raise ServiceError(
                grpc.StatusCode.INTERNAL, "ENGINE_FAILED", f"the engine failed: {error}"
            ) from error
        finally:
            self._streams -= 1

    async def _converse(
        self, requests: RequestReader[tts_pb2.StreamingSynthesizeRequest]
    ) -> AsyncGenerator[tts_pb2.StreamingSynthesizeResponse]:
        manner = to_manner((await requests.config()).config, self._voices)
        session = SpeechSession(self._engine, manner, self._workload)
        yield header(manner)
        listening = asyncio.create_task(_listen(requests, session))
        try:
            async with aclosing(session.events()) as events:
                async for event in events:
                    if isinstance(event, Spoken):
                        self._metrics.gave(event.timing)
                    yield response(event)
        finally:
            listening.cancel()
            await asyncio.wait([listening])

    async def ListVoices(  # noqa: N802  # gRPC's name
        self, request: tts_pb2.ListVoicesRequest, context: _Context
    ) -> tts_pb2.ListVoicesResponse:
        """Lists the voices."""
        voices = self._voices.of_language(request.language_code)
        return tts_pb2.ListVoicesResponse(voices=map(to_voice, voices))

    async def GetCapabilities(  # noqa: N802  # gRPC's name
        self, request: tts_pb2.GetCapabilitiesRequest, context: _Context
    ) -> tts_pb2.GetCapabilitiesResponse:
        """Describes the service."""
        return tts_pb2.GetCapabilitiesResponse(
            service=common_pb2.ServiceInfo(
                name="tts",
                version=version("linly-tts"),
                engine=self._engine_name,
                model=self._engine.model,
                max_concurrency=self._engine.max_concurrency,
            ),
            default_voice=self._voices.default.name,
            encodings=ENCODINGS,
        )


async def _listen_on(
    requests: RequestReader[tts_pb2.StreamingSynthesizeRequest], session: SpeechSession
) -> None:
    """After the end of the text, only reports matter; after half-close there are none."""
    async for kind, request in requests:
        if kind == "progress":
            session.progress(to_seconds(request.progress.offset))
    session.progress(math.inf)


async def _listen(
    requests: RequestReader[tts_pb2.StreamingSynthesizeRequest], session: SpeechSession
) -> None:
    """Hands the client's messages to the session; an error ends the session with it."""
    try:
        async for kind, request in requests:
            if kind == "text":
                check_text(request.text, session.script)
                await session.script.add(request.text.segment_id, request.text.text)
            elif kind == "flush":
                session.script.flush()
            elif kind == "progress":
                session.progress(to_seconds(request.progress.offset))
            else:
                session.cancel()
        session.script.end()
        if session.is_paced:
            await _listen_on(requests, session)
    except Exception as error:  # raised again where the client hears it
        session.fail(error)
