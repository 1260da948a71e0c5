"""The parent's end of a worker process."""

import asyncio
import json
import sys
from collections import deque
from contextlib import suppress
from typing import Any, cast

from linly_asr.engine import EngineError
from linly_asr.engines.pocketsphinx.worker import REQUEST

_MODULE = "linly_asr.engines.pocketsphinx.worker"


class WorkerProcess(asyncio.SubprocessProtocol):
    """A decoder in a process of its own, started afresh and never forked from this one.

    Replies come in the order of the requests. Who no longer waits for one just drops its
    future: the order of the others stays.
    """

    def __init__(self) -> None:
        """Made by ``spawn``."""
        self._pending: deque[asyncio.Future[dict[str, Any]]] = deque()
        self._received = bytearray()
        self._alive = True
        self._exited = asyncio.Event()
        self._transport: asyncio.SubprocessTransport
        self._stdin: asyncio.WriteTransport

    @classmethod
    async def spawn(cls) -> "WorkerProcess":
        """Starts a process and returns when its model is loaded.

        Raises:
            EngineError: it ended before.
        """
        loop = asyncio.get_running_loop()
        command = (sys.executable, "-m", _MODULE)
        _, worker = await loop.subprocess_exec(cls, *command, stderr=None)
        try:
            await worker._reply()
        except BaseException:
            worker.kill()
            raise
        return worker

    @property
    def alive(self) -> bool:
        """Whether it can take requests."""
        return self._alive

    def request(self, kind: bytes, payload: bytes = b"") -> asyncio.Future[dict[str, Any]]:
        """Sends a request; the future brings its reply, or EngineError if the process dies."""
        reply = self._reply()
        if self._alive:
            self._stdin.write(REQUEST.pack(kind, len(payload)) + payload)
        return reply

    def kill(self) -> None:
        """Ends the process at once."""
        self._alive = False
        with suppress(ProcessLookupError):
            self._transport.kill()

    async def stop(self) -> None:
        """Ends the process and waits until it is gone."""
        self.kill()
        await self._exited.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The process has been started."""
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self._stdin = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Replies, whole or in parts."""
        self._received += data
        while (end := self._received.find(b"\n")) >= 0:
            line = bytes(self._received[:end])
            del self._received[: end + 1]
            reply = self._pending.popleft()
            if not reply.done():
                reply.set_result(json.loads(line))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """The process has closed a pipe: it is ending, and nothing more will come."""
        self._lose()

    def process_exited(self) -> None:
        """The process has ended."""
        self._lose()
        self._transport.close()
        self._exited.set()

    def _reply(self) -> asyncio.Future[dict[str, Any]]:
        reply = asyncio.get_running_loop().create_future()
        if self._alive:
            self._pending.append(reply)
        else:
            reply.set_exception(_died())
        return reply

    def _lose(self) -> None:
        self._alive = False
        while self._pending:
            reply = self._pending.popleft()
            if not reply.done():
                reply.set_exception(_died())


def _died() -> EngineError:
    return EngineError("the decoder's process died")
