"""What a caller of the service does, in short."""

import asyncio
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.rpc.status_pb2 import Status

from linly.llm.v1 import llm_pb2, llm_pb2_grpc
from linly_llm.engine import Engine
from linly_mesh.rpc.status import from_rpc_error

Call = grpc.aio.UnaryStreamCall[llm_pb2.GenerateRequest, llm_pb2.GenerateResponse]
SYSTEM = "You are a helpful assistant. Answer in one short sentence."


def request(*texts: str, system: str = "", **fields: Any) -> llm_pb2.GenerateRequest:
    """The person says ``texts``."""
    messages = [llm_pb2.Message(role=llm_pb2.ROLE_USER, content=text) for text in texts]
    if system:
        messages.insert(0, llm_pb2.Message(role=llm_pb2.ROLE_SYSTEM, content=system))
    return llm_pb2.GenerateRequest(**{"messages": messages, **fields})


def greedy() -> llm_pb2.Sampling:
    return llm_pb2.Sampling(temperature=0)


@dataclass(frozen=True)
class Reply:
    """A whole reply."""

    deltas: list[llm_pb2.Delta]
    finished: llm_pb2.Finished

    @property
    def text(self) -> str:
        return "".join(delta.text for delta in self.deltas)


class Service:
    """A running service and a channel to it."""

    def __init__(self, channel: grpc.aio.Channel, engine: Engine) -> None:
        self.stub = llm_pb2_grpc.LlmServiceStub(channel)
        self.engine = engine

    def call(self, *texts: str, **fields: Any) -> Call:
        return self.stub.Generate(request(*texts, **fields))

    async def reply(self, *texts: str, **fields: Any) -> Reply:
        """Reads a reply and checks its order: deltas, then exactly one end."""
        responses = [response async for response in self.call(*texts, **fields)]
        kinds = [response.WhichOneof("response") for response in responses]
        assert kinds == ["delta"] * (len(kinds) - 1) + ["finished"]
        return Reply([r.delta for r in responses[:-1]], responses[-1].finished)

    async def refusal(self, message: llm_pb2.GenerateRequest) -> Status:
        """The status of a request that must fail."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in self.stub.Generate(message):
                pass
        return from_rpc_error(caught.value, "llm")

    async def idle(self) -> None:
        """Returns when the engine counts nothing any more."""
        async with asyncio.timeout(10):
            while not self.engine.workload.snapshot().idle:
                await asyncio.sleep(0.002)
