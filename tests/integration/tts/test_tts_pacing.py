"""Speech is made only so far ahead of what its caller has passed on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest

from linly.tts.v1 import tts_pb2
from linly_mesh.rpc.convert import to_duration, to_seconds

from .conftest import Service
from .speaking import CANCEL, END, Heard, Request, config, duplex, listen, say, text

AHEAD = to_duration(0.9)
SENTENCE = "When the tide went out, the old fisherman counted the shells that the sea had left. "


def progress(offset: float) -> Request:
    return Request(progress=tts_pb2.Progress(offset=to_duration(offset)))


class Listener:
    """Hears a paced stream all the time, and says how far it is only when it is told to."""

    def __init__(self, call, group: asyncio.TaskGroup) -> None:
        self.call = call
        self.heard: Heard | None = None
        self._group = group

    async def begin(self, *requests: Request) -> None:
        for request in (config(max_ahead=AHEAD), *requests):
            await self.call.write(request)
        self.heard = Heard((await self.call.read()).header)
        self.listening = self._group.create_task(self._listen())

    async def until_quiet(self) -> float:
        """Seconds that came."""
        seen = -1.0
        while seen != self.heard.seconds:
            seen = self.heard.seconds
            await asyncio.sleep(0.3)
        return self.heard.seconds

    async def _listen(self) -> None:
        async for response in self.call:
            self.heard.take(response)


@asynccontextmanager
async def listener(service: Service) -> AsyncIterator[Listener]:
    async with duplex(service.stub) as call, asyncio.TaskGroup() as group:
        listener = Listener(call, group)
        yield listener
        listener.listening.cancel()


async def test_the_limit_that_is_kept_is_in_the_header(service: Service) -> None:
    assert to_seconds((await say(service.stub, "Hi.", max_ahead=AHEAD)).header.max_ahead) == 0.9
    assert not (await say(service.stub, "Hi.")).header.HasField("max_ahead")


async def test_a_limit_that_is_too_small_is_refused(service: Service) -> None:
    async with duplex(service.stub) as call:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.write(config(max_ahead=to_duration(0.5)))
            await listen(call)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "config.max_ahead" in caught.value.details()


async def test_without_reports_no_more_than_the_limit_is_made(service: Service) -> None:
    async with listener(service) as client:
        await client.begin(text(SENTENCE * 20), END)
        assert 0.4 <= await client.until_quiet() <= 0.9
        assert not service.workload.snapshot().idle  # the rest is still owed
    async with asyncio.timeout(1):
        while not service.workload.snapshot().idle:
            await asyncio.sleep(0.005)


async def test_reports_after_the_end_bring_the_rest_and_it_is_the_same_speech(
    service: Service,
) -> None:
    whole = await say(service.stub, SENTENCE * 3)
    async with duplex(service.stub) as call:
        for request in (config(max_ahead=AHEAD), text(SENTENCE * 3), END):
            await call.write(request)
        heard = Heard((await call.read()).header)
        most = reported = 0.0
        while "finished" not in heard.kinds:
            heard.take(await call.read())
            most = max(most, heard.seconds - reported)
            if heard.seconds - reported >= 0.2:
                reported = heard.seconds
                await call.offer(progress(reported))
    assert most <= 0.9
    assert b"".join(chunk.audio for chunk in heard.chunks) == b"".join(
        chunk.audio for chunk in whole.chunks
    )
    assert heard.words == whole.words
    assert visemes(heard) == visemes(whole)


async def test_a_cancel_is_answered_although_nothing_may_be_made(service: Service) -> None:
    async with listener(service) as client:
        await client.begin(text(SENTENCE * 20))
        before = await client.until_quiet()
        await client.call.write(CANCEL)
        await asyncio.sleep(0.1)
        assert client.heard.kinds[-1] == "cancelled"
        assert client.heard.seconds == before
        assert service.workload.snapshot().idle


async def test_whoever_half_closes_is_not_waited_for(service: Service) -> None:
    heard = await say(service.stub, SENTENCE * 2, max_ahead=AHEAD)
    assert heard.kinds[-1] == "finished"
    assert heard.seconds > 8


def visemes(heard: Heard) -> list[object]:
    return [viseme for chunk in heard.chunks for viseme in chunk.visemes]
