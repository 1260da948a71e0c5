"""The language model at work on several requests at once."""

import asyncio
from dataclasses import dataclass
from time import perf_counter as now

from linly.llm.v1 import llm_pb2, llm_pb2_grpc
from linly_mesh.rpc.channel import open_channel

_TOKENS = 64
_REPEAT_ALONE = 2
"""Requests one after the other when only one runs at a time, so that one odd one is not all."""
_TOPICS = ("the sea", "a forest", "the moon", "a city", "a horse", "the rain", "a king", "a ship")


@dataclass(frozen=True, slots=True)
class Generation:
    """What a number of concurrent requests gave."""

    rate: float
    """Tokens per second of all together."""
    first_tokens: list[float]
    """Seconds to the first text of each, as its client sees it."""


@dataclass(frozen=True, slots=True)
class _Reply:
    first_token: float
    tokens: int


async def generate(target: str, requests: int) -> Generation:
    """Asks for ``requests`` long replies at once, each to another prompt, greedily."""
    async with open_channel(target) as channel:
        stub = llm_pb2_grpc.LlmServiceStub(channel)
        begin = now()
        replies: list[_Reply] = []
        for _ in range(_REPEAT_ALONE if requests == 1 else 1):
            topics = _TOPICS[:requests]
            replies += await asyncio.gather(*(_reply(stub, topic) for topic in topics))
        rate = sum(reply.tokens for reply in replies) / (now() - begin)
    return Generation(rate, [reply.first_token for reply in replies])


async def _reply(stub: llm_pb2_grpc.LlmServiceStub, topic: str) -> _Reply:
    prompt = llm_pb2.Message(
        role=llm_pb2.ROLE_USER, content=f"Write a long and detailed story about {topic}."
    )
    request = llm_pb2.GenerateRequest(
        messages=[prompt], sampling=llm_pb2.Sampling(temperature=0), max_new_tokens=_TOKENS
    )
    begin, first = now(), None
    tokens = 0
    async for response in stub.Generate(request):
        if response.HasField("delta") and first is None:
            first = now() - begin
        tokens = response.finished.usage.completion_tokens
    return _Reply(first if first is not None else now() - begin, tokens)
