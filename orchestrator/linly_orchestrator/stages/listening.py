"""Speech recognition."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import grpc

from linly.asr.v1 import asr_pb2, asr_pb2_grpc
from linly.common.v1 import common_pb2
from linly.talk.v1 import talk_pb2
from linly_mesh.rpc.convert import to_seconds
from linly_mesh.rpc.duplex import CallEndedError, DuplexCall
from linly_orchestrator import clock
from linly_orchestrator.channel import Channel
from linly_orchestrator.stages.arrivals import Arrival, Arrivals
from linly_orchestrator.stages.errors import (
    StageError,
    StallGuard,
    calling,
    first_stage_error,
    raise_if_cancelled,
    stream_ended,
)
from linly_orchestrator.stages.limits import StageLimits
from linly_orchestrator.stages.reaching import reached_duplex

STAGE = "asr"
_SPARE = 1.0
"""Seconds of audio that may wait beyond those that reaching the recogniser may take; then the
client waits, with all else that it sends."""
_RETRY = 1.0
"""Seconds of audio that are passed over after a failure: one failed turn, not fifty."""

_Request = asr_pb2.StreamingRecognizeRequest
_Response = asr_pb2.StreamingRecognizeResponse
_Event = asr_pb2.SpeechEvent


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that the recogniser said, or its failure."""

    response: _Response | None = None
    """As it came."""
    error: StageError | None = None
    """Why it came to nothing."""


class Listening:
    """The ear of one talk: opened with the first audio, and anew after a failure."""

    def __init__(
        self, channel: grpc.aio.Channel, limits: StageLimits, config: talk_pb2.TalkConfig
    ) -> None:
        """Listens as the talk asks."""
        self._limits = limits
        self._stub = asr_pb2_grpc.AsrServiceStub(channel)
        audio = config.audio_input
        # always with interim results: one of stability 1 lets the reply be prepared early
        self._config = asr_pb2.RecognitionConfig(
            encoding=audio.encoding,
            sample_rate_hertz=audio.sample_rate_hertz,
            language_code=config.language_code,
            interim_results=True,
        )
        if audio.HasField("endpointing"):
            self._config.endpointing.CopyFrom(audio.endpointing)
        sample_bytes = 2 if audio.encoding == common_pb2.AUDIO_ENCODING_LINEAR16 else 1
        self._bytes_per_second = sample_bytes * audio.sample_rate_hertz
        self._outgoing: Channel[Arrival] = Channel(limits.connect + _SPARE, self._seconds)
        self._said_end = False
        self._in_utterance = False
        self._forgiven = False
        self.arrivals = Arrivals(self._bytes_per_second)

    async def hear(self, audio: bytes) -> None:
        """More audio; waits while the recogniser does not keep up."""
        await self._outgoing.put(Arrival(_Request(audio=audio), clock.now()))

    async def flush(self) -> None:
        """The person's turn is over."""
        await self._outgoing.put(Arrival(_Request(flush=asr_pb2.Flush()), clock.now()))

    def close(self) -> None:
        """No more audio comes."""
        self._outgoing.close()

    async def run(self, tell: Callable[[Heard], None], timeout: Callable[[], float | None]) -> None:
        """Tells what is heard until closed. A failure is told and ends that call only."""
        begin: list[Arrival] = []
        deaf_until = 0.0
        while True:
            raise_if_cancelled()
            if not any(arrival.is_flush for arrival in begin):
                arrival = await self._outgoing.get()
                if arrival is None:
                    return
                if arrival.is_flush and not begin:
                    deaf_until = 0.0  # the turn is over whose failure has been told
                    continue
                if arrival.when < deaf_until:
                    continue
                begin.append(arrival)
            self.arrivals = Arrivals(self._bytes_per_second)
            try:
                with calling(STAGE):
                    async with reached_duplex(
                        STAGE, self._limits.connect, self._stub.StreamingRecognize, timeout()
                    ) as call:
                        await self._listen(call, begin, tell)
                begin = []
            except* StageError as failures:
                error = first_stage_error(failures)
                if self._was_at_rest(error):
                    begin = self.arrivals.unheard()
                else:
                    flushed = self.arrivals.flush is not None
                    deaf_until = 0.0 if flushed else clock.now() + _RETRY
                    begin, self._in_utterance = [], False
                    tell(Heard(error=error))

    def _was_at_rest(self, error: StageError) -> bool:
        """Whether the call ended between two utterances, so that nothing is lost with it.

        A server that drains says so; but what a server says while its client still writes can get
        lost on the way through proxies. That is forgiven once, until it is heard from again.
        """
        forgivable = error.lost and not self._forgiven
        self._forgiven |= error.lost
        return (error.draining or forgivable) and not self._in_utterance

    async def _listen(
        self,
        call: DuplexCall[_Request, _Response],
        begin: Sequence[Arrival],
        tell: Callable[[Heard], None],
    ) -> None:
        guard = StallGuard(STAGE, self._limits.first_output, self._limits.gap)
        self._said_end = False
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(self._write(call, begin, guard))
            try:
                with calling(STAGE):
                    while (response := await guard.read(call.read)) is not None:
                        self._forgiven = False
                        self._expect(response, guard)
                        tell(Heard(response=response))
                    if not self._said_end:
                        raise stream_ended(STAGE)
            finally:
                writer.cancel()

    async def _write(
        self, call: DuplexCall[_Request, _Response], begin: Sequence[Arrival], guard: StallGuard
    ) -> None:
        with calling(STAGE):
            await call.write(_Request(config=self._config))
            for arrival in begin:
                await self._pass_on(arrival, call, guard)
            async for arrival in self._outgoing:
                await self._pass_on(arrival, call, guard)
            guard.owe()
            self._said_end = True  # its answer may be here before the write returns
            with suppress(CallEndedError):
                await call.write(_Request(end=asr_pb2.End()))
                await call.done_writing()

    async def _pass_on(
        self, arrival: Arrival, call: DuplexCall[_Request, _Response], guard: StallGuard
    ) -> None:
        self.arrivals.record(arrival)
        if arrival.is_flush:
            guard.owe()
        with guard.offering():
            await call.write(arrival.request)

    def _expect(self, response: _Response, guard: StallGuard) -> None:
        # In silence the recogniser owes nothing; after the end of an utterance, its transcript.
        event = response.speech_event
        if event.type == _Event.TYPE_SPEECH_BEGIN:
            self._in_utterance = True
        elif event.type == _Event.TYPE_SPEECH_END:
            self.arrivals.heard(to_seconds(event.detection_offset))
            guard.owe()
        elif response.HasField("flushed") or response.result.is_final:
            guard.settle()
            self._in_utterance = False

    def _seconds(self, arrival: Arrival) -> float:
        return len(arrival.request.audio) / self._bytes_per_second
