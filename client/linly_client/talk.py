"""A talk, live: asynchronous, full duplex."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import grpc

from linly.talk.v1 import talk_pb2, talk_pb2_grpc
from linly_client.convert import to_event
from linly_client.errors import TalkError, from_call
from linly_client.events import Event
from linly_client.options import TalkOptions, to_config
from linly_client.progress import ReadProgress
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.convert import to_duration
from linly_mesh.rpc.duplex import CallEndedError, DuplexCall, open_duplex
from linly_mesh.rpc.target import Target

MAX_MESSAGE_BYTES = 32 << 20
"""Larger than any message of the contract: a key frame, or the longest history."""
_AUDIO_MESSAGE_BYTES = 64 << 10
"""The contract takes 1 MiB; small pieces let an interrupt pass between them."""

Request = talk_pb2.ConverseRequest
_Call = DuplexCall[talk_pb2.ConverseRequest, talk_pb2.ConverseResponse]


class Talk:
    """One conversation: send to it and iterate over its events, from any number of tasks.

    Iterate from one task only. Every method raises TalkError once the talk has failed.
    """

    def __init__(self, call: _Call, target: str) -> None:
        """Made by ``TalkClient.converse``."""
        self._call = call
        self._target = target
        self._writing = asyncio.Lock()  # gRPC takes one write of a call at a time
        self._progress = ReadProgress()
        self._reporting = asyncio.create_task(self._progress.report(self._offer))

    async def __aiter__(self) -> AsyncIterator[Event]:
        """The events up to the end of the talk."""
        with _talk_errors(self._target):
            async for response in self._call:
                self._progress.note(response)
                event = to_event(response)
                if event is not None:
                    yield event

    async def send_audio(self, pcm: bytes) -> None:
        """Sends what the person says: whole samples of the format in ``TalkOptions``.

        Waits while the server does not keep up.
        """
        for start in range(0, len(pcm), _AUDIO_MESSAGE_BYTES):
            await self._write(Request(audio=pcm[start : start + _AUDIO_MESSAGE_BYTES]))

    async def end_of_audio(self) -> None:
        """The person's turn is over (push to talk); audio may follow for the next one."""
        await self._write(Request(end_of_audio=talk_pb2.EndOfAudio()))

    async def text(self, text: str) -> None:
        """A turn of the person, typed: 1 to 100,000 code points."""
        await self._write(Request(text=talk_pb2.UserText(text=text)))

    async def say(self, text: str) -> None:
        """Words to speak as they are, without the language model."""
        await self._write(Request(say=talk_pb2.Say(text=text)))

    async def interrupt(
        self,
        turn_id: str = "",
        *,
        generation: int | None = None,
        played_until: float | None = None,
    ) -> None:
        """Stops the portrait.

        Args:
            turn_id: only this turn; empty: whichever runs.
            generation: only if the turn has not been interrupted since.
            played_until: seconds of the turn's speech that were played, if known.
        """
        played = None if played_until is None else to_duration(played_until)
        message = talk_pb2.Interrupt(turn_id=turn_id, generation=generation, played_until=played)
        await self._write(Request(interrupt=message))

    async def report_playback(self, turn_id: str, played_until: float) -> None:
        """Says how many seconds of the turn's speech were played so far."""
        report = talk_pb2.PlaybackReport(turn_id=turn_id, played_until=to_duration(played_until))
        await self._write(Request(playback=report))

    async def end(self) -> None:
        """Nothing more follows; running and waiting turns are finished."""
        self._progress.stop()
        await self._write(Request(end=talk_pb2.End()))
        await self._call.done_writing()

    async def close(self) -> None:
        """Lets go of the call; done when ``TalkClient.converse`` is left."""
        self._call.cancel()
        self._reporting.cancel()
        await asyncio.wait([self._reporting])

    async def _offer(self, request: talk_pb2.ConverseRequest) -> None:
        async with self._writing:
            await self._call.offer(request)

    async def _write(self, request: talk_pb2.ConverseRequest) -> None:
        with _talk_errors(self._target):
            async with self._writing:
                await self._call.write(request)


class TalkClient:
    """Reaches the talk service of one mesh."""

    def __init__(self, target: str | Target) -> None:
        """Takes ``unix:/path`` or ``host:port`` in the clear, or a Target with an identity."""
        self._target = target

    @asynccontextmanager
    async def converse(
        self, options: TalkOptions | None = None, *, timeout: float | None = None
    ) -> AsyncIterator[Talk]:
        """Opens a talk; leaving the block ends it at once, also on the models.

        Args:
            options: None: the defaults of ``TalkOptions``.
            timeout: seconds after which the talk fails; None: never.

        Raises:
            TalkError: the server can't be reached or refuses.
        """
        config = to_config(options or TalkOptions())
        async with (
            open_channel(self._target, max_message_bytes=MAX_MESSAGE_BYTES) as channel,
            AsyncExitStack() as stack,
        ):
            stub = talk_pb2_grpc.TalkServiceStub(channel)
            with _talk_errors(str(self._target)):
                call = await stack.enter_async_context(open_duplex(stub.Converse, timeout=timeout))
                await call.write(Request(config=config))
            talk = Talk(call, str(self._target))
            try:
                yield talk
            finally:
                await talk.close()


@contextmanager
def _talk_errors(target: str) -> Iterator[None]:
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise from_call(error, target) from None
    except CallEndedError as error:
        raise TalkError(
            grpc.StatusCode.FAILED_PRECONDITION, "client", "TALK_ENDED", str(error)
        ) from None
