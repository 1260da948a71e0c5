"""An animator whose frames are noise of a fixed size."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import grpc

from linly.animator.v1 import animator_pb2, animator_pb2_grpc
from linly.common.v1 import common_pb2
from linly_mesh.errors import ServiceError
from linly_mesh.rpc.convert import to_duration, to_seconds
from linly_mesh.rpc.draining import Draining
from linly_mesh.rpc.requests import RequestReader
from linly_mesh.rpc.server import Registration
from linly_mesh.workload import Workload

_Response = animator_pb2.StreamingAnimateResponse


class FakeAnimator(animator_pb2_grpc.AnimatorServiceServicer):
    """One frame for each 40 ms of audio, some time later."""

    def __init__(self) -> None:
        self.workload = Workload()
        self.frame_bytes = 1024
        self.frame_delay = 0.0
        """Seconds from a frame's audio to the frame; later frames are not held up by it."""
        self.idle_period: float | None = None
        """Seconds between idle frames; None for none."""
        self.error: ServiceError | None = None
        self.silent = False
        self.deaf = False
        """Takes nothing after its config."""
        self.greeting = asyncio.Event()
        """Cleared, it holds back the header of new streams and the answer to an image."""
        self.greeting.set()
        self.hearing = asyncio.Event()
        """Cleared, what was sent lies unread."""
        self.hearing.set()
        self.known_avatars: set[str] = {""}
        self.sessions = 0
        self.made = 0.0
        """Seconds of video made so far."""
        self.skips = 0
        self.key_frames_asked = 0
        self.draining = Draining()

    @property
    def registration(self) -> Registration:
        return Registration(
            animator_pb2.DESCRIPTOR.services_by_name["AnimatorService"],
            self,
            animator_pb2_grpc.add_AnimatorServiceServicer_to_server,
        )

    async def CreateAvatar(self, request_iterator, context) -> animator_pb2.CreateAvatarResponse:
        image = b"".join([request.image async for request in request_iterator])
        await self.greeting.wait()
        avatar_id = f"avatar-{len(image)}"
        self.known_avatars.add(avatar_id)
        return animator_pb2.CreateAvatarResponse(avatar_id=avatar_id, face_count=1)

    async def StreamingAnimate(self, request_iterator, context) -> AsyncIterator[_Response]:
        reader = RequestReader(request_iterator)
        config = (await reader.config()).config
        if self.error is not None:
            raise self.error
        if config.avatar_id not in self.known_avatars:
            code = grpc.StatusCode.FAILED_PRECONDITION
            raise ServiceError(code, "AVATAR_UNKNOWN", "no such avatar")
        self.sessions += 1
        await self.greeting.wait()
        yield _Response(
            header=animator_pb2.AnimationHeader(
                codec_string="avc1.42c01f", width=512, height=512, frame_rate=25
            )
        )
        outgoing: asyncio.Queue[tuple[float, _Response] | None] = asyncio.Queue(64)
        session = _Session(self, 2 * config.sample_rate_hertz, outgoing)
        spoken = self._animate(reader, config, session, outgoing)
        async for response in self.draining.until_at_rest(spoken, lambda: session.at_rest):
            yield response

    async def _animate(self, reader, config, session, outgoing) -> AsyncGenerator[_Response, None]:
        if self.deaf:
            await asyncio.Event().wait()
        tasks = [asyncio.create_task(session.read(reader))]
        if self.idle_period is not None and config.idle_frames:
            tasks.append(asyncio.create_task(session.idle()))
        try:
            while (item := await outgoing.get()) is not None:
                due, response = item
                wait = due - asyncio.get_running_loop().time()
                if wait > 0:
                    await asyncio.sleep(wait)
                if session.wanted(response):
                    yield response
            await tasks[0]
        finally:
            for task in tasks:
                task.cancel()
            session.gone()

    async def GetCapabilities(self, request, context) -> animator_pb2.GetCapabilitiesResponse:
        return animator_pb2.GetCapabilitiesResponse(
            service=common_pb2.ServiceInfo(name="animator", version="0.1.0", engine="fake")
        )


class _Session:
    def __init__(self, animator: FakeAnimator, rate: int, outgoing: asyncio.Queue) -> None:
        self._animator = animator
        self._rate = rate
        self._frame_audio = rate // 25
        self._outgoing = outgoing
        self._speech_id = ""
        self._cancelled: set[str] = set()
        self._received = 0
        self._framed = 0
        self._skip_until = 0.0
        self._key_frame = True
        self._idle = 0
        self._unit = None
        self._under_way: set[str] = set()

    def wanted(self, response: _Response) -> bool:
        """Leaves out what was cancelled or skipped since; a frame counts as made from here."""
        kind = response.WhichOneof("response")
        if kind in ("speech_ended", "speech_cancelled"):
            self._under_way.discard(getattr(response, kind).speech_id)
        if kind != "frames" or not response.frames.speech_id:
            return True
        frames = response.frames
        kept = [f for f in frames.frames if to_seconds(f.offset) >= self._skip_until]
        if frames.speech_id in self._cancelled or not kept:
            return False
        del frames.frames[:]
        frames.frames.extend(kept)
        self._animator.made += 0.04 * len(kept)
        return True

    @property
    def at_rest(self) -> bool:
        return not self._under_way

    def gone(self) -> None:
        if self._unit is not None:
            self._unit.cancel()

    async def read(self, reader: RequestReader) -> None:
        try:
            async for kind, request in reader:
                await self._animator.hearing.wait()
                match kind:
                    case "speech":
                        await self._speech(request.speech)
                    case "end_speech":
                        await self._end(request.end_speech.speech_id)
                    case "cancel_speech":
                        await self._cancel(request.cancel_speech.speech_id)
                    case "skip":
                        self._animator.skips += 1
                        self._skip_until = to_seconds(request.skip.offset)
                    case "key_frame":
                        self._animator.key_frames_asked += 1
                        self._key_frame = True
        finally:
            await self._outgoing.put(None)

    async def idle(self) -> None:
        while True:
            await asyncio.sleep(self._animator.idle_period)
            if not self._speech_id:
                number = self._idle.to_bytes(4, "big")
                frame = animator_pb2.Frame(data=b"idle" + number, key_frame=self._key_frame)
                self._key_frame = False
                self._idle += 1
                frames = animator_pb2.Frames(frames=[frame])
                await self._outgoing.put((0.0, _Response(frames=frames)))

    async def _speech(self, speech: animator_pb2.SpeechInput) -> None:
        if speech.speech_id != self._speech_id:
            self._speech_id = speech.speech_id
            self._received = self._framed = 0
            self._skip_until = 0.0
            self._unit = self._animator.workload.unit()
            self._unit.begin()
            self._under_way.add(speech.speech_id)
        if self._animator.silent:
            return
        self._received += len(speech.audio)
        await self._frames(self._received // self._frame_audio)

    async def _frames(self, until: int) -> None:
        message = animator_pb2.Frames(speech_id=self._speech_id)
        for index in range(self._framed, until):
            message.frames.add(
                offset=to_duration(index * 0.04),
                duration=to_duration(0.04),
                data=bytes(self._animator.frame_bytes),
                key_frame=index == 0 or self._key_frame,
            )
            self._key_frame = False
        self._framed = max(self._framed, until)
        if message.frames:
            delay = self._animator.frame_delay
            message.timing.first_output.CopyFrom(to_duration(delay))
            due = asyncio.get_running_loop().time() + delay
            await self._outgoing.put((due, _Response(frames=message)))

    async def _end(self, speech_id: str) -> None:
        if self._animator.silent:
            return
        await self._frames(-(-self._received // self._frame_audio))
        duration = to_duration(self._received / self._rate)
        ended = animator_pb2.SpeechEnded(speech_id=speech_id, duration=duration)
        await self._outgoing.put((0.0, _Response(speech_ended=ended)))
        self._unit.finish()
        self._speech_id = ""

    async def _cancel(self, speech_id: str) -> None:
        self._cancelled.add(speech_id)
        self._unit.cancel()
        self._speech_id = ""
        cancelled = animator_pb2.SpeechCancelled(speech_id=speech_id)
        await self._outgoing.put((0.0, _Response(speech_cancelled=cancelled)))
