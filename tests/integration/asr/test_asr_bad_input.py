"""Whatever is sent, the sender is told what is wrong and nobody else notices."""

import asyncio
from collections.abc import Callable

import grpc
import numpy as np
import pytest

from linly.asr.v1 import asr_pb2, asr_pb2_grpc
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.convert import to_duration
from linly_mesh.rpc.duplex import DuplexCall, open_duplex
from linly_mesh.rpc.status import bad_request, error_info, from_rpc_error

from .asr_service import Request, Response, Service, config, finals, send

NAN = float("nan")
GOOD = config()
AUDIO = Request(audio=bytes(320))
FLUSH = Request(flush=asr_pb2.Flush())
END = Request(end=asr_pb2.End())

OUT_OF_ORDER = {
    "audio first": [AUDIO],
    "end first": [END],
    "nothing at all": [],
    "a second config": [GOOD, AUDIO, GOOD],
    "an empty message": [GOOD, Request()],
}
BAD_CONFIG = {
    "config.encoding": [{"encoding": 0}, {"encoding": 99}],
    "config.sample_rate_hertz": [
        {"sample_rate_hertz": rate} for rate in (-1, 0, 7999, 48_001, 2**31 - 1)
    ],
    "config.language_code": [{"language_code": code} for code in ("de-DE", "xx", "🙂")],
    "config.max_alternatives": [{"max_alternatives": count} for count in (-1, 0, 31)],
    "config.endpointing.min_speech": [{"endpointing": {"min_speech": to_duration(-1)}}],
    "config.endpointing.end_silence": [
        {"endpointing": {"end_silence": to_duration(seconds)}} for seconds in (-1, 0, 11)
    ],
    "config.endpointing.early_silence": [
        {"endpointing": {"early_silence": to_duration(0.5), "end_silence": to_duration(0.4)}},
        {"endpointing": {"early_silence": to_duration(0)}},
    ],
    "config.endpointing.speech_threshold": [
        {"endpointing": {"speech_threshold": threshold}} for threshold in (-0.1, 1.1, NAN)
    ],
}
BAD_AUDIO = {"odd": bytes(321), "one byte": bytes(1), "more than 1 MiB": bytes((1 << 20) + 2)}


async def refusal(service: Service, *requests: Request) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async with open_duplex(service.stub.StreamingRecognize) as call:
            for request in requests:
                await call.write(request)
            await call.done_writing()
            async for _ in call:
                pass
    return caught.value


def assert_invalid(error: grpc.aio.AioRpcError, field: str) -> None:
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error.details()
    status = from_rpc_error(error, "unknown")
    assert error_info(status).domain == "asr"
    assert [v.field for v in bad_request(status).field_violations] == [field]


@pytest.mark.parametrize("requests", OUT_OF_ORDER.values(), ids=OUT_OF_ORDER)
async def test_the_wrong_order_is_refused(service: Service, requests: list[Request]) -> None:
    error = await refusal(service, *requests)
    assert_invalid(error, "request")
    assert "expected" in error.details()


@pytest.mark.parametrize(
    ("field", "wrong"), [(field, wrong) for field, cases in BAD_CONFIG.items() for wrong in cases]
)
async def test_a_config_that_can_not_be_honoured_is_refused_by_field(
    service: Service, field: str, wrong: dict
) -> None:
    assert_invalid(await refusal(service, config(**wrong)), field)


@pytest.mark.parametrize("audio", BAD_AUDIO.values(), ids=BAD_AUDIO)
async def test_audio_that_is_not_whole_samples_or_too_much_is_refused(
    service: Service, audio: bytes
) -> None:
    assert_invalid(await refusal(service, GOOD, Request(audio=audio)), "audio")


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"",
        lambda: bytes(32_000 * 5),
        lambda: (np.random.default_rng(1).normal(0, 30, 80_000)).astype("<i2").tobytes(),
    ],
    ids=["no audio", "silence", "a quiet room"],
)
async def test_audio_without_speech_gives_no_result(
    service: Service, make: Callable[[], bytes]
) -> None:
    assert await service.recognize(make(), interim_results=True) == []


async def test_a_client_that_forgets_to_half_close_is_answered(service: Service) -> None:
    async with open_duplex(service.stub.StreamingRecognize) as call:
        for request in (GOOD, AUDIO, FLUSH, END):
            await call.write(request)
        assert len([response async for response in call]) == 1


async def test_loud_noise_is_no_error(service: Service) -> None:
    noise = np.random.default_rng(2).normal(0, 8000, 160_000).clip(-32768, 32767)
    responses = await service.recognize(noise.astype("<i2").tobytes())
    assert all(r.result.utterance_id for r in responses if r.result.is_final)


@pytest.mark.parametrize("language", ["", "en", "en-US", "EN-us"])
async def test_english_goes_by_several_names(service: Service, language: str) -> None:
    assert await service.recognize(b"", language_code=language) == []


async def test_an_empty_audio_message_is_no_audio(service: Service, question: bytes) -> None:
    async with service.call() as call:
        await call.write(Request(audio=b""))
        await send(call, question, end=True)
        assert finals([r async for r in call]) == ["what is the capital of france"]


async def test_one_stream_too_many_is_refused_at_the_door(service: Service) -> None:
    calls = [await open_call(service) for _ in range(4)]
    try:
        error = await refusal(service, GOOD)
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        status = from_rpc_error(error, "unknown")
        assert error_info(status).reason == "TOO_MANY_STREAMS"
        assert any("RetryInfo" in detail.type_url for detail in status.details)
    finally:
        for call in calls:
            call.cancel()


async def open_call(service: Service) -> grpc.aio.StreamStreamCall:
    call = service.stub.StreamingRecognize()
    await call.initial_metadata()
    await call.write(GOOD)
    await call.write(FLUSH)
    await call.read()
    return call


async def test_bad_input_in_the_middle_of_speech_disturbs_nobody(
    service: Service, question: bytes
) -> None:
    async with service.call() as patient:
        await send(patient, question[:48_000])
        await patient.read()
        async with service.call() as bad:
            await send(bad, question[:48_000])
            await bad.read()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await bad.write(Request(audio=b"odd"))
                async for _ in bad:
                    pass
            assert_invalid(caught.value, "audio")
        await send(patient, question[48_000:], end=True)
        assert finals([r async for r in patient]) == ["what is the capital of france"]
    await asyncio.wait_for(service.idle(), 3)


async def test_a_flood_of_speech_is_held_back_and_starves_nobody(
    service: Service, question: bytes
) -> None:
    written = 0

    async def flood(call: DuplexCall[Request, Response]) -> None:
        nonlocal written
        while True:
            await send(call, question[:68_000])
            written += 68_000

    async with service.call(interim_results=True) as never_read:
        flooding = asyncio.create_task(flood(never_read))
        assert await service.transcripts(question) == ["what is the capital of france"]
        assert written < 4 << 20  # two minutes of audio: it passes as fast as it is decoded
        never_read.cancel()
        await asyncio.wait([flooding])
    await asyncio.wait_for(service.idle(), 3)


async def test_a_client_that_vanishes_in_the_middle_of_a_word_leaves_nothing(
    service: Service, question: bytes
) -> None:
    channel = open_channel(service.address)
    call = asr_pb2_grpc.AsrServiceStub(channel).StreamingRecognize()
    await call.initial_metadata()
    await call.write(config(interim_results=True))
    await call.write(Request(audio=question[:40_000]))
    await call.read()
    assert (await call.read()).HasField("result")
    await channel.close()
    await asyncio.wait_for(service.idle(), 3)
