from collections.abc import AsyncIterator

import grpc
import pytest

from linly.tts.v1 import tts_pb2
from linly_mesh.errors import ServiceError
from linly_mesh.rpc.requests import RequestReader

Request = tts_pb2.StreamingSynthesizeRequest
CONFIG = Request(config=tts_pb2.SynthesisConfig(voice="v"))
TEXT = Request(text=tts_pb2.TextInput(text="a"))
FLUSH = Request(flush=tts_pb2.Flush())
END = Request(end=tts_pb2.End())


def reader(*requests: Request) -> RequestReader[Request]:
    async def stream() -> AsyncIterator[Request]:
        for request in requests:
            yield request

    return RequestReader(stream())


async def read(*requests: Request) -> list[str]:
    stream = reader(*requests)
    await stream.config()
    return [kind async for kind, _ in stream]


async def test_the_config_comes_first():
    assert (await reader(CONFIG, TEXT).config()).config.voice == "v"


@pytest.mark.parametrize("last", [(END,), ()])
async def test_data_comes_up_to_the_end_or_the_half_close(last):
    assert await read(CONFIG, TEXT, FLUSH, TEXT, *last) == ["text", "flush", "text"]


async def test_nothing_is_read_after_the_end():
    assert await read(CONFIG, END, TEXT, CONFIG) == []


async def test_it_knows_whether_the_client_has_ended():
    stream = reader(CONFIG, TEXT, END)
    await stream.config()
    states = [stream.ended async for _ in stream]
    assert states == [False]
    assert stream.ended


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        ((), "expected config first, got the end of the stream"),
        ((TEXT,), "expected config first, got text"),
        ((END,), "expected config first, got end"),
        ((Request(),), "expected config first, got an empty message"),
        ((CONFIG, CONFIG), "got a second config"),
        ((CONFIG, TEXT, Request()), "got an empty message"),
    ],
)
async def test_another_order_says_what_was_expected(requests, expected):
    with pytest.raises(ServiceError, match=expected) as caught:
        await read(*requests)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert (caught.value.field, caught.value.reason) == ("request", "OUT_OF_ORDER")
