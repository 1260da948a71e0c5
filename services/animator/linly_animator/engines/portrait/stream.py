"""One stream: speeches in, frames out, at the pace of its consumer."""

from __future__ import annotations

import asyncio
import zlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from linly_animator.engine import (
    AnimationInput,
    AnimationOptions,
    AnimationOutput,
    Frame,
    FrameBatch,
    KeyFrameRequest,
    SpeechCancel,
    SpeechCancelled,
    SpeechChunk,
    SpeechEnd,
    SpeechEnded,
    SpeechSkip,
)
from linly_animator.engines.portrait.canvas import Canvas
from linly_animator.engines.portrait.performance import Performance
from linly_animator.engines.portrait.pose import Pose
from linly_animator.engines.portrait.speech import Speech
from linly_mesh.timing import Timing
from linly_mesh.workload import Workload

_LARGEST_BATCH = 8
"""Frames made before they are sent: all that is made ahead of a consumer that does not read."""

Work = Callable[..., Awaitable[Any]]
"""Runs a function with its arguments on one of the engine's threads."""


class Stream:
    """The life of one stream. All but the drawing happens on the event loop."""

    def __init__(
        self,
        options: AnimationOptions,
        canvas: Canvas,
        work: Work,
        workload: Workload,
        max_ahead: float,
    ) -> None:
        """`max_ahead`: seconds of speech that are taken before their frames are made."""
        self._options = options
        self._step = 1 / options.frame_rate
        self._canvas = canvas
        self._work = work
        self._workload = workload
        self._max_ahead = max_ahead
        seed = zlib.crc32(options.avatar_id.encode())
        self._performance = Performance(seed, options.frame_rate)
        self._speeches: deque[Speech] = deque()
        self._cancelled: deque[str] = deque()
        self._on_stage: Speech | None = None
        self._first_sent = 0.0
        self._idle_from = monotonic()
        self._idle_made = 0
        self._key_frame = True
        self._changed = asyncio.Event()
        self._progress = asyncio.Event()

    async def run(
        self, inputs: AsyncIterator[AnimationInput]
    ) -> AsyncGenerator[AnimationOutput, None]:
        """Animates until `inputs` ends and all of it has been given."""
        reader = asyncio.create_task(self._read(inputs))
        reader.add_done_callback(lambda _: self._changed.set())
        try:
            while True:
                self._changed.clear()
                if reader.done():
                    await reader
                output = await self._next_output()
                if output is not None:
                    yield output
                elif reader.done() and not (self._speeches or self._cancelled):
                    return
                else:
                    await self._wait()
        except Exception:
            for speech in self._speeches:
                speech.unit.fail()
            raise
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            for speech in self._speeches:
                speech.unit.cancel()

    async def _read(self, inputs: AsyncIterator[AnimationInput]) -> None:
        async for item in inputs:
            match item:
                case SpeechChunk():
                    await self._work(self._speech(item.speech_id).hear, item, monotonic())
                case SpeechEnd():
                    self._speech(item.speech_id).ended = True
                case SpeechCancel():
                    self._cancel(item.speech_id)
                case SpeechSkip():
                    for speech in self._speeches:
                        if speech.speech_id == item.speech_id:
                            speech.skip_to(item.offset)
                case KeyFrameRequest():
                    self._key_frame = True
            self._changed.set()
            # Full: the sender is held back until the frames have caught up.
            while sum(speech.ahead for speech in self._speeches) > self._max_ahead:
                self._progress.clear()
                await self._progress.wait()

    def _speech(self, speech_id: str) -> Speech:
        if not self._speeches or self._speeches[-1].speech_id != speech_id:
            options = self._options
            self._speeches.append(
                Speech(speech_id, options.sample_rate, options.frame_rate, self._workload.unit())
            )
        return self._speeches[-1]

    def _cancel(self, speech_id: str) -> None:
        for speech in [s for s in self._speeches if s.speech_id == speech_id]:
            speech.cancelled = True
            speech.unit.cancel()
            self._speeches.remove(speech)
        self._progress.set()
        self._cancelled.append(speech_id)

    async def _next_output(self) -> AnimationOutput | None:
        """What can be given now; None if something must happen first."""
        if self._cancelled:
            return self._announce_cancel(self._cancelled.popleft())
        speech = self._speeches[0] if self._speeches else None
        if speech is not None and (passed := speech.pass_over()):
            self._performance.skip(passed)
            self._progress.set()
        if speech is not None and speech.due > speech.made:
            return await self._speak(speech)
        if speech is not None and speech.complete:
            return self._end(speech)
        if self._idles() and monotonic() >= self._idle_due():
            return await self._idle()
        return None

    async def _wait(self) -> None:
        """Until an input changes something or an idle frame is due."""
        limit = max(self._idle_due() - monotonic(), 0.0) if self._idles() else None
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._changed.wait()

    def _announce_cancel(self, speech_id: str) -> SpeechCancelled:
        staged = self._on_stage
        # Unless the face rests already: then the speech has been seen to its end.
        if staged is not None and staged.speech_id == speech_id and not self._idle_made:
            shown = int((monotonic() - self._first_sent) * self._options.frame_rate) + 1
            self._performance.take_back(staged, shown)
            self._enter_phase(monotonic())
        return SpeechCancelled(speech_id)

    async def _speak(self, speech: Speech) -> FrameBatch | None:
        if speech is not self._on_stage:
            self._on_stage = speech
            self._first_sent = monotonic()
            speech.unit.begin()
            self._enter_phase(monotonic())
        count, arrived = speech.next_batch(_LARGEST_BATCH)
        began = monotonic()
        first_output = began
        frames: list[Frame] = []
        for _ in range(count):
            number = speech.made
            frame = await self._frame(number, self._performance.speak, speech, number)
            if speech.cancelled:
                return None
            if not frames:
                first_output = monotonic()
            speech.made += 1
            frames.append(frame)
        self._progress.set()
        timing = None
        if arrived is not None:
            timing = Timing(began - arrived, first_output - began, first_output - arrived)
        return FrameBatch(speech.speech_id, tuple(frames), timing)

    def _end(self, speech: Speech) -> SpeechEnded:
        self._speeches.popleft()
        self._progress.set()
        speech.unit.finish()
        # The face rests once the speech would have been played to its end.
        if speech is self._on_stage:
            self._enter_phase(max(monotonic(), self._first_sent + speech.duration))
        return SpeechEnded(speech.speech_id, speech.duration)

    def _idles(self) -> bool:
        """Whether the face may rest: nothing is being said, or nothing can be shown of it yet."""
        begun = bool(self._speeches) and self._speeches[0].made > 0
        return self._options.idle_frames and not begun

    def _idle_due(self) -> float:
        return self._idle_from + self._idle_made * self._step

    async def _idle(self) -> FrameBatch:
        # A consumer that was slow gets the face as it is now, not as it was.
        late = int((monotonic() - self._idle_due()) / self._step)
        self._performance.skip(late)
        number = self._idle_made + late
        self._idle_made = number + 1
        return FrameBatch("", (await self._frame(number, self._performance.rest),), None)

    def _enter_phase(self, start: float) -> None:
        """A speech or an idle phase begins, and decoding can begin with it."""
        self._performance.begin()
        self._key_frame = True
        self._idle_from = start
        self._idle_made = 0

    async def _frame(self, number: int, posed: Callable[..., Pose], *args: object) -> Frame:
        key, self._key_frame = self._key_frame, False
        data, is_key, shapes = await self._work(lambda: self._canvas.draw(posed(*args), key))
        return Frame(number * self._step, self._step, data, is_key, shapes)
