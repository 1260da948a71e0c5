"""The synchronous face, against grpcio-testing's channel instead of a server."""

import threading
import wave
from concurrent.futures import ThreadPoolExecutor

import grpc
import grpc_testing
import pytest

from linly.talk.v1 import talk_pb2
from linly_client import ReplyText, TalkError, TurnEnded
from linly_client.sync import TalkClient

SERVICE = talk_pb2.DESCRIPTOR.services_by_name["TalkService"]
CONVERSE = SERVICE.methods_by_name["Converse"]
Response = talk_pb2.ConverseResponse


@pytest.fixture
def channel():
    return grpc_testing.channel([SERVICE], grpc_testing.strict_real_time())


@pytest.fixture
def client(channel):
    return TalkClient("unused", channel=channel)


@pytest.fixture
def script():
    with ThreadPoolExecutor(1) as pool:
        yield pool


def take_requests(rpc):
    requests = []
    while not requests or requests[-1].WhichOneof("request") != "end":
        requests.append(rpc.take_request())
    return requests


def answer(channel, *responses, code=grpc.StatusCode.OK, details=""):
    _, rpc = channel.take_stream_stream(CONVERSE)
    requests = take_requests(rpc)
    for response in responses:
        rpc.send_response(response)
    rpc.terminate((), code, details)
    return requests


def test_a_typed_question_is_asked_and_answered(client, channel, script):
    hello = Response(reply_text=talk_pb2.ReplyText(text="Hello."))
    over = Response(turn_ended=talk_pb2.TurnEnded())
    asked = script.submit(answer, channel, hello, over)
    events = list(client.talk(text="hi"))
    assert [type(event) for event in events] == [ReplyText, TurnEnded]
    config, text, _ = asked.result()
    assert config.config.playback_mode == talk_pb2.PLAYBACK_MODE_SENT
    assert text.text.text == "hi"


def test_words_are_spoken_as_they_are(client, channel, script):
    asked = script.submit(answer, channel)
    assert list(client.talk(say="hi")) == []
    assert asked.result()[1].say.text == "hi"


def test_a_spoken_question_is_sent_whole_in_its_own_format(client, channel, script, tmp_path):
    path = tmp_path / "q.wav"
    pcm = bytes(range(256)) * 30
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(pcm)
    asked = script.submit(answer, channel)
    list(client.talk(audio=path))
    config, *audio, end_of_audio, _ = asked.result()
    assert config.config.audio_input.sample_rate_hertz == 8000
    assert b"".join(request.audio for request in audio) == pcm
    assert end_of_audio.WhichOneof("request") == "end_of_audio"


def test_a_refusal_is_a_talk_error(client, channel, script):
    script.submit(answer, channel, code=grpc.StatusCode.RESOURCE_EXHAUSTED, details="full")
    with pytest.raises(TalkError) as caught:
        list(client.talk(text="hi"))
    assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (caught.value.stage, caught.value.message) == ("talk", "full")


def test_leaving_early_cancels_the_call(client, channel, script):
    cancelled = threading.Event()

    def serve():
        _, rpc = channel.take_stream_stream(CONVERSE)
        take_requests(rpc)
        rpc.send_response(Response(reply_text=talk_pb2.ReplyText(text="Hel")))
        rpc.cancelled()
        cancelled.set()

    script.submit(serve)
    events = client.talk(text="hi")
    next(events)
    events.close()
    assert cancelled.wait(5)


@pytest.mark.parametrize("questions", [{}, {"text": "a", "say": "b"}])
def test_exactly_one_question_is_asked(client, questions):
    with pytest.raises(ValueError, match="exactly one"):
        client.talk(**questions)
