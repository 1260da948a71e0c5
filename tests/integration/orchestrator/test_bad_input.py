"""What a client does wrong is said, field by field."""

import grpc
import pytest
from google.rpc import code_pb2

from linly.talk.v1 import talk_pb2
from linly_mesh.rpc.duplex import open_duplex
from linly_mesh.rpc.status import bad_request, from_rpc_error

from .conftest import Request, only, talk_config


def listening(**audio) -> talk_pb2.TalkConfig:
    config = talk_config(listen=True)
    for name, value in audio.items():
        setattr(config.audio_input, name, value)
    return config


def with_history(role: int) -> talk_pb2.TalkConfig:
    config = talk_config()
    config.history.add(role=role, content="x")
    return config


def with_lead(seconds: int) -> talk_pb2.TalkConfig:
    config = talk_config()
    config.max_lead.FromSeconds(seconds)
    return config


CONFIG = Request(config=talk_config(listen=True))


@pytest.mark.parametrize(
    ("requests", "field"),
    [
        ([Request(audio=b"ab")], "request"),
        ([CONFIG, CONFIG], "request"),
        ([CONFIG, Request()], "request"),
        ([Request(config=listening(encoding=0))], "config.audio_input.encoding"),
        ([Request(config=listening(encoding=77))], "config.audio_input.encoding"),
        ([Request(config=listening(sample_rate_hertz=0))], "config.audio_input.sample_rate_hertz"),
        ([Request(config=listening(sample_rate_hertz=96_000))],
         "config.audio_input.sample_rate_hertz"),
        ([Request(config=talk_config(mode=9))], "config.playback_mode"),
        ([Request(config=with_lead(0))], "config.max_lead"),
        ([Request(config=with_history(1))], "config.history[0].role"),
        ([Request(config=talk_config(image=bytes((16 << 20) + 1)))], "config.image"),
        ([CONFIG, Request(audio=b"abc")], "audio"),
        ([CONFIG, Request(audio=bytes((1 << 20) + 2))], "audio"),
        ([Request(config=talk_config()), Request(audio=b"ab")], "audio"),
    ],
)  # fmt: skip
async def test_wrong_messages_end_the_call_and_name_the_field(house, requests, field):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async with open_duplex(house.stub.Converse) as call:
            for request in requests:
                await call.write(request)
            async for _ in call:
                pass
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    status = from_rpc_error(caught.value, "talk")
    assert bad_request(status).field_violations[0].field == field
    assert house.idle()


@pytest.mark.parametrize("text", ["", "  \n", "x" * 100_001])
async def test_text_of_a_wrong_length_fails_its_turn_alone(house, text):
    async with house.talk(barge_in=False) as talk:
        await talk.text(text)
        await talk.say(text)
        await talk.text("hi")
        await talk.end()
        events = await talk.rest()
    statuses = [ended.status for ended in only(events, "turn_ended")]
    assert [s.code for s in statuses] == [code_pb2.INVALID_ARGUMENT] * 2 + [code_pb2.OK]
    assert bad_request(statuses[0]).field_violations[0].field == "text.text"
    assert bad_request(statuses[1]).field_violations[0].field == "say.text"


async def test_a_config_alone_is_a_talk_of_nothing(house):
    async with house.talk() as talk:
        await talk.end()
        events = await talk.rest()
    assert [event.WhichOneof("event") for event in events] == ["started"]


async def test_closing_without_end_means_the_same(house):
    async with house.talk() as talk:
        await talk.text("hi")
        await talk.call.done_writing()
        events = await talk.rest()
    assert only(events, "turn_ended")[0].status.code == code_pb2.OK
