"""The engine: utterances on a pool of decoders."""

import asyncio
from importlib.metadata import version
from typing import Any

import numpy as np
import pocketsphinx  # used by the workers alone, but a missing extra has to show here

from linly_asr.config import Settings
from linly_asr.engine import Alternative, EngineError, Recognition, Samples, Word
from linly_asr.engines.pocketsphinx.pool import WorkerPool
from linly_asr.engines.pocketsphinx.process import WorkerProcess
from linly_asr.engines.pocketsphinx.worker import COUNT, DISCARD, FEED, FINISH
from linly_mesh.workload import Unit, Workload


class PocketsphinxEngine:
    """Recognises US English. A stream holds a decoder only while somebody speaks in it."""

    name = "pocketsphinx"
    languages = ("en-US",)

    def __init__(self, settings: Settings) -> None:
        """Loads nothing yet."""
        self.model = f"en-us {version(pocketsphinx.__name__)}"
        self.max_concurrency = settings.decoders
        self.workload = Workload()
        self._pool = WorkerPool(settings.decoders)

    async def start(self) -> None:
        """Warms the first decoder; the others come when several people speak at once."""
        self._pool.release(await self._pool.acquire())

    async def stop(self) -> None:
        """Ends all decoders."""
        await self._pool.close()

    async def open(self) -> "PocketsphinxUtterance":
        """Begins an utterance as soon as a decoder is free."""
        unit = self.workload.unit()
        try:
            worker = await self._pool.acquire()
        except asyncio.CancelledError:
            unit.cancel()
            raise
        except EngineError:
            unit.fail()
            raise
        unit.begin()
        return PocketsphinxUtterance(worker, self._pool, unit)


class PocketsphinxUtterance:
    """One utterance on a decoder of its own."""

    def __init__(self, worker: WorkerProcess, pool: WorkerPool, unit: Unit) -> None:
        """Made by ``PocketsphinxEngine.open``."""
        self._worker = worker
        self._pool = pool
        self._unit = unit
        self._closed = False

    async def feed(self, samples: Samples) -> str:
        """Takes the next audio and returns the transcript so far."""
        pcm = np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2")
        reply = await self._worker.request(FEED, pcm.tobytes())
        transcript: str = reply["transcript"]
        return transcript

    async def finish(self, max_alternatives: int) -> Recognition:
        """Ends the utterance, which then needs no decoder any more."""
        reply = await self._worker.request(FINISH, COUNT.pack(max_alternatives))
        self._closed = True
        self._unit.finish()
        self._pool.release(self._worker)
        return Recognition(
            alternatives=tuple(_alternative(each) for each in reply["alternatives"]),
            taken_up=reply["taken_up"],
            compute=reply["compute"],
        )

    def close(self) -> None:
        """Drops an unfinished utterance.

        The decoder is free, and the unit over, when the worker has put down what it was just
        decoding: a few hundredths of a second of audio.
        """
        if not self._closed:
            self._closed = True
            self._worker.request(DISCARD).add_done_callback(self._discarded)

    def _discarded(self, reply: "asyncio.Future[dict[str, Any]]") -> None:
        if reply.exception() is None:
            self._unit.cancel()
        else:
            self._unit.fail()
        self._pool.release(self._worker)


def _alternative(reply: dict[str, Any]) -> Alternative:
    return Alternative(
        transcript=reply["transcript"],
        confidence=reply.get("confidence"),
        words=tuple(Word(**word) for word in reply["words"]),
    )
