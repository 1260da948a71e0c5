"""How far a client has read of a turn's speech, told to a server that waits for it."""

import asyncio
from collections.abc import Awaitable, Callable

from linly.talk.v1 import talk_pb2
from linly_mesh.rpc.convert import to_seconds

_REPORT = 0.2
"""Seconds of speech after which the server is told again; the contract asks for it as often."""

Write = Callable[[talk_pb2.ConverseRequest], Awaitable[None]]


class ReadProgress:
    """Notes what is read and reports it from a task of its own.

    Reading never waits for a report to be written: a server that does not take messages just
    then may itself wait for its events to be read.
    """

    def __init__(self) -> None:
        """Nothing was read, and the server has not said that it wants to know."""
        self._wanted = False
        self._audio = False
        self._turn_id = ""
        self._offset = 0.0
        self._reported = 0.0
        self._due = asyncio.Event()

    def note(self, response: talk_pb2.ConverseResponse) -> None:
        """An event was read."""
        match response.WhichOneof("event"):
            case "started":
                self._wanted = response.started.HasField("max_ahead")
                self._audio = response.started.HasField("audio")
            case "audio":
                audio = response.audio
                self._read(response.turn_id, to_seconds(audio.offset) + to_seconds(audio.duration))
            case "frames" if response.turn_id and not self._audio:
                last = response.frames.frames[-1]
                self._read(response.turn_id, to_seconds(last.offset) + to_seconds(last.duration))

    def stop(self) -> None:
        """No further report may be written."""
        self._wanted = False

    async def report(self, write: Write) -> None:
        """Reports what is due until it is cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            if not self._wanted:
                continue
            self._reported = self._offset
            progress = talk_pb2.Progress(turn_id=self._turn_id)
            progress.offset.FromNanoseconds(round(self._offset * 1e9))
            await write(talk_pb2.ConverseRequest(progress=progress))

    def _read(self, turn_id: str, until: float) -> None:
        if turn_id != self._turn_id:
            self._turn_id, self._reported = turn_id, 0.0
        self._offset = until
        if self._wanted and until - self._reported >= _REPORT:
            self._due.set()
