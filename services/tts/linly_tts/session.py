"""One stream: text goes in while it is being written, one continuous speech comes out."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from linly_mesh.timing import Timing
from linly_mesh.workload import Workload
from linly_tts.audio.encoding import AudioFormat
from linly_tts.audio.packer import AudioChunk, ClausePacker
from linly_tts.engine import Engine, Speech, Voice
from linly_tts.events import Cancelled, Finished, Flushed, SpeechEvent, Spoken
from linly_tts.script import Mark, PendingClause, Script
from linly_tts.work import ClauseWork

_FIRST_CHUNK, _CHUNK = 0.04, 0.08
"""Seconds of audio in a message: the first two of a reply go as soon as they can, one video frame
each; later ones are larger, since each message costs the same."""
_FIRST_CHUNKS = 2
PIECE = 0.25
"""Seconds of speech that the engine is asked for at a time, where it must not run ahead."""
_LONGEST_PIECE = 2 * PIECE
"""Seconds that a piece is expected to have at most: it ends with a word."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a stream is to be spoken."""

    voice: Voice
    """The voice."""
    rate: float
    """1 is its natural speed; 0.25 to 4."""
    output: AudioFormat
    """The form of the audio."""
    max_ahead: float = math.inf
    """Seconds of speech to be made at most beyond what the caller has reported."""


class SpeechSession:
    """Speaks what is written into its script.

    One task may write while another consumes ``events``. A consumer that pauses stops the
    synthesis: at most the clause in work has been made ahead of it, or ``max_ahead``.
    """

    def __init__(self, engine: Engine, manner: Manner, workload: Workload) -> None:
        """A stream that has said nothing yet; each of its clauses is a unit of ``workload``."""
        self._engine = engine
        self._manner = manner
        self._workload = workload
        self.script = Script()
        self._in_work: ClauseWork | None = None
        self._free = 0.0  # when another clause could be asked for, on the monotonic clock
        self._synthesis: asyncio.Future[Speech | None] | None = None
        self._error: Exception | None = None
        self._sent = 0
        self._made = 0.0
        self._reported = 0.0
        self._changed = asyncio.Event()
        self._chunks_of_reply = 0

    @property
    def is_paced(self) -> bool:
        """Whether speech is made only so far ahead of what the caller reports."""
        return not math.isinf(self._manner.max_ahead)

    def cancel(self) -> None:
        """Silence at once: drops all text so far and the speech in work."""
        self.script.cancel()
        self._interrupt()

    def progress(self, offset: float) -> None:
        """The caller has passed on the speech up to ``offset`` seconds."""
        self._reported = max(self._reported, offset)
        self._changed.set()

    def fail(self, error: Exception) -> None:
        """Ends the stream at once: ``events`` raises the error and says nothing more."""
        self._error = error
        self.script.end()
        self.script.drop()
        self._interrupt()

    async def events(self) -> AsyncGenerator[SpeechEvent]:
        """The speech, to be consumed once; closing it drops what is left.

        Raises:
            EngineError: the engine failed on a clause.
        """
        try:
            while (item := await self.script.take()) and not self._error:
                if isinstance(item, PendingClause):
                    async with aclosing(self._speak(item)) as chunks:
                        async for chunk in chunks:
                            yield chunk
                else:
                    self._chunks_of_reply = 0
                    yield Flushed(self._seconds) if item is Mark.FLUSH else Cancelled(self._seconds)
            if self._error:
                raise self._error
            yield Finished(self._seconds)
        finally:
            self.script.drop()

    async def _speak(self, pending: PendingClause) -> AsyncGenerator[Spoken]:
        manner = self._manner
        packer = ClausePacker(manner.voice.sample_rate, manner.output, self._sent)
        timing: Timing | None = None
        silent = True
        item = self._in_work = ClauseWork(pending)
        self._made = self._seconds
        await self._until_wanted(item)
        with item.ask(self._workload.unit(), self._free):
            piece = PIECE if self.is_paced else math.inf
            pieces = self._engine.synthesize(
                item.text, manner.voice, manner.rate, piece, item.begin
            )
            async with aclosing(pieces):
                while not item.dropped:
                    await self._until_wanted(item)
                    speech = await self._next(pieces, item)
                    if speech:
                        self._made += len(speech.samples) / manner.voice.sample_rate
                        if silent:
                            timing, silent = item.timing(), False
                        packer.add(speech)
                    else:
                        packer.finish()
                    while not item.dropped and (chunk := packer.take(self._chunk_length)):
                        self._sent += chunk.samples
                        self._chunks_of_reply += 1
                        yield _spoken(chunk, item, timing)
                        timing = None
                    if not speech:
                        break
        self._in_work = None
        self._free = time.monotonic()

    async def _until_wanted(self, item: ClauseWork) -> None:
        """Waits until another piece would not be too far ahead, or the clause is dropped."""
        limit = self._manner.max_ahead - _LONGEST_PIECE
        while self._made - self._reported > limit and not item.dropped:
            self._changed.clear()
            await self._changed.wait()
            self._free = time.monotonic()

    async def _next(self, pieces: AsyncGenerator[Speech], item: ClauseWork) -> Speech | None:
        """The next piece of a clause; None at its end, or as soon as it is dropped."""
        if item.dropped:
            return None
        self._synthesis = asyncio.ensure_future(anext(pieces, None))
        try:
            return await self._synthesis
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if item.dropped and not (task and task.cancelling()):
                return None  # the clause was dropped, not this stream
            raise
        finally:
            self._synthesis = None

    def _interrupt(self) -> None:
        """Stops the clause in work: its synthesis, and its audio that is not sent yet."""
        if self._in_work:
            self._in_work.drop()
            self._changed.set()
        if self._synthesis:
            self._synthesis.cancel()

    @property
    def _chunk_length(self) -> float:
        return _FIRST_CHUNK if self._chunks_of_reply < _FIRST_CHUNKS else _CHUNK

    @property
    def _seconds(self) -> float:
        return self._sent / self._manner.output.sample_rate


def _spoken(chunk: AudioChunk, item: ClauseWork, timing: Timing | None) -> Spoken:
    start = item.start
    words = [replace(w, start=start + w.start, end=start + w.end) for w in chunk.words]
    return Spoken(chunk.audio, chunk.offset, item.segment_id, words, chunk.visemes, timing)
