"""Engine `portrait`: moves the face on one still image. Needs no GPU."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

import cv2

from linly_animator.config import Settings
from linly_animator.engine import (
    AnimationInput,
    AnimationOptions,
    AnimationOutput,
    Avatar,
    BusyError,
    Header,
)
from linly_animator.engines.portrait import blendshapes
from linly_animator.engines.portrait.avatars import AvatarStore
from linly_animator.engines.portrait.canvas import Canvas
from linly_animator.engines.portrait.landmarks import FaceFinder
from linly_animator.engines.portrait.stream import Stream
from linly_animator.weights import FACE
from linly_mesh.weights import weights_folder
from linly_mesh.workload import Workload

_USUAL_SIZE = (512, 512)


class PortraitEngine:
    """Animates many streams on a few threads.

    A frame is one job, and a stream has one job at a time, so the streams take turns.
    """

    model = "mediapipe-face-landmark-468"
    keypoints = 468
    blendshape_names = blendshapes.NAMES

    def __init__(self, settings: Settings, workload: Workload) -> None:
        self.max_streams = settings.max_streams
        self._settings = settings
        self._workload = workload
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="portrait")
        self._streams = 0
        self._images = 0
        self._avatars: AvatarStore | None = None

    async def start(self) -> None:
        """Loads the face models and prepares the shipped portrait."""
        # Streams share the threads of the engine; OpenCV must not start more of its own.
        cv2.setNumThreads(1)
        await self._work(self._load)

    async def stop(self) -> None:
        """Ends the threads once the frames in hand are done."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    async def create_avatar(self, image: bytes) -> Avatar:
        """See AnimatorEngine."""
        if self._images >= self._settings.max_uploads:
            raise BusyError("too many images are being prepared")
        self._images += 1
        try:
            avatar: Avatar = await self._work(self._store.create, image)
            return avatar
        finally:
            self._images -= 1

    async def animate(
        self, options: AnimationOptions, inputs: AsyncIterator[AnimationInput]
    ) -> AsyncGenerator[AnimationOutput, None]:
        """See AnimatorEngine."""
        if self._streams >= self.max_streams:
            raise BusyError("too many streams are being animated")
        self._streams += 1
        try:
            canvas = await self._work(self._canvas, options)
            yield Header(canvas.codec_string)
            stream = Stream(
                options, canvas, self._work, self._workload, self._settings.max_speech_ahead
            )
            async with aclosing(stream.run(inputs)) as outputs:
                async for output in outputs:
                    yield output
        finally:
            self._streams -= 1

    @property
    def _store(self) -> AvatarStore:
        if self._avatars is None:
            raise RuntimeError("the engine has not been started")
        return self._avatars

    def _load(self) -> None:
        models = self._settings.models or weights_folder(FACE)
        self._avatars = AvatarStore(FaceFinder(models), self._settings.avatars)
        portrait = self._settings.portrait or _shipped_portrait()
        default = self._avatars.create_default(portrait.read_bytes())
        self._avatars.renderer(default.avatar_id, *_USUAL_SIZE)

    def _canvas(self, options: AnimationOptions) -> Canvas:
        renderer = self._store.renderer(options.avatar_id, options.width, options.height)
        return Canvas(renderer, options)

    async def _work(self, function: Any, *args: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(function, *args))


def create(settings: Settings, workload: Workload) -> PortraitEngine:
    """The engine's factory."""
    return PortraitEngine(settings, workload)


def _shipped_portrait() -> Path:
    """Beside the package in a checkout, inside it once installed."""
    package = Path(__file__).parents[2]
    inside = package / "portraits" / "default.png"
    return inside if inside.exists() else package.parent / "portraits" / "default.png"
