"""One talk: what the client sends, and what comes of it."""

import asyncio
from collections.abc import AsyncIterator, Callable

from linly.animator.v1 import animator_pb2
from linly.talk.v1 import talk_pb2
from linly_mesh.rpc.requests import RequestReader
from linly_mesh.rpc.status import to_status
from linly_mesh.workload import Workload
from linly_orchestrator import clock
from linly_orchestrator.config import Settings
from linly_orchestrator.hearing import Hearing
from linly_orchestrator.history import History
from linly_orchestrator.outbox import Outbox
from linly_orchestrator.performance import Performance
from linly_orchestrator.preparation import check_audio, check_text, prepare_voice
from linly_orchestrator.stages.channels import Stages
from linly_orchestrator.stages.language import Language
from linly_orchestrator.stages.listening import Listening
from linly_orchestrator.turn import Turn
from linly_orchestrator.turntaking import TurnTaking

_Cause = talk_pb2.TurnStarted
_Reason = talk_pb2.Interrupted


class Talk:
    """Takes the client's messages, begins turns for them and passes their events on."""

    def __init__(
        self,
        config: talk_pb2.TalkConfig,
        settings: Settings,
        stages: Stages,
        workload: Workload,
        time_remaining: Callable[[], float | None],
    ) -> None:
        """A talk as ``config`` asks, with what remains of the caller's deadline."""
        self._config = config
        self._settings = settings
        self._stages = stages
        self._time_remaining = time_remaining
        self._outbox = Outbox()
        instruction = config.system_instruction or settings.system_instruction
        self._history = History(instruction, config.history, settings.history_messages)
        self._turns = TurnTaking(config, settings, self._outbox, self._history, workload)
        self._listening: Listening | None = None
        self._hearing: Hearing | None = None
        if config.HasField("audio_input"):
            listening = self._listening = Listening(stages.asr, stages.limits, config)
            self._hearing = Hearing(self._begin_speech, lambda: listening.arrivals)

    async def run(self, reader: RequestReader[talk_pb2.ConverseRequest]) -> None:
        """Talks until the client has nothing more to say and everything is answered."""
        try:
            async with asyncio.TaskGroup() as sessions:
                voice, started = await prepare_voice(
                    self._config, self._stages, sessions, self._time_remaining(), self._idle
                )
                await self._outbox.put(talk_pb2.ConverseResponse(started=started))
                performance = Performance(
                    self._config,
                    Language(self._stages.llm, self._stages.limits),
                    self._history,
                    voice,
                    self._time_remaining,
                    speculate=self._settings.speculate,
                )
                async with asyncio.TaskGroup() as work:
                    work.create_task(self._receive(reader))
                    work.create_task(self._turns.run(performance, sessions))
                if voice is not None and voice.animation is not None:
                    voice.animation.close()
        finally:
            self._outbox.close()

    async def at_rest(self) -> None:
        """Waits until everything the client has asked for so far is answered."""
        await self._turns.at_rest()

    def end(self, error: Exception) -> None:
        """Ends the talk with ``error`` once the events so far have been sent."""
        self._outbox.close(error)

    async def events(self) -> AsyncIterator[talk_pb2.ConverseResponse]:
        """What to send; ask for the next event once the last one is on its way."""
        async for event in self._outbox:
            yield event
            if event.HasField("interrupted"):
                self._turns.interruption_told()

    async def _receive(self, reader: RequestReader[talk_pb2.ConverseRequest]) -> None:
        async with asyncio.TaskGroup() as group:
            if self._listening is not None and self._hearing is not None:
                heard = self._hearing.heard
                group.create_task(self._listening.run(heard, self._time_remaining))
            async for kind, request in reader:
                await self._take(kind, request)
            self._turns.no_more_reports()
            if self._listening is not None:
                await self._end_of_audio()
                self._listening.close()
        self._turns.close()

    async def _take(self, kind: str, request: talk_pb2.ConverseRequest) -> None:
        match kind:
            case "audio":
                check_audio(self._config, request.audio)
                if self._listening is not None and self._hearing is not None and request.audio:
                    self._hearing.audio_received()
                    await self._listening.hear(request.audio)
            case "end_of_audio":
                await self._end_of_audio()
            case "text":
                await self._turns.room()
                text = request.text.text
                turn = self._turns.begin(_Cause.CAUSE_TEXT, text, interrupts=_Reason.CAUSE_TEXT)
                _check(turn, "text.text")
            case "say":
                await self._turns.room()
                _check(self._turns.begin(_Cause.CAUSE_SAY, request.say.text), "say.text")
            case "interrupt":
                self._turns.interrupt_asked(request.interrupt)
            case "playback":
                self._turns.played(request.playback)
            case "progress":
                self._turns.read(request.progress)

    async def _end_of_audio(self) -> None:
        listening, hearing = self._listening, self._hearing
        if listening is not None and hearing is not None and hearing.flush_requested():
            await listening.flush()

    def _begin_speech(self, *, interrupts: bool) -> Turn:
        reason = _Reason.CAUSE_SPEECH if interrupts else None
        return self._turns.begin(_Cause.CAUSE_SPEECH, interrupts=reason)

    def _idle(self, frames: animator_pb2.Frames) -> bool:
        # Idle frames are expendable: a client that does not keep up simply gets fewer.
        event = talk_pb2.ConverseResponse(frames=frames, generation=self._outbox.generation)
        return self._outbox.offer(event)


def _check(turn: Turn, field: str) -> None:
    turn.timeline.input_end = clock.now()
    if (error := check_text(field, turn.text)) is not None:
        turn.refused = to_status(error, "talk")
