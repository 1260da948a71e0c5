"""One reply, from its text to the client's ears and eyes."""

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from linly.animator.v1 import animator_pb2
from linly.talk.v1 import talk_pb2
from linly.tts.v1 import tts_pb2
from linly_mesh.rpc.convert import to_duration, to_seconds
from linly_orchestrator import clock
from linly_orchestrator.channel import Channel
from linly_orchestrator.playback import Playback
from linly_orchestrator.stages.animated import AnimatedSpeech
from linly_orchestrator.stages.animation import Animation
from linly_orchestrator.stages.speech import REPORT, Speech, SpeechCall
from linly_orchestrator.timeline import Timeline

_TEXT_AHEAD = 64
"""Pieces of text that wait for the speech service; then the language model waits."""
_AUDIO_AHEAD = 2
"""Messages of audio that wait to be sent, 80 ms each at most; then the speech service waits."""
_LATE = 0.1
"""Seconds that a frame may be behind its audio before later ones are left out for it."""

Emit = Callable[[talk_pb2.ConverseResponse], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Written:
    """More text of a reply."""

    text: str
    """May be none: the end completes a clause as well."""
    elapsed: float = 0.0
    """Seconds of the language model's own time up to this text."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How a talk's replies become sound and picture."""

    speech: Speech
    bytes_per_second: int
    """Of the audio."""
    send_audio: bool
    animation: Animation | None


class Reply:
    """Everything overlaps: speech begins with the first clause, frames with the first audio.

    A reply may be prepared before it is known to be wanted: nothing of it leaves, and the
    portrait does not move, until ``released``.
    """

    def __init__(
        self,
        reply_id: str,
        voice: Voice | None,
        emit: Emit,
        timeline: Timeline,
        playback: Playback,
        time_remaining: Callable[[], float | None],
    ) -> None:
        """A reply without a voice is text alone."""
        self.text = ""
        """Written so far."""
        self.complete = False
        """Everything has been sent."""
        self.released = asyncio.Event()
        self._id = reply_id
        self._voice = voice
        self._emit = emit
        self._timeline = timeline
        self._playback = playback
        self._time_remaining = time_remaining
        self._words: list[tts_pb2.WordTiming] = []
        self._sent = 0
        """Code points sent."""
        self._unsent: Channel[str] = Channel(math.inf)
        self._unspoken: Channel[Written] = Channel(_TEXT_AHEAD)
        self._audio: Channel[tts_pb2.SpeechChunk] = Channel(_AUDIO_AHEAD)
        self._audio_complete = False

    async def run(self, source: AsyncGenerator[Written, None], sessions: asyncio.TaskGroup) -> None:
        """Makes and sends the reply; returns when all of it has been sent.

        Args:
            source: the text as it is written.
            sessions: where a portrait's stream lives that has to be opened anew.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write(source))
            group.create_task(self._send_text())
            if self._voice is not None:
                group.create_task(self._perform(self._voice, sessions))
        self.complete = True

    def heard(self, played: float) -> str:
        """The text that was heard when playback stopped after ``played`` seconds."""
        if self._voice is None:
            return self.text[: self._sent]  # read, in fact
        if self.complete and self._playback.is_end(played):
            return self.text
        begun = [w.end_code_point for w in self._words if to_seconds(w.offset) < played]
        return self.text[: max(begun, default=0)]

    async def _write(self, source: AsyncGenerator[Written, None]) -> None:
        async with aclosing(source):
            async for written in source:
                if written.text:
                    self.text += written.text
                    self._unsent.put_now(written.text)
                if self._voice is not None:
                    await self._unspoken.put(written)
        self._unsent.close()
        self._unspoken.close()

    async def _send_text(self) -> None:
        await self.released.wait()
        async for waiting in self._unsent.batches():
            text = "".join(waiting)
            await self._emit(talk_pb2.ConverseResponse(reply_text=talk_pb2.ReplyText(text=text)))
            self._sent += len(text)

    async def _perform(self, voice: Voice, sessions: asyncio.TaskGroup) -> None:
        async with (
            voice.speech.open(self._time_remaining()) as call,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(self._pass_on(call))
            reporting = group.create_task(self._report(call))
            group.create_task(self._speak(call, reporting))
            group.create_task(self._present(voice, sessions))

    async def _pass_on(self, call: SpeechCall) -> None:
        async for waiting in self._unspoken.batches():
            self._timeline.tts.began()
            if self._timeline.tts.first_output is None:
                self._timeline.text_passed_on.append((clock.now(), waiting[-1].elapsed))
            if text := "".join(written.text for written in waiting):
                await call.write(text)
        await call.end()

    async def _report(self, call: SpeechCall) -> None:
        """Tells the speech service how far the client is, up to the end of the speech."""
        reported = 0.0
        while True:
            await self._playback.passed_beyond(reported + REPORT)
            reported = self._playback.passed_on
            await call.passed_on(reported)

    async def _speak(self, call: SpeechCall, reporting: "asyncio.Task[None]") -> None:
        await call.header()
        async for chunk in call.chunks():
            self._timeline.tts.gave(chunk.timing if chunk.HasField("timing") else None)
            self._words.extend(chunk.words)
            await self._audio.put(chunk)
        reporting.cancel()
        self._audio.close()

    async def _present(self, voice: Voice, sessions: asyncio.TaskGroup) -> None:
        await self.released.wait()
        if voice.animation is None:
            await self._present_audio(voice, None)
            return
        first = await self._audio.get()
        if first is None:  # nothing to say: the portrait stays at rest
            return
        timeout = self._time_remaining()
        async with (
            voice.animation.speech(self._id, sessions, timeout, self._frames_arrived) as animated,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(self._present_audio(voice, animated, first))
            group.create_task(self._present_frames(animated))

    async def _present_audio(
        self,
        voice: Voice,
        animated: AnimatedSpeech | None,
        first: tts_pb2.SpeechChunk | None = None,
    ) -> None:
        chunk = first or await self._audio.get()
        while chunk is not None:
            if animated is not None:
                self._timeline.animator.began()
                await animated.write(chunk.audio, chunk.visemes)
            duration = len(chunk.audio) / voice.bytes_per_second
            end = to_seconds(chunk.offset) + duration
            await self._playback.due(end)
            if voice.send_audio:
                await self._emit(_audio_event(chunk, duration))
                if self._timeline.first_audio is None:
                    self._timeline.first_audio = clock.now()
            self._playback.audio_sent(end)
            chunk = await self._audio.get()
        self._audio_complete = True
        self._playback.all_sent()
        if animated is not None:
            await animated.end()

    async def _present_frames(self, animated: AnimatedSpeech) -> None:
        timeline, playback = self._timeline, self._playback
        frame = end = 0.0
        async for frames in animated.frames:
            expected, last = end, frames.frames[-1]
            begin, frame = to_seconds(frames.frames[0].offset), to_seconds(last.duration)
            end = to_seconds(last.offset) + frame
            await playback.covered(begin, lambda: self._audio_complete)
            await playback.due(end)
            await self._emit(talk_pb2.ConverseResponse(frames=frames))
            if timeline.first_frame is None:
                timeline.first_frame = clock.now()
            timeline.frames_sent += len(frames.frames)
            if frame:
                timeline.frames_dropped += round((end - expected) / frame) - len(frames.frames)
            if playback.real_time:
                late = playback.clock - begin
                timeline.av_offset = max(timeline.av_offset or late, late)
                if late > _LATE:  # but what has not been heard yet can't be late
                    animated.skip(min(playback.clock + _LATE, playback.sent))
        if frame:
            timeline.frames_dropped += max(0, math.floor((playback.sent - end) / frame + 1e-6))

    def _frames_arrived(self, frames: animator_pb2.Frames) -> None:
        self._timeline.animator.gave(frames.timing if frames.HasField("timing") else None)


def _audio_event(chunk: tts_pb2.SpeechChunk, duration: float) -> talk_pb2.ConverseResponse:
    audio = talk_pb2.SpeechAudio(
        audio=chunk.audio,
        offset=chunk.offset,
        duration=to_duration(duration),
        visemes=chunk.visemes,
    )
    for word in chunk.words:
        audio.words.add(
            start_code_point=word.start_code_point,
            end_code_point=word.end_code_point,
            offset=word.offset,
            duration=word.duration,
        )
    return talk_pb2.ConverseResponse(audio=audio)
