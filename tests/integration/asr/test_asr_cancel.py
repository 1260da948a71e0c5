"""What is no longer wanted is no longer worked on, and what breaks is replaced."""

import asyncio

import grpc
import psutil
import pytest

from linly_mesh.rpc.status import error_info, from_rpc_error

from .asr_service import Request, Service, config, send

PATIENCE = 3.0
"""Seconds; it takes 20 ms, and much longer where other tests keep all cores busy."""


def decoders() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [p for p in children if any("pocketsphinx" in word for word in p.cmdline())]


async def test_cancelling_in_the_middle_of_a_word_idles_the_engine(
    service: Service, question: bytes
) -> None:
    await asyncio.wait_for(service.idle(), PATIENCE)
    before = service.engine.workload.snapshot()
    for _ in range(5):
        async with service.call(interim_results=True) as call:
            await send(call, question[:40_000])
            await call.read()
            assert (await call.read()).HasField("result")
        await asyncio.wait_for(service.idle(), PATIENCE)
    after = service.engine.workload.snapshot()
    assert after.cancelled_total - before.cancelled_total == 5
    assert after.finished_total == before.finished_total


async def test_cancelling_while_waiting_for_a_decoder_gives_up_the_place(
    service: Service, question: bytes
) -> None:
    async with service.call() as first, service.call() as second, service.call() as third:
        for call in (first, second, third):
            await send(call, question[:32_000])
            await call.read()
        await asyncio.wait_for(service.has(active=2, queued=1), 30)
        third.cancel()
        await asyncio.wait_for(service.has(active=2, queued=0), PATIENCE)
    await asyncio.wait_for(service.idle(), PATIENCE)


async def test_a_call_whose_deadline_is_over_idles_the_engine(
    service: Service, question: bytes
) -> None:
    call = service.stub.StreamingRecognize(timeout=2)
    await call.write(config())
    await call.write(Request(audio=question[:40_000]))
    await call.read()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
        await call.read()
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(service.idle(), PATIENCE)


async def test_a_silent_stream_holds_no_decoder(service: Service, question: bytes) -> None:
    async with service.call() as one, service.call() as two:
        await send(one, bytes(32_000))
        await send(two, bytes(32_000))
        assert service.engine.workload.snapshot().idle
        assert await service.transcripts(question) == ["what is the capital of france"]


async def test_a_decoder_that_dies_fails_its_own_utterance_and_is_replaced(
    service: Service, question: bytes
) -> None:
    before = service.engine.workload.snapshot()
    async with service.call() as call:
        await send(call, question[:40_000])
        await call.read()
        for process in decoders():
            process.kill()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await send(call, question[40_000:], end=True)
            async for _ in call:
                pass
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert error_info(from_rpc_error(caught.value, "unknown")).reason == "WORKER_DIED"
    await asyncio.wait_for(service.idle(), PATIENCE)
    assert service.engine.workload.snapshot().failed_total - before.failed_total == 1
    assert await service.transcripts(question) == ["what is the capital of france"]


async def test_there_are_never_more_decoders_than_allowed(
    service: Service, questions: dict[str, bytes]
) -> None:
    await asyncio.gather(*(service.transcripts(audio) for audio in list(questions.values())[:4]))
    assert len(decoders()) == 2
