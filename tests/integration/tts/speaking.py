"""The requests of a client and what it makes of the answers."""

import asyncio
from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass, field

from linly.tts.v1 import tts_pb2
from linly_mesh.rpc.convert import to_seconds
from linly_mesh.rpc.duplex import open_duplex

Request = tts_pb2.StreamingSynthesizeRequest
Response = tts_pb2.StreamingSynthesizeResponse
FLUSH = Request(flush=tts_pb2.Flush())
CANCEL = Request(cancel=tts_pb2.Cancel())
END = Request(end=tts_pb2.End())


def config(**values: object) -> Request:
    return Request(config=tts_pb2.SynthesisConfig(**values))


def text(value: str, segment_id: str = "s") -> Request:
    return Request(text=tts_pb2.TextInput(segment_id=segment_id, text=value))


@dataclass
class Heard:
    """All answers of a stream, checked for what holds for every stream."""

    header: tts_pb2.AudioHeader
    chunks: list[tts_pb2.SpeechChunk] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def words(self) -> list[tts_pb2.WordTiming]:
        return [word for chunk in self.chunks for word in chunk.words]

    def take(self, response: Response) -> None:
        kind = response.WhichOneof("response")
        self.kinds.append(kind)
        if kind == "chunk":
            self._take_chunk(response.chunk)
        else:
            self.answers.append(response)

    def _take_chunk(self, chunk: tts_pb2.SpeechChunk) -> None:
        assert abs(to_seconds(chunk.offset) - self.seconds) < 1e-6
        width = 2 if self.header.encoding == 1 else 1
        assert len(chunk.audio) % width == 0
        end = self.seconds + len(chunk.audio) / width / self.header.sample_rate_hertz
        for timed in (*chunk.words, *chunk.visemes):
            assert self.seconds - 1e-6 <= to_seconds(timed.offset) < end
        self.seconds = end
        self.chunks.append(chunk)


async def listen(responses: AsyncIterable[Response]) -> Heard:
    heard: Heard | None = None
    async for response in responses:
        if heard is None:
            assert response.WhichOneof("response") == "header"
            heard = Heard(response.header)
        else:
            heard.take(response)
    assert heard is not None
    return heard


async def converse(stub, requests: Iterable[Request]) -> Heard:
    """Writes everything while reading everything."""
    async with duplex(stub) as call:

        async def write() -> None:
            for request in requests:
                await call.write(request)
            await call.done_writing()

        writing = asyncio.create_task(write())
        try:
            return await listen(call)
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)


async def say(stub, value: str, **values: object) -> Heard:
    return await converse(stub, [config(**values), text(value), END])


def duplex(stub):
    return open_duplex(stub.StreamingSynthesize)
