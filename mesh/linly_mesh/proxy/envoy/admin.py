"""The admin interface of a proxy that runs, on its Unix socket."""

import asyncio
from pathlib import Path

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

    async def _ask(self, verb: str, page: str) -> int:
        """The status of the answer."""
        reader, writer = await asyncio.open_unix_connection(self._socket)
        try:
            writer.write(
                f"{verb} {page} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n".encode()
            )
            status_line = await reader.readline()
        finally:
            writer.close()
        if not status_line:
            raise EOFError
        return int(status_line.split()[1])
