import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import grpc
import numpy as np
import pytest

from linly.tts.v1 import tts_pb2
from linly_mesh.rpc.status import bad_request, error_info, from_rpc_error
from linly_tts.engine import EngineError, Speech, Viseme, VisemeSpan, Voice

from .conftest import MAX_STREAMS, Service, serving
from .speaking import (
    CANCEL,
    END,
    FLUSH,
    Heard,
    Request,
    config,
    converse,
    duplex,
    listen,
    say,
    text,
)

INVALID = grpc.StatusCode.INVALID_ARGUMENT


async def failure(service: Service, requests: list[Request]) -> tuple[grpc.aio.AioRpcError, str]:
    """The error of a stream, and the field that it names."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await converse(service.stub, requests)
    status = from_rpc_error(caught.value, "tts")
    info, violations = error_info(status), bad_request(status)
    assert info is not None
    assert info.domain == "tts"
    assert info.reason
    return caught.value, violations.field_violations[0].field if violations else ""


@pytest.mark.parametrize(
    ("requests", "field"),
    [
        ([], "request"),
        ([text("no config")], "request"),
        ([Request()], "request"),
        ([END], "request"),
        ([config(), config()], "request"),
        ([config(), text("hello"), Request()], "request"),
        ([config(voice="nobody"), END], "config.voice"),
        ([config(voice="en-us\x00"), END], "config.voice"),
        ([config(voice="../../../etc/passwd"), END], "config.voice"),
        ([config(language_code="xx-YY"), END], "config.language_code"),
        ([config(voice="cmn", language_code="de"), END], "config.language_code"),
        ([config(speaking_rate=0.24), END], "config.speaking_rate"),
        ([config(speaking_rate=0.0), END], "config.speaking_rate"),
        ([config(speaking_rate=4.01), END], "config.speaking_rate"),
        ([config(speaking_rate=-1.0), END], "config.speaking_rate"),
        ([config(speaking_rate=float("nan")), END], "config.speaking_rate"),
        ([config(speaking_rate=float("inf")), END], "config.speaking_rate"),
        ([config(encoding=99), END], "config.encoding"),
        ([config(sample_rate_hertz=7_999), END], "config.sample_rate_hertz"),
        ([config(sample_rate_hertz=48_001), END], "config.sample_rate_hertz"),
        ([config(sample_rate_hertz=0), END], "config.sample_rate_hertz"),
        ([config(sample_rate_hertz=-1), END], "config.sample_rate_hertz"),
        ([config(), text("a" * 100_001), END], "text.text"),
        ([config(), text(" " * 99_999), text("ab"), END], "text.text"),
        ([config(), text("hello", "s" * 257), END], "text.segment_id"),
        ([config(), *(text("", str(n)) for n in range(10_001)), END], "text.segment_id"),
    ],
)
async def test_bad_input_is_refused_by_field(
    service: Service, requests: list[Request], field: str
) -> None:
    error, violated = await failure(service, requests)
    assert (error.code(), violated) == (INVALID, field)
    assert service.workload.snapshot().idle


@pytest.mark.parametrize(
    "value", ["", " \n\t ", "😀👍🏽❤️👩‍👩‍👧", "...", "\x00\x07\x1b\x7f", "\u200b\u202e", "﷽"]
)
async def test_text_without_a_sound_is_silence_and_no_error(service: Service, value: str) -> None:
    heard = await say(service.stub, value)
    assert heard.kinds == ["finished"]
    assert not heard.answers[0].finished.duration.ToNanoseconds()


async def test_no_text_at_all_finishes(service: Service) -> None:
    assert (await converse(service.stub, [config(), END])).kinds == ["finished"]
    assert (await converse(service.stub, [config()])).kinds == ["finished"]
    answers = await converse(service.stub, [config(), FLUSH, CANCEL, END])
    assert answers.kinds == ["flushed", "cancelled", "finished"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("Hi 😀 there 👩‍👩‍👧 you", ["Hi", "there", "you"]),
        ("nul\x00 bell\x07 and\x1b esc", ["nul", "bell", "and", "esc"]),
        ("the word 你好 is Chinese", ["the", "word", "你好", "is", "Chinese"]),
        ("cafe\u0301 naïve 𝔸bc", ["cafe\u0301", "naïve", "𝔸bc"]),
    ],
)
async def test_odd_text_is_spoken_and_positions_stay_true(
    service: Service, value: str, words: list[str]
) -> None:
    heard = await say(service.stub, value)
    assert [value[w.start_code_point : w.end_code_point] for w in heard.words] == words


async def test_a_hundred_thousand_characters_are_spoken(service: Service) -> None:
    sentence = "All work and no play makes Jack a dull boy. "
    value = (sentence + " " * 1000) * 95
    value += "." * (100_000 - len(value))
    heard = await say(service.stub, value, speaking_rate=4.0, sample_rate_hertz=8_000)
    assert len(heard.words) == 95 * 10
    assert heard.words[-1].end_code_point == value.rindex("boy") + 3


async def test_a_client_that_stops_reading_stops_the_synthesis(service: Service) -> None:
    before = service.workload.snapshot()
    async with duplex(service.stub) as call:
        await call.write(config())
        await call.write(text("A sentence of some two seconds and a bit. " * 2_000))
        assert (await call.read()).WhichOneof("response") == "header"
        finished = -1
        while finished != service.workload.snapshot().finished_total:
            finished = service.workload.snapshot().finished_total
            await asyncio.sleep(0.2)
        spoken = finished - before.finished_total
        assert spoken < 10, "an hour of speech was asked for"
        assert (await say(service.stub, "The others are served.")).words
    await idle(service)


async def test_a_client_that_vanishes_stops_the_synthesis(service: Service) -> None:
    async with duplex(service.stub) as call:
        await call.write(config())
        await call.write(text("A sentence of some two seconds and a bit. " * 200))
        heard = Heard((await call.read()).header)
        heard.take(await call.read())
        call.cancel()
    await idle(service)
    assert service.workload.snapshot().cancelled_total > 0


async def test_more_streams_than_the_service_takes_are_refused(service: Service) -> None:
    async with asyncio.TaskGroup() as group:
        release = asyncio.Event()
        opened = asyncio.Semaphore(0)

        async def hold() -> None:
            async with duplex(service.stub) as call:
                await call.write(config())
                await call.read()
                opened.release()
                await release.wait()

        for _ in range(MAX_STREAMS):
            group.create_task(hold())
        for _ in range(MAX_STREAMS):
            await opened.acquire()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await say(service.stub, "One too many.")
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        status = from_rpc_error(caught.value, "tts")
        assert error_info(status).reason == "TOO_MANY_STREAMS"
        assert any(d.type_url.endswith("RetryInfo") for d in status.details)
        assert (await service.stub.ListVoices(tts_pb2.ListVoicesRequest())).voices
        release.set()
    async with asyncio.timeout(5):
        while True:
            try:
                assert (await say(service.stub, "Room again.")).words
                break
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.01)


async def test_bad_input_disturbs_nobody_else(service: Service) -> None:
    story = "The quick brown fox jumps over the lazy dog. " * 5
    good = asyncio.create_task(say(service.stub, story))
    for _ in range(5):
        await failure(service, [config(), text("x" * 100_001)])
        await failure(service, [config(voice="nobody")])
    assert len((await good).words) == 45


class Fragile:
    """An engine that fails on one word."""

    model, max_concurrency = "fragile", 1
    voices = (Voice("en-us", ("en-US",), 8_000),)

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    async def synthesize(
        self, text: str, voice: Voice, rate: float, piece: float, begin: Callable[[], None]
    ) -> AsyncGenerator[Speech]:
        begin()
        if "crash" in text:
            raise EngineError("the library crashed")
        yield Speech(np.zeros(800, np.int16), (), (VisemeSpan(Viseme.SIL, 0, 800),))


async def test_a_failure_of_the_engine_fails_its_stream_alone(tmp_path: Path) -> None:
    async with serving(Fragile(), tmp_path) as service:
        async with duplex(service.stub) as other:
            await other.write(config())
            await other.write(text("One. "))
            async with duplex(service.stub) as failing:  # which its client leaves open
                await failing.write(config())
                await failing.write(text("Fine. Now crash! "))
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await listen(failing)
            assert caught.value.code() is grpc.StatusCode.INTERNAL
            assert error_info(from_rpc_error(caught.value, "tts")).reason == "ENGINE_FAILED"
            await other.write(text("Two."))
            await other.write(END)
            await other.done_writing()
            heard = Heard((await other.read()).header)
            while "finished" not in heard.kinds:
                heard.take(await other.read())
        assert heard.seconds == pytest.approx(0.2)
        assert service.workload.snapshot().failed_total == 1


async def idle(service: Service) -> None:
    async with asyncio.timeout(1):
        while not service.workload.snapshot().idle:
            await asyncio.sleep(0.005)
