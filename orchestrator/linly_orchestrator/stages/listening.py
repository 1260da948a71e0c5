"""Speech recognition."""

import asyncio
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from linly.asr.v1 import asr_pb2, asr_pb2_grpc
from linly.talk.v1 import talk_pb2
from linly_mesh.rpc.duplex import DuplexCall, open_duplex
from linly_orchestrator.channel import Channel
from linly_orchestrator.stages.errors import (
    StageError,
    StallGuard,
    calling,
    first_stage_error,
    reach,
)
from linly_orchestrator.stages.limits import StageLimits

STAGE = "asr"
_OUTGOING = 8
"""Messages of audio that may wait for the recogniser; then the client waits."""
_RECENT = 25
"""Messages given again to the next recogniser: half a second of 20 ms chunks."""
_REMEMBERED = 4096
"""Arrival times kept: 80 s of 20 ms chunks, more than a recogniser takes to notice an end."""

_RETRY = 1.0
"""Seconds of audio that are passed over after a failure: one failed turn, not fifty."""

_Request = asr_pb2.StreamingRecognizeRequest
_Response = asr_pb2.StreamingRecognizeResponse


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that the recogniser said, or its failure."""

    response: _Response | None = None
    """As it came."""
    error: StageError | None = None
    """Why it came to nothing."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A message for the recogniser and when its cause reached this process."""

    request: _Request
    when: float


class ArrivalTimes:
    """When each part of the audio arrived: maps offsets in it to the clock of this process."""

    def __init__(self, bytes_per_second: int) -> None:
        """For audio of that data rate."""
        self._rate = bytes_per_second
        self._received = 0
        self._ends: deque[float] = deque(maxlen=_REMEMBERED)
        self._times: deque[float] = deque(maxlen=_REMEMBERED)

    @property
    def offset(self) -> float:
        """Seconds of audio received so far."""
        return self._received / self._rate

    def record(self, size: int, when: float) -> None:
        """Another ``size`` bytes arrived at ``when``."""
        self._received += size
        self._ends.append(self.offset)
        self._times.append(when)

    def at(self, offset: float) -> float:
        """When the audio at ``offset`` seconds arrived."""
        index = bisect_left(self._ends, offset)
        return self._times[min(index, len(self._times) - 1)]


class Listening:
    """The ear of one talk: opened with the first audio, and anew after a failure."""

    def __init__(
        self, channel: grpc.aio.Channel, limits: StageLimits, config: talk_pb2.TalkConfig
    ) -> None:
        """Listens as the talk asks."""
        self._channel = channel
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
        sample_bytes = 2 if audio.encoding == 1 else 1
        self._bytes_per_second = sample_bytes * audio.sample_rate_hertz
        self._outgoing: Channel[_Arrival] = Channel(_OUTGOING)
        self._recent: deque[_Arrival] = deque(maxlen=_RECENT)
        self._in_utterance = False
        self.arrivals = ArrivalTimes(self._bytes_per_second)

    async def hear(self, audio: bytes) -> None:
        """More audio; waits while the recogniser does not keep up."""
        await self._outgoing.put(_Arrival(_Request(audio=audio), _now()))

    async def flush(self) -> None:
        """The person's turn is over."""
        await self._outgoing.put(_Arrival(_Request(flush=asr_pb2.Flush()), _now()))

    def close(self) -> None:
        """No more audio comes."""
        self._outgoing.close()

    async def run(self, tell: Callable[[Heard], None], timeout: Callable[[], float | None]) -> None:
        """Tells what is heard until closed. A failure is told and ends that call only."""
        deaf_until = 0.0
        while (first := await self._next()) is not None:
            if first.when < deaf_until:
                continue  # part of the turn whose failure has been told
            self.arrivals = ArrivalTimes(self._bytes_per_second)
            try:
                await reach(self._channel, STAGE, self._limits.connect)
                with calling(STAGE):
                    async with open_duplex(
                        self._stub.StreamingRecognize, timeout=timeout()
                    ) as call:
                        await self._listen(call, first, tell)
            except* StageError as failures:
                error = first_stage_error(failures)
                if self._in_utterance or not error.draining:
                    self._in_utterance = False
                    self._recent.clear()
                    tell(Heard(error=error))
                    deaf_until = _now() + _RETRY

    async def _next(self) -> "_Arrival | None":
        """What to open a call with; a flush that was not answered is reason enough."""
        if any(arrival.request.HasField("flush") for arrival in self._recent):
            return self._recent.pop()
        return await self._outgoing.get()

    async def _listen(
        self,
        call: DuplexCall[_Request, _Response],
        first: "_Arrival",
        tell: Callable[[Heard], None],
    ) -> None:
        await call.write(_Request(config=self._config))
        guard = StallGuard(STAGE, self._limits.first_output, self._limits.gap)
        # After a replacement: what the old recogniser may not have taken up any more.
        replayed, self._recent = self._recent, deque(maxlen=_RECENT)
        for arrival in (*replayed, first):
            await self._pass_on(arrival, call, guard)
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(self._write(call, guard))
            try:
                with calling(STAGE):
                    while (response := await guard.read(call.read)) is not None:
                        self._expect(response, guard)
                        tell(Heard(response=response))
            finally:
                writer.cancel()

    async def _write(self, call: DuplexCall[_Request, _Response], guard: StallGuard) -> None:
        with calling(STAGE):
            async for arrival in self._outgoing:
                await self._pass_on(arrival, call, guard)
            guard.owe()
            await call.write(_Request(end=asr_pb2.End()))
            await call.done_writing()

    async def _pass_on(
        self, arrival: "_Arrival", call: DuplexCall[_Request, _Response], guard: StallGuard
    ) -> None:
        if arrival.request.HasField("flush"):
            guard.owe()
        else:
            self.arrivals.record(len(arrival.request.audio), arrival.when)
        self._recent.append(arrival)
        await call.write(arrival.request)

    def _expect(self, response: _Response, guard: StallGuard) -> None:
        # In silence the recogniser owes nothing; after the end of an utterance, its transcript.
        event = response.speech_event
        if event.type == asr_pb2.SpeechEvent.TYPE_SPEECH_BEGIN:
            self._in_utterance = True
        elif event.type == asr_pb2.SpeechEvent.TYPE_SPEECH_END:
            guard.owe()
        elif response.HasField("flushed") or response.result.is_final:
            guard.settle()
            self._in_utterance = False
            self._recent.clear()


def _now() -> float:
    return asyncio.get_running_loop().time()
