"""A voice that hums: each sentence is a fixed length of sound."""

import asyncio
import math
from collections.abc import AsyncIterator

from fake_stages.clock import Clock

from linly.common.v1 import common_pb2
from linly.tts.v1 import tts_pb2, tts_pb2_grpc
from linly_mesh.errors import ServiceError
from linly_mesh.rpc.convert import to_duration, to_seconds
from linly_mesh.rpc.requests import RequestReader
from linly_mesh.rpc.server import Registration
from linly_mesh.workload import Workload

_Response = tts_pb2.StreamingSynthesizeResponse


class _Pace:
    """How far ahead of the caller a stream may be."""

    def __init__(self, max_ahead: float) -> None:
        self.max_ahead = max_ahead
        self._reported = 0.0
        self._changed = asyncio.Event()

    def report(self, offset: float) -> None:
        self._reported = max(self._reported, offset)
        self._changed.set()

    async def may_make(self, until: float) -> None:
        while until - self._reported > self.max_ahead:
            self._changed.clear()
            await self._changed.wait()


class FakeTts(tts_pb2_grpc.TtsServiceServicer):
    """Speaks a sentence as soon as its full stop or question mark has been written."""

    def __init__(self) -> None:
        self.workload = Workload()
        self.sample_rate = 16_000
        self.chunks_per_sentence = 10
        self.chunk_seconds = 0.02
        self.messages = (1, 1, 4)
        """Chunks in the first, second and every later message of a reply."""
        self.first_chunk = 0.0
        """Seconds from the complete sentence to its first chunk."""
        self.per_chunk = 0.0
        """Seconds from chunk to chunk."""
        self.error: ServiceError | None = None
        self.silent = False
        self.deaf = False
        """Takes no text."""
        self.greets = True
        """Begins with a header."""
        self.ends_after_header = False
        """Ends the stream with OK before any text came."""
        self.configs: list[tts_pb2.SynthesisConfig] = []
        self.made = 0.0
        """Seconds of audio made so far."""
        self.paces = True
        """Knows of ``max_ahead``; a service of the first minor version does not."""
        self.reports = 0
        """Messages ``progress`` that came."""

    @property
    def registration(self) -> Registration:
        return Registration(
            tts_pb2.DESCRIPTOR.services_by_name["TtsService"],
            self,
            tts_pb2_grpc.add_TtsServiceServicer_to_server,
        )

    async def StreamingSynthesize(self, request_iterator, context) -> AsyncIterator[_Response]:
        reader = RequestReader(request_iterator)
        config = (await reader.config()).config
        self.configs.append(config)
        encoding = common_pb2.AUDIO_ENCODING_LINEAR16
        rate = config.sample_rate_hertz or self.sample_rate
        header = tts_pb2.AudioHeader(
            encoding=encoding, sample_rate_hertz=rate, voice=config.voice or "hum"
        )
        pace = _Pace(math.inf)
        if self.paces and config.HasField("max_ahead"):
            header.max_ahead.CopyFrom(config.max_ahead)
            pace = _Pace(to_seconds(config.max_ahead))
        if self.greets:
            yield _Response(header=header)
        if self.ends_after_header:
            return
        if self.deaf:
            await asyncio.Event().wait()
        sentences: asyncio.Queue[tuple[int, int] | None] = asyncio.Queue()
        reading = asyncio.create_task(self._read(reader, sentences, pace))
        offset, sent = 0.0, 0
        try:
            while (sentence := await sentences.get()) is not None:
                if self.error is not None:
                    raise self.error
                if self.silent:
                    await asyncio.Event().wait()
                with self.workload.unit() as unit:
                    unit.begin()
                    async for chunk in self._sentence(sentence, offset, sent, rate, pace):
                        yield _Response(chunk=chunk)
                        sent += 1
                offset += self.chunks_per_sentence * self.chunk_seconds
            if reading.done():
                await reading
        finally:
            reading.cancel()
        yield _Response(finished=tts_pb2.Finished(duration=to_duration(offset)))

    async def _read(self, reader: RequestReader, sentences: asyncio.Queue, pace: _Pace) -> None:
        try:
            text, begin = "", 0
            async for kind, request in reader:
                if kind == "progress":
                    self._report(request, pace)
                if kind != "text":
                    continue
                for character in request.text.text:
                    text += character
                    if character in ".?":
                        sentences.put_nowait((begin, len(text)))
                        begin = len(text)
            if text[begin:].strip():
                sentences.put_nowait((begin, len(text)))
        finally:
            sentences.put_nowait(None)
        if pace.max_ahead < math.inf:
            async for kind, request in reader:
                if kind == "progress":
                    self._report(request, pace)

    def _report(self, request: tts_pb2.StreamingSynthesizeRequest, pace: _Pace) -> None:
        self.reports += 1
        pace.report(to_seconds(request.progress.offset))

    async def _sentence(
        self, code_points: tuple[int, int], begin: float, sent: int, rate: int, pace: _Pace
    ) -> AsyncIterator[tts_pb2.SpeechChunk]:
        clock = Clock()
        done = 0
        duration = self.chunks_per_sentence * self.chunk_seconds
        while done < self.chunks_per_sentence:
            count = min(self.messages[min(sent, 2)], self.chunks_per_sentence - done)
            await pace.may_make(begin + (done + count) * self.chunk_seconds)
            await clock.advance(self.per_chunk * count if done else self.first_chunk)
            samples = round(rate * self.chunk_seconds * count)
            offset = begin + done * self.chunk_seconds
            chunk = tts_pb2.SpeechChunk(audio=b"\x01\x02" * samples, offset=to_duration(offset))
            if done == 0:
                chunk.timing.first_output.CopyFrom(to_duration(self.first_chunk))
                chunk.words.add(
                    segment_id="reply",
                    start_code_point=code_points[0],
                    end_code_point=code_points[1],
                    offset=to_duration(begin),
                    duration=to_duration(duration),
                )
                chunk.visemes.add(
                    viseme=common_pb2.VISEME_AA,
                    offset=to_duration(begin),
                    duration=to_duration(duration),
                )
            self.made += count * self.chunk_seconds
            yield chunk
            done += count
            sent += 1

    async def GetCapabilities(self, request, context) -> tts_pb2.GetCapabilitiesResponse:
        return tts_pb2.GetCapabilitiesResponse(
            service=common_pb2.ServiceInfo(name="tts", version="0.1.0", engine="fake")
        )
