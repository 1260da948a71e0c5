"""Keeps SVIDs fresh for as long as the mesh runs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.source import SvidSource
from linly_mesh.identity.svid import Svid, utc_now

_log = logging.getLogger(__name__)


class Rotation:
    """Renews each SVID at half of its life, and when the roots change.

    Envoy takes a new certificate for new connections and leaves open ones alone, so that no
    stream ends. If renewal fails, what is there stays and is good for the other half of its
    life; the failure is logged and tried again, more seldom each time.
    """

    def __init__(
        self,
        sources: Sequence[SvidSource],
        *,
        interval: float = 10.0,
        first_retry: float = 1.0,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Nothing is done before ``start``.

        Args:
            sources: one per workload.
            interval: seconds between looks. Short beside a certificate's life: a machine that
                slept must not wake to expired ones, and a roll-over waits for every look.
            first_retry: seconds after a first failure; doubled up to ``interval``.
            clock: the wall clock.
        """
        self._sources = sources
        self._interval = interval
        self._first_retry = first_retry
        self._clock = clock
        self._known: dict[str, Svid] = {}

    async def start(self) -> None:
        """Sees to it that every workload has a valid SVID.

        Raises:
            ConfigurationError: one has none and none can be had.
            OSError: its folder can't be read or written.
        """
        for source in self._sources:
            await self._refresh(source)

    async def run(self) -> None:
        """Renews until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for source in self._sources:
                group.create_task(self._keep(source))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Every workload has a valid SVID while the block runs.

        Raises:
            ConfigurationError: one has none and none can be had.
            OSError: its folder can't be read or written.
        """
        await self.start()
        renewing = asyncio.create_task(self.run())
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])

    def current(self, service: str) -> Svid:
        """The SVID of a service as it was last seen, for its expiry.

        Raises:
            KeyError: none of the sources is that service's, or ``start`` has not been called.
        """
        return self._known[service]

    async def _keep(self, source: SvidSource) -> None:
        retry = self._first_retry
        while True:
            try:
                await self._refresh(source)
            except (ConfigurationError, OSError) as error:
                _log.warning("%s; next try in %g s", self._failure(source, error), retry)
                await asyncio.sleep(retry)
                retry = min(2 * retry, self._interval)
            else:
                retry = self._first_retry
                await asyncio.sleep(self._interval)

    async def _refresh(self, source: SvidSource) -> None:
        svid = await asyncio.to_thread(source.refresh)
        name = source.id.service_account
        if self._known.get(name) != svid:
            _log.info("%s has a certificate until %s", name, _readable(svid.not_after))
            self._known[name] = svid

    def _failure(self, source: SvidSource, error: Exception) -> str:
        name = source.id.service_account
        known = self._known.get(name)
        if known is None:
            state = "has no certificate"
        elif known.is_valid(self._clock()):
            state = f"keeps its certificate until {_readable(known.not_after)}"
        else:
            state = f"has an expired certificate, of {_readable(known.not_after)}"
        return f"{name} {state}: renewal failed: {error}"


def _readable(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
