"""The animator."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc

from linly.animator.v1 import animator_pb2, animator_pb2_grpc
from linly.common.v1 import common_pb2
from linly.talk.v1 import talk_pb2
from linly.tts.v1 import tts_pb2
from linly_mesh.rpc.duplex import DuplexCall
from linly_mesh.rpc.status import error_info
from linly_orchestrator.channel import Channel
from linly_orchestrator.stages.animated import AnimatedSpeech, Request, Response
from linly_orchestrator.stages.errors import (
    StageError,
    StallGuard,
    calling,
    first_stage_error,
    raise_if_cancelled,
    stream_ended,
)
from linly_orchestrator.stages.limits import StageLimits
from linly_orchestrator.stages.reaching import reach, reached_duplex

STAGE = "animator"
_OUTGOING = 5.0
"""Seconds of speech that may wait for the animator: sound is not held up by a slow picture."""
_IMAGE_CHUNK = 256 << 10


class Animation:
    """The portrait of one talk: one long stream, opened anew after a failure."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        limits: StageLimits,
        config: talk_pb2.TalkConfig,
        audio: tts_pb2.AudioHeader,
        on_idle: Callable[[animator_pb2.Frames], bool],
    ) -> None:
        """Animates as the talk asks.

        ``on_idle`` takes the frames between speeches, and says whether it had room for them.
        """
        self._stub = animator_pb2_grpc.AnimatorServiceStub(channel)
        self._limits = limits
        self._image = config.image
        self._config = _animation_config(config, audio)
        self._on_idle = on_idle
        sample_bytes = 2 if audio.encoding == common_pb2.AUDIO_ENCODING_LINEAR16 else 1
        self._bytes_per_second = sample_bytes * audio.sample_rate_hertz
        self._session: asyncio.Task[None] | None = None
        self._outgoing = self._queue()
        self._speech: AnimatedSpeech | None = None
        self._presented: AnimatedSpeech | None = None
        self._place_lost = False
        self._key_frame_asked = False
        self.avatar_id = config.avatar_id
        self.notices: Sequence[str] = ()

    async def create_avatar(self, timeout: float | None) -> None:
        """Gives the talk's image, if it brought one, to the animator."""
        if self._image:
            guard = StallGuard(STAGE, self._limits.first_output, self._limits.gap)
            guard.owe()

            async def create() -> animator_pb2.CreateAvatarResponse:
                call = self._stub.CreateAvatar(self._image_requests(), timeout=timeout)
                return await guard.read(lambda: call)

            with calling(STAGE):
                answer = await reach(STAGE, self._limits.connect, create)
            self.avatar_id = answer.avatar_id
            self.notices = tuple(answer.notices)
        self._config.avatar_id = self.avatar_id

    async def open(
        self, group: asyncio.TaskGroup, timeout: float | None
    ) -> animator_pb2.AnimationHeader:
        """Opens the stream, which then lives in ``group``, and returns its header."""
        self._outgoing = self._queue()
        opened: asyncio.Future[animator_pb2.AnimationHeader] = (
            asyncio.get_running_loop().create_future()
        )
        self._session = group.create_task(self._run(self._outgoing, opened, timeout))
        return await opened

    @asynccontextmanager
    async def speech(
        self,
        speech_id: str,
        group: asyncio.TaskGroup,
        timeout: float | None,
        arrived: Callable[[animator_pb2.Frames], None],
    ) -> AsyncIterator[AnimatedSpeech]:
        """Begins a speech; leaving the block before its last frame cancels it."""
        if self._session is None or self._session.done():
            await self.open(group, timeout)
        speech = self._speech = AnimatedSpeech(speech_id, self._outgoing, arrived)
        self._presented = speech
        complete = False
        try:
            yield speech
            complete = True
        finally:
            speech.frames.abandon()
            self._presented = None
            if not complete:
                self._place_lost, self._key_frame_asked = True, False
            if self._speech is speech:
                self._speech = None
                self._outgoing.discard(speech.owns)
                if speech.begun:
                    cancel = animator_pb2.CancelSpeech(speech_id=speech_id)
                    self._outgoing.put_now(Request(cancel_speech=cancel))

    def close(self) -> None:
        """Ends the stream."""
        if self._session is not None:
            self._session.cancel()

    async def _run(
        self,
        outgoing: Channel[Request],
        opened: asyncio.Future[animator_pb2.AnimationHeader],
        timeout: float | None,
    ) -> None:
        error: StageError | None = None
        while error is None or self._is_worth_repeating(error):
            raise_if_cancelled()
            bring_avatar = error is not None and not error.draining
            try:
                if bring_avatar:  # a new replica is given the image again
                    await self.create_avatar(timeout)
                await self._perform(outgoing, opened, timeout)
            except* StageError as failures:
                error = first_stage_error(failures)
            if bring_avatar and error is not None and _lacks_avatar(error):
                break
        self._fail(error, opened)

    def _is_worth_repeating(self, error: StageError) -> bool:
        """Whether the next server can do what this one has not begun.

        One that lacks the avatar is given it. One that is being replaced ends the stream at
        rest: idle frames go on from the next one, and a speech that was on its way is given to
        it from the start.
        """
        if _lacks_avatar(error):
            return bool(self._image)
        if self._speech is None:
            return error.draining and self._config.idle_frames
        return error.draining and not self._speech.shown

    async def _perform(
        self,
        outgoing: Channel[Request],
        opened: asyncio.Future[animator_pb2.AnimationHeader],
        timeout: float | None,
    ) -> None:
        """One stream, from its opening to its end, which is always an error."""
        guard = StallGuard(STAGE, self._limits.first_output, self._limits.gap)
        guard.owe()
        with calling(STAGE):
            method = self._stub.StreamingAnimate
            async with reached_duplex(STAGE, self._limits.connect, method, timeout) as call:
                await call.write(Request(config=self._config))
                response = await guard.read(call.read)
                if response is None:
                    raise stream_ended(STAGE)
                guard.settle()
                if not opened.done():  # the turn that asked for it may have been interrupted
                    opened.set_result(response.header)
                async with asyncio.TaskGroup() as group:
                    writer = group.create_task(self._write(call, outgoing, guard))
                    try:
                        await self._read(call, guard)
                    finally:
                        writer.cancel()

    async def _write(
        self, call: DuplexCall[Request, Any], outgoing: Channel[Request], guard: StallGuard
    ) -> None:
        # A task of its own: turns are cancelled all the time, and a write that is cancelled
        # half-way would end the stream for good.
        with calling(STAGE):
            for request in self._speech.unanswered() if self._speech is not None else ():
                await call.write(request)
            if self._speech is not None and self._speech.due:
                guard.owe()
            async for request in outgoing:
                speech = self._speech
                if speech is not None and speech.owns(request):
                    speech.passed_on(request, self._seconds(request))
                    if speech.due:
                        guard.owe()
                await call.write(request)

    async def _read(self, call: DuplexCall[Any, Response], guard: StallGuard) -> None:
        while (response := await _next(call, guard)) is not None:
            kind = response.WhichOneof("response")
            speech = self._speech
            if kind == "frames" and not response.frames.speech_id:
                self._idle(response.frames)
            elif speech is not None and speech.gave(response):
                if kind == "frames":
                    await self._spoken(speech, response.frames)
                elif kind == "speech_ended":
                    self._speech = None
                    speech.frames.close()
            if self._speech is None or not self._speech.due:
                guard.settle()
        raise stream_ended(STAGE)

    async def _spoken(self, speech: AnimatedSpeech, frames: animator_pb2.Frames) -> None:
        if frames.frames[0].key_frame:
            self._place_lost = self._key_frame_asked = False
        speech.presented(frames)
        speech.arrived(frames)
        await speech.frames.put(frames)

    def _idle(self, frames: animator_pb2.Frames) -> None:
        # A decoder can't go on after a frame that it never got: once one is left out, the
        # next to be shown must be a key frame.
        speaking = self._presented is not None and self._presented.shown
        if frames.frames[0].key_frame:
            self._place_lost = self._key_frame_asked = False
        if speaking or self._place_lost or not self._on_idle(frames):
            self._place_lost = True
        if self._place_lost and not speaking and not self._key_frame_asked:
            self._key_frame_asked = True
            self._outgoing.put_now(Request(key_frame=animator_pb2.KeyFrame()))

    def _fail(
        self, error: StageError, opened: asyncio.Future[animator_pb2.AnimationHeader]
    ) -> None:
        if not opened.done():
            opened.set_exception(error)
        elif self._speech is not None:
            speech, self._speech = self._speech, None
            speech.frames.close(error)

    def _queue(self) -> Channel[Request]:
        return Channel(_OUTGOING, self._seconds)

    def _seconds(self, request: Request) -> float:
        return len(request.speech.audio) / self._bytes_per_second

    async def _image_requests(self) -> AsyncIterator[animator_pb2.CreateAvatarRequest]:
        yield animator_pb2.CreateAvatarRequest(config=animator_pb2.AvatarConfig())
        for start in range(0, len(self._image), _IMAGE_CHUNK):
            chunk = self._image[start : start + _IMAGE_CHUNK]
            yield animator_pb2.CreateAvatarRequest(image=chunk)


def _lacks_avatar(error: StageError) -> bool:
    info = error_info(error.status)
    return info is not None and info.reason == "AVATAR_UNKNOWN"


async def _next(call: DuplexCall[Any, Response], guard: StallGuard) -> Response | None:
    with calling(STAGE):
        return await guard.read(call.read)


def _animation_config(
    config: talk_pb2.TalkConfig, audio: tts_pb2.AudioHeader
) -> animator_pb2.AnimationConfig:
    animation = animator_pb2.AnimationConfig(
        blendshapes=config.output.blendshapes,
        audio_encoding=audio.encoding,
        sample_rate_hertz=audio.sample_rate_hertz,
    )
    if config.output.HasField("video"):
        video = config.output.video
        animation.codec = video.codec or animator_pb2.VIDEO_CODEC_H264
        animation.idle_frames = video.idle_frames
        for name in ("width", "height", "frame_rate"):
            if video.HasField(name):
                setattr(animation, name, getattr(video, name))
    return animation
