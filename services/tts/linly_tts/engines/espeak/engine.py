"""Speech from libespeak-ng in a process of its own."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from linly_tts.engine import Speech, Voice
from linly_tts.engines.espeak.speaking import Order
from linly_tts.engines.espeak.voices import voice_catalogue
from linly_tts.engines.espeak.worker import EspeakWorker, SpokenClause


class EspeakEngine:
    """espeak-ng: small, fast and able to say when each sound begins.

    The library keeps its state in globals, one per process; it is licensed under the GPL,
    version 3; and some texts crash it (a Greek "ϖ" spoken by a French voice does, espeak-ng issue
    2467). So it lives in a worker process, and each clause is spoken by a copy of that one: this
    process links no GPL code, a crash costs the clause that caused it, and a clause of which no
    more is wanted yet stands still where it is. One thread talks to them; pieces of clauses wait
    for it in order of arrival, one per stream, so that streams take turns.
    """

    max_concurrency = 1

    def __init__(self) -> None:
        """Not loaded yet."""
        self.model = "espeak-ng"
        self.voices: Sequence[Voice] = ()
        self._files: dict[str, str] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="espeak")
        self._worker: EspeakWorker | None = None

    async def start(self) -> None:
        """Starts the worker.

        Raises:
            EngineError: the library can't be loaded.
        """
        loop = asyncio.get_running_loop()
        self._worker = await loop.run_in_executor(self._thread, EspeakWorker)
        await loop.run_in_executor(self._thread, self._worker.prepare)
        loaded = self._worker.loaded
        self.model = f"espeak-ng {loaded.version}"
        self.voices, self._files = voice_catalogue(loaded.voices, loaded.sample_rate)

    async def stop(self) -> None:
        """Ends the worker."""
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)
        if self._worker:
            self._worker.close()

    async def synthesize(
        self, text: str, voice: Voice, rate: float, piece: float, begin: Callable[[], None]
    ) -> AsyncGenerator[Speech]:
        """Speaks one clause; it takes milliseconds.

        Raises:
            EngineError: the library crashed on this clause or hung.
        """
        loop = asyncio.get_running_loop()
        clause = SpokenClause(Order(text, self._files[voice.name], rate))
        try:
            speech, is_last = await loop.run_in_executor(
                self._thread, self._first, clause, piece, begin
            )
            while True:
                if speech:
                    yield speech
                if is_last:
                    return
                speech, is_last = await loop.run_in_executor(
                    self._thread, self._more, clause, piece
                )
        finally:
            clause.stop()
            self._thread.submit(self._tidy, clause)

    def _first(
        self, clause: SpokenClause, piece: float, begin: Callable[[], None]
    ) -> tuple[Speech | None, bool]:
        begin()
        return self._more(clause, piece)

    def _tidy(self, clause: SpokenClause) -> None:
        clause.close()
        if self._worker is not None and self._worker.alive:
            self._worker.prepare()

    def _more(self, clause: SpokenClause, piece: float) -> tuple[Speech | None, bool]:
        if self._worker is None or not self._worker.alive:
            self._worker = EspeakWorker()  # the last one was killed
        return clause.more(self._worker, piece)
