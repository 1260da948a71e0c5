"""The admin interface of a proxy that runs, on its Unix socket."""

import asyncio
from contextlib import suppress
from pathlib import Path

_ACTIVE = "/stats?filter=^http\\..*\\.downstream_rq_active$"
_PATIENCE = 2.0
"""Seconds: the end of a call is on its way for milliseconds."""
_LINGER = 0.1
"""Seconds: what was the end here is to be read by the caller before the connection closes."""
_PAUSE = 0.02
"""Seconds between two questions whether it is up; it takes some 80 ms to start."""


class Admin:
    """Asks one proxy."""

    def __init__(self, socket: Path) -> None:
        """Takes ``Files.admin``."""
        self._socket = socket

    async def until_ready(self) -> None:
        """Returns once its listeners take connections."""
        while not await self.answers():  # noqa: ASYNC110  # a process that starts has no event
            await asyncio.sleep(_PAUSE)

    async def answers(self) -> bool:
        """Whether it runs and is ready."""
        try:
            return await self._ask("GET", "/ready") == 200
        except (OSError, EOFError):
            return False

    async def drain(self) -> None:
        """Takes no more calls from outside; those that run go on, and so do calls from inside.

        Raises:
            OSError: it does not run.
        """
        await self._ask("POST", "/drain_listeners?inboundonly")

    async def until_quiet(self) -> None:
        """Returns a moment after the last call through it has ended, or without waiting for it.

        An application that has ended has given each of its calls an end, which may still be on
        its way to the caller.

        Raises:
            OSError: it does not run.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while any(await self._active()):  # noqa: ASYNC110  # it gives no event
                    await asyncio.sleep(_PAUSE)
        await asyncio.sleep(_LINGER)

    async def _active(self) -> list[int]:
        """Calls that run, by listener; the admin interface's own are none."""
        _, body = await self._request("GET", _ACTIVE)
        lines = [line.rpartition(": ") for line in body.splitlines() if ": " in line]
        return [int(count) for name, _, count in lines if not name.startswith("http.admin.")]

    async def _ask(self, verb: str, page: str) -> int:
        """The status of the answer."""
        status, _ = await self._request(verb, page)
        return status

    async def _request(self, verb: str, page: str) -> tuple[int, str]:
        reader, writer = await asyncio.open_unix_connection(self._socket)
        try:
            writer.write(
                f"{verb} {page} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n".encode()
            )
            answer = (await reader.read()).decode()
        finally:
            writer.close()
        if not answer:
            raise EOFError
        head, _, body = answer.partition("\r\n\r\n")
        return int(head.split()[1]), body
