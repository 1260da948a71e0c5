"""Every wrong request gets the right refusal, and disturbs nobody."""

import asyncio
from typing import Any

import cv2
import grpc
import numpy as np
import pytest
import skimage.data

from linly.animator.v1 import animator_pb2 as pb

from .animating import (
    Refusal,
    animate,
    cancel_speech,
    config,
    create_avatar,
    end,
    end_speech,
    refusal,
    speech,
    voice,
)
from .conftest import Service

INVALID = grpc.StatusCode.INVALID_ARGUMENT
SOUND = voice(0.1)


async def refused(service: Service, *requests: pb.StreamingAnimateRequest) -> Refusal:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await animate(service.stub, *requests)
    assert "Traceback" not in (caught.value.details() or "")
    return refusal(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", 127), ("width", 126), ("width", 1026), ("height", 511), ("height", -2),
        ("frame_rate", 9), ("frame_rate", 61), ("codec", 99), ("audio_encoding", 99),
        ("sample_rate_hertz", 0), ("sample_rate_hertz", 7999), ("sample_rate_hertz", 96_000),
    ],
)  # fmt: skip
async def test_a_config_that_can_not_be_met(service: Service, field: str, value: int) -> None:
    expected = Refusal(INVALID, "INVALID_ARGUMENT", f"config.{field}")
    assert await refused(service, config(**{field: value})) == expected


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [speech("a", SOUND)],
        [end()],
        [config(), config()],
        [config(), pb.StreamingAnimateRequest()],
        [config(), speech("a", SOUND), speech("b", SOUND)],
        [config(), speech("a", SOUND), end_speech("b")],
        [config(), speech("a", SOUND), end_speech("a"), speech("a", SOUND)],
        [config(), speech("a", SOUND), end_speech("a"), end_speech("a")],
        [config(), speech("a", SOUND), cancel_speech("a"), speech("a", SOUND)],
        [config(), speech("a", SOUND), end()],
        [config(), speech("a", SOUND)],
    ],
)
async def test_a_wrong_order(service: Service, requests: list[Any]) -> None:
    answer = await refused(service, *requests)
    assert (answer.code, answer.reason) == (INVALID, "OUT_OF_ORDER")


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (speech("a", b"odd"), "speech.audio"),
        (speech("", SOUND), "speech.speech_id"),
        (end_speech(""), "end_speech.speech_id"),
        (speech("a", SOUND, [("AA", 0, 0.1), ("UNSPECIFIED", 0, 1)]), "speech.visemes[1].viseme"),
        (speech("a", SOUND, [("AA", -1, 0.1)]), "speech.visemes[0].offset"),
        (speech("a", SOUND, [("AA", 0, -0.1)]), "speech.visemes[0].duration"),
    ],
)
async def test_a_speech_that_makes_no_sense(
    service: Service, request_: pb.StreamingAnimateRequest, field: str
) -> None:
    assert await refused(service, config(), request_) == Refusal(INVALID, "INVALID_ARGUMENT", field)


async def test_an_unknown_avatar(service: Service) -> None:
    expected = Refusal(grpc.StatusCode.FAILED_PRECONDITION, "AVATAR_UNKNOWN", "config.avatar_id")
    assert await refused(service, config(avatar_id="nobody")) == expected


async def test_one_stream_too_many(service: Service) -> None:
    calls = [service.stub.StreamingAnimate() for _ in range(4)]
    for call in calls:
        await call.write(config())
        assert (await call.read()).WhichOneof("response") == "header"
    answer = await refused(service, config(), end())
    assert (answer.code, answer.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "BUSY")
    for call in calls:
        call.cancel()
    async with asyncio.timeout(5):
        while not await admitted(service):  # the server has yet to see the cancels
            pass


async def admitted(service: Service) -> bool:
    try:
        await animate(service.stub, config(), end())
    except grpc.aio.AioRpcError as error:
        return error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED
    return True


async def test_a_bad_stream_does_not_disturb_a_good_one(service: Service) -> None:
    good = asyncio.create_task(
        animate(service.stub, config(), speech("a", voice(3)), end_speech("a"), end())
    )
    for _ in range(5):
        await refused(service, config(), speech("a", b"odd"))
    assert len((await good).frames("a")) == 75


async def test_an_avatar_from_a_photograph_can_be_animated(service: Service) -> None:
    encoded = cv2.imencode(".jpg", skimage.data.astronaut()[..., ::-1])[1].tobytes()
    avatar = await create_avatar(service.stub, encoded, chunk=10_000)
    assert avatar.face_count == 1
    assert not avatar.notices
    assert await create_avatar(service.stub, encoded) == avatar
    wanted = config(avatar_id=avatar.avatar_id)
    given = await animate(service.stub, wanted, speech("a", voice(0.4)), end_speech("a"), end())
    assert len(given.frames("a")) == 10


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (b"", "INVALID_ARGUMENT"),
        (b"not an image at all", "IMAGE_BROKEN"),
        (bytes(17 << 20), "IMAGE_TOO_LARGE"),
    ],
)
async def test_an_image_that_is_none(service: Service, image: bytes, reason: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create_avatar(service.stub, image)
    assert refusal(caught.value) == Refusal(INVALID, reason, "image")


async def test_a_picture_without_a_face(service: Service) -> None:
    blank = cv2.imencode(".png", np.full((300, 300, 3), 90, np.uint8))[1].tobytes()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create_avatar(service.stub, blank)
    assert refusal(caught.value) == Refusal(INVALID, "NO_FACE", "image")


async def test_a_chunk_that_is_too_large(service: Service) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create_avatar(service.stub, bytes(2 << 20), chunk=2 << 20)
    assert refusal(caught.value).field == "image"


async def test_capabilities(service: Service) -> None:
    answer = await service.stub.GetCapabilities(pb.GetCapabilitiesRequest())
    assert (answer.service.name, answer.service.engine) == ("animator", "portrait")
    assert list(answer.codecs) == [pb.VIDEO_CODEC_H264]
    assert len(answer.blendshape_names) == 52
    assert answer.max_image_bytes == 16 << 20
