"""Who is gone costs nothing; who comes too many is told so."""

import asyncio
import threading

import grpc
import pytest
from google.rpc.code_pb2 import RESOURCE_EXHAUSTED

from linly_llm.engines.transformers import sampling
from linly_mesh.rpc.status import error_info

from .llm_service import request


async def cancelled_of(service, act) -> int:
    before = service.engine.workload.snapshot().cancelled_total
    await act
    await service.idle()
    return service.engine.workload.snapshot().cancelled_total - before


async def test_a_cancelled_reply_leaves_the_model(tiny):
    async def act() -> None:
        call = tiny.call("hi", max_new_tokens=400)
        await call.read()
        call.cancel()

    assert await cancelled_of(tiny, act()) == 1


async def test_cancels_at_any_moment_lose_nothing(tiny):
    async def one(steps: int) -> None:
        call = tiny.call("hi", max_new_tokens=400)
        for _ in range(steps):
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call.read()

    for steps in range(40):
        await one(steps)
    await tiny.idle()
    assert len((await tiny.reply("hi", max_new_tokens=10)).text) == 10


async def test_a_deadline_stops_the_model(tiny):
    async def act() -> None:
        call = tiny.stub.Generate(request("hi", max_new_tokens=450), timeout=0.15)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in call:
                pass
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED

    assert await cancelled_of(tiny, act()) == 1


@pytest.fixture
def gate(monkeypatch):
    """While it is closed, the model stands still."""
    gate, choose = threading.Event(), sampling.choose

    def wait_and_choose(*arguments) -> int:
        gate.wait(30)
        return choose(*arguments)

    monkeypatch.setattr(sampling, "choose", wait_and_choose)
    yield gate
    gate.set()


async def test_a_full_queue_refuses_and_says_when_to_come_again(tiny, gate):
    calls = [asyncio.create_task(tiny.reply("hi", max_new_tokens=5)) for _ in range(5)]
    async with asyncio.timeout(10):
        while (load := tiny.engine.workload.snapshot()).active < 3 or load.queued < 2:
            await asyncio.sleep(0.001)

    status = await tiny.refusal(request("hi"))

    assert status.code == RESOURCE_EXHAUSTED
    assert error_info(status).reason == "QUEUE_FULL"
    assert any(detail.type_url.endswith("RetryInfo") for detail in status.details)
    gate.set()
    replies = await asyncio.gather(*calls)
    assert [reply.finished.usage.completion_tokens for reply in replies] == [5] * 5
