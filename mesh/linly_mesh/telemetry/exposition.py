"""``/metrics``: what this process has counted, for whoever may read it.

Small on purpose: one page, one method. Who may read it is for the proxy in front to say, or for
the private folder that its socket lies in.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from time import perf_counter
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.samples import Sample

from linly_mesh.errors import ConfigurationError

_PAGE = "/metrics"
_PATIENCE = 10.0
"""Seconds that a reader gets for its request, and again for taking the page."""
_LONGEST_REQUEST = 16 << 10
"""Bytes of a request's head; Prometheus sends some 300."""
_UNIX = "unix:"
_END = b"# EOF\n"
"""Of OpenMetrics."""
_HEADING = re.compile(rb"\A(?:#.*\n)+")
"""What an encoder says of a family before its samples."""
_SAMPLES = 24
"""Encoded at a time: half a millisecond."""
_LONGEST_STEP = 0.0005
"""Seconds after which calls are served."""
_PAUSE = 0.002
"""Seconds that calls are served in before the next piece."""


@asynccontextmanager
async def exposed(registry: CollectorRegistry, address: str) -> AsyncIterator[None]:
    """Serves the page while the block runs.

    Args:
        registry: what is shown; read anew for each request.
        address: ``unix:/path`` or ``host:port``.

    Raises:
        ConfigurationError: the address can't be listened on.
    """
    page = _Page(registry)
    try:
        server = await page.listen(address)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot serve metrics on {address}: {error}") from error
    try:
        yield
    finally:
        server.close()
        page.hang_up()  # an idle reader must not hold the process up


class _Page:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._readers: set[asyncio.StreamWriter] = set()

    async def listen(self, address: str) -> asyncio.Server:
        if address.startswith(_UNIX):
            path = _free(Path(address.removeprefix(_UNIX)))
            return await asyncio.start_unix_server(self.serve, path, limit=_LONGEST_REQUEST)
        host, _, port = address.rpartition(":")
        return await asyncio.start_server(self.serve, host, int(port), limit=_LONGEST_REQUEST)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers the requests of one connection, one after the other."""
        self._readers.add(writer)
        try:
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                while await self._answer(reader, writer):
                    pass
        finally:
            self._readers.discard(writer)
            writer.close()

    def hang_up(self) -> None:
        for writer in self._readers:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answers one request; whether another may follow on the connection."""
        async with asyncio.timeout(_PATIENCE):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.LimitOverrunError:
                await _send(writer, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, keep=False)
                return False
        try:
            request, *lines = head.decode("latin-1").splitlines()
            method, target, version = request.split(" ")
        except ValueError:
            await _send(writer, HTTPStatus.BAD_REQUEST, keep=False)
            return False
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        keep = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        if target.partition("?")[0] != _PAGE:
            await _send(writer, HTTPStatus.NOT_FOUND, keep=keep)
        elif method != "GET":
            # What may follow of a request with a body is not read.
            await _send(writer, HTTPStatus.METHOD_NOT_ALLOWED, keep=False)
            return False
        else:
            encode, kind = choose_encoder(headers.get("accept", ""))
            body = await _encoded(self._registry, encode)
            await _send(writer, HTTPStatus.OK, body, kind, keep=keep)
        return keep


class _Part:
    """A registry of one family or of a part of one, for an encoder that knows whole registries."""

    def __init__(self, family: Metric, samples: list[Sample]) -> None:
        self._metric = Metric(family.name, family.documentation, family.type, family.unit)
        self._metric.samples = samples

    def collect(self) -> Iterable[Metric]:
        return (self._metric,)


async def _encoded(registry: CollectorRegistry, encode: Callable[[Any], bytes]) -> bytes:
    """The page, made piece by piece while calls are served.

    All at once it would hold the event loop up for tens of milliseconds; and an answer takes
    several passes of the loop, so that it must not meet a piece in each.
    """
    page = bytearray()
    begun = perf_counter()
    for family in registry.collect():
        size = len(family.samples) if _is_reordered(family) else _SAMPLES
        for start in range(0, len(family.samples) or 1, size or 1):
            part = _Part(family, family.samples[start : start + size])
            text = encode(part).removesuffix(_END)
            page += _HEADING.sub(b"", text, count=1) if start else text
            if perf_counter() - begun > _LONGEST_STEP:
                await asyncio.sleep(_PAUSE)
                begun = perf_counter()
    return bytes(page) + encode(CollectorRegistry())  # the end mark, where the format has one


def _is_reordered(family: Metric) -> bool:
    """Whether the text format has samples of the family behind all others: it stays whole."""
    return any(sample.name.endswith("_created") for sample in family.samples)


def _free(path: Path) -> Path:
    """Makes the socket's folder, and removes one that a killed process left."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    return path


async def _send(
    writer: asyncio.StreamWriter,
    status: HTTPStatus,
    body: bytes = b"",
    kind: str = "text/plain",
    *,
    keep: bool,
) -> None:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        f"content-type: {kind}\r\ncontent-length: {len(body)}\r\n"
        f"connection: {'keep-alive' if keep else 'close'}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    async with asyncio.timeout(_PATIENCE):
        await writer.drain()
