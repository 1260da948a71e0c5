"""A talk for scripts: one question in, its events out, no asyncio."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import grpc

from linly.talk.v1 import talk_pb2, talk_pb2_grpc
from linly_client.convert import to_event
from linly_client.errors import from_call
from linly_client.events import Event
from linly_client.options import Microphone, Playback, TalkOptions, to_config
from linly_client.talk import MAX_MESSAGE_BYTES
from linly_client.wav import read_wav
from linly_mesh.rpc.target import Target

_CHUNK_SECONDS = 0.1


class TalkClient:
    """Reaches the talk service of one mesh."""

    def __init__(self, target: str | Target, *, channel: grpc.Channel | None = None) -> None:
        """Takes what ``linly_client.TalkClient`` takes, or a channel of the caller's own."""
        self._target = str(target)
        self._channel = channel or _open(target)

    def __enter__(self) -> "TalkClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def talk(
        self,
        *,
        audio: Path | str | None = None,
        text: str | None = None,
        say: str | None = None,
        options: TalkOptions | None = None,
    ) -> Iterator[Event]:
        """Asks one question and yields what happens, up to the end of the talk.

        Leaving the iteration early ends the talk at once.

        Args:
            audio: path of a WAV file with the spoken question.
            text: the question, typed.
            say: words to speak as they are.
            options: None: the defaults of ``TalkOptions``. The microphone is set from the file,
                nothing interrupts the reply, and what was sent counts as played.

        Raises:
            TalkError: the talk failed.
            AudioFileError: the file can't be read.
            ValueError: not exactly one of ``audio``, ``text`` and ``say`` was given.
        """
        if sum(question is not None for question in (audio, text, say)) != 1:
            raise ValueError("give exactly one of audio, text and say")
        options = replace(options or TalkOptions(), playback=Playback.SENT, barge_in=False)
        data: list[talk_pb2.ConverseRequest]
        if audio is not None:
            wav = read_wav(Path(audio))
            options = replace(options, microphone=Microphone(sample_rate=wav.sample_rate))
            data = [talk_pb2.ConverseRequest(audio=c) for c in wav.chunks(_CHUNK_SECONDS)]
            data.append(talk_pb2.ConverseRequest(end_of_audio=talk_pb2.EndOfAudio()))
        elif text is not None:
            data = [talk_pb2.ConverseRequest(text=talk_pb2.UserText(text=text))]
        else:
            data = [talk_pb2.ConverseRequest(say=talk_pb2.Say(text=say))]
        requests = (
            talk_pb2.ConverseRequest(config=to_config(options)),
            *data,
            talk_pb2.ConverseRequest(end=talk_pb2.End()),
        )
        return self._events(requests)

    def _events(self, requests: tuple[talk_pb2.ConverseRequest, ...]) -> Iterator[Event]:
        stub = talk_pb2_grpc.TalkServiceStub(self._channel)
        call = stub.Converse(iter(requests))
        try:
            for response in call:
                event = to_event(response)
                if event is not None:
                    yield event
        except grpc.RpcError as error:
            raise from_call(error, self._target) from None
        finally:
            call.cancel()


def _open(target: str | Target) -> grpc.Channel:
    options: tuple[tuple[str, int | str], ...] = (
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.http2.bdp_probe", 0),  # see linly_mesh.rpc.channel
    )
    tls = target.tls if isinstance(target, Target) else None
    if tls is None:
        return grpc.insecure_channel(str(target), options=options)
    options = (*options, ("grpc.default_authority", tls.server_name))
    return grpc.secure_channel(str(target), tls.credentials(), options=options)
