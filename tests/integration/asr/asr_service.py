"""How the tests talk to the service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from linly.asr.v1 import asr_pb2, asr_pb2_grpc
from linly.common.v1 import common_pb2
from linly_asr.engines.pocketsphinx.engine import PocketsphinxEngine
from linly_mesh.rpc.duplex import DuplexCall, open_duplex

Request = asr_pb2.StreamingRecognizeRequest
Response = asr_pb2.StreamingRecognizeResponse

LINEAR16 = {"encoding": common_pb2.AUDIO_ENCODING_LINEAR16, "sample_rate_hertz": 16_000}
"""A config that every engine can serve."""


def config(**fields: Any) -> Request:
    """The first message: LINEAR16 at 16 kHz, unless ``fields`` say otherwise."""
    return Request(config=asr_pb2.RecognitionConfig(**LINEAR16 | fields))


@dataclass(frozen=True)
class Service:
    """A running service and what is behind it."""

    stub: asr_pb2_grpc.AsrServiceStub
    engine: PocketsphinxEngine
    address: str

    @asynccontextmanager
    async def call(self, **fields: Any) -> AsyncIterator[DuplexCall[Request, Response]]:
        """A stream whose config has been sent."""
        async with open_duplex(self.stub.StreamingRecognize) as call:
            await call.write(config(**fields))
            yield call

    async def recognize(self, audio: bytes, **fields: Any) -> list[Response]:
        """All that a stream of ``audio`` is answered with."""
        async with self.call(**fields) as call, asyncio.TaskGroup() as tasks:
            tasks.create_task(send(call, audio, end=True))
            return [response async for response in call]

    async def transcripts(self, audio: bytes, **fields: Any) -> list[str]:
        """The final transcripts of a stream of ``audio``."""
        return finals(await self.recognize(audio, **fields))

    async def idle(self) -> None:
        """Waits until the engine has nothing left to do."""
        await self.has(active=0, queued=0)

    async def has(self, active: int, queued: int) -> None:
        """Waits until the engine works on so many utterances, and so many more wait."""
        now = self.engine.workload.snapshot()
        while (now.active, now.queued) != (active, queued):
            await asyncio.sleep(0.002)  # counters can only be looked at
            now = self.engine.workload.snapshot()


async def send(
    call: DuplexCall[Request, Response], audio: bytes, *, piece: int = 3200, end: bool = False
) -> None:
    """Writes ``audio`` in messages of ``piece`` bytes."""
    for start in range(0, len(audio), piece):
        await call.write(Request(audio=audio[start : start + piece]))
    if end:
        await call.write(Request(end=asr_pb2.End()))
        await call.done_writing()


def finals(responses: list[Response]) -> list[str]:
    """The likeliest transcript of each final result, in order."""
    results = (r.result for r in responses if r.WhichOneof("response") == "result")
    return [
        result.alternatives[0].transcript if result.alternatives else ""
        for result in results
        if result.is_final
    ]
