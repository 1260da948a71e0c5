"""The life of a stream, with a canvas that draws nothing."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest

from linly_animator.engine import (
    AnimationInput,
    AnimationOptions,
    AnimationOutput,
    FrameBatch,
    SpeechCancel,
    SpeechCancelled,
    SpeechChunk,
    SpeechEnd,
    SpeechEnded,
)
from linly_animator.engines.portrait.pose import Pose
from linly_animator.engines.portrait.stream import Stream
from linly_mesh.workload import Workload

RATE, FPS = 16_000, 25


class Canvas:
    """Counts what it is asked to draw; can be held up, or broken."""

    def __init__(self) -> None:
        self.drawn = 0
        self.drawing = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self.broken = False

    def draw(self, pose: Pose, key_frame: bool) -> tuple[bytes, bool, tuple[float, ...]]:
        self.drawing.set()
        assert self.go_on.wait(5)
        if self.broken:
            raise RuntimeError("no paint")
        self.drawn += 1
        return b"", key_frame, ()


class Play:
    """A stream, its inputs and its workload."""

    def __init__(self, *, idle_frames: bool = False, max_ahead: float = 120.0) -> None:
        self.canvas = Canvas()
        self.workload = Workload()
        self.inputs: asyncio.Queue[AnimationInput | None] = asyncio.Queue()
        self.taken = 0
        options = AnimationOptions("", 128, 128, FPS, RATE, False, False, idle_frames)
        self.stream = Stream(options, self.canvas, asyncio.to_thread, self.workload, max_ahead)  # type: ignore[arg-type]  # the canvas is all that is not real

    def run(self) -> Any:
        return aclosing(self.stream.run(self._given()))

    def say(self, speech_id: str, seconds: float) -> None:
        samples = np.zeros(round(seconds * RATE), np.float32)
        self.inputs.put_nowait(SpeechChunk(speech_id, samples, ()))

    async def _given(self) -> AsyncIterator[AnimationInput]:
        while (item := await self.inputs.get()) is not None:
            self.taken += 1
            yield item


async def first_frames(outputs: AsyncIterator[AnimationOutput], speech_id: str) -> FrameBatch:
    async for output in outputs:
        if isinstance(output, FrameBatch) and output.speech_id == speech_id:
            return output
    raise AssertionError("the stream ended")


async def test_a_stream_gives_all_of_its_speech_and_ends() -> None:
    play = Play()
    play.say("a", 1.0)
    play.inputs.put_nowait(SpeechEnd("a"))
    play.inputs.put_nowait(None)
    async with play.run() as outputs:
        given = [output async for output in outputs]
    assert sum(len(o.frames) for o in given if isinstance(o, FrameBatch)) == FPS
    assert given[-1] == SpeechEnded("a", 1.0)
    assert play.workload.snapshot().finished_total == 1


async def test_nothing_is_made_that_is_not_read() -> None:
    play = Play()
    play.say("a", 20.0)
    async with play.run() as outputs:
        await first_frames(outputs, "a")
        made = play.canvas.drawn
        for _ in range(50):
            await asyncio.sleep(0)
        assert play.canvas.drawn == made == 1
    assert play.workload.snapshot().cancelled_total == 1


async def test_a_sender_that_is_far_ahead_is_held_back() -> None:
    play = Play(max_ahead=1.0)
    for _ in range(10):
        play.say("a", 0.8)
    async with play.run() as outputs:
        await first_frames(outputs, "a")
        assert play.taken == 2
        play.inputs.put_nowait(SpeechEnd("a"))
        async for output in outputs:
            if isinstance(output, SpeechEnded):
                break
        assert play.taken == 11


async def test_decoding_can_begin_after_a_cancel_in_the_middle_of_a_frame() -> None:
    play = Play(idle_frames=True)
    async with play.run() as outputs:
        await first_frames(outputs, "")
        play.canvas.go_on.clear()
        play.canvas.drawing.clear()
        play.say("a", 5.0)
        following = asyncio.create_task(anext(outputs))
        while not (play.canvas.drawing.is_set() and play.workload.snapshot().active):
            await asyncio.sleep(0.001)
        play.inputs.put_nowait(SpeechCancel("a"))
        while not play.workload.snapshot().cancelled_total:
            await asyncio.sleep(0.001)
        play.canvas.go_on.set()
        output = await following
        while isinstance(output, FrameBatch):
            assert output.speech_id == ""
            output = await anext(outputs)
        assert output == SpeechCancelled("a")
        assert (await first_frames(outputs, "")).frames[0].key_frame


async def test_idle_offsets_keep_rising_when_a_speech_is_cancelled_that_is_long_over() -> None:
    play = Play(idle_frames=True)
    async with play.run() as outputs:
        play.say("a", 0.08)
        play.inputs.put_nowait(SpeechEnd("a"))
        await first_frames(outputs, "a")
        offsets = [(await first_frames(outputs, "")).frames[0].offset for _ in range(3)]
        play.inputs.put_nowait(SpeechCancel("a"))
        offsets += [(await first_frames(outputs, "")).frames[0].offset for _ in range(3)]
    assert offsets == sorted(set(offsets))


async def test_a_canvas_that_breaks_fails_the_speech() -> None:
    play = Play()
    play.canvas.broken = True
    play.say("a", 1.0)
    async with play.run() as outputs:
        with pytest.raises(RuntimeError, match="no paint"):
            await anext(outputs)
    assert play.workload.snapshot().failed_total == 1


async def test_a_bad_input_ends_the_stream_at_once() -> None:
    play = Play()

    async def broken() -> AsyncIterator[AnimationInput]:
        yield SpeechEnd("a")
        raise ValueError("nonsense")

    async with aclosing(play.stream.run(broken())) as outputs:
        with pytest.raises(ValueError, match="nonsense"):
            [output async for output in outputs]
