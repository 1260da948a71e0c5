"""One talk: what the client sends, and the turns that come of it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

import grpc
from google.rpc.status_pb2 import Status

from linly.animator.v1 import animator_pb2
from linly.talk.v1 import talk_pb2
from linly_mesh.rpc.convert import to_duration, to_seconds
from linly_mesh.rpc.requests import RequestReader
from linly_mesh.rpc.status import to_status
from linly_mesh.workload import Workload
from linly_orchestrator.channel import Channel
from linly_orchestrator.config import Settings
from linly_orchestrator.hearing import Hearing
from linly_orchestrator.history import History
from linly_orchestrator.outbox import Outbox
from linly_orchestrator.performance import Performance
from linly_orchestrator.playback import Playback
from linly_orchestrator.preparation import check_audio, check_text, prepare_voice
from linly_orchestrator.reply import Emit
from linly_orchestrator.stages.channels import Stages
from linly_orchestrator.stages.errors import make_status
from linly_orchestrator.stages.language import Language
from linly_orchestrator.stages.listening import Listening
from linly_orchestrator.timeline import now
from linly_orchestrator.turn import Turn, interrupted_status, status_of

_log = logging.getLogger(__name__)
_TurnCause = talk_pb2.TurnStarted
_Reason = talk_pb2.Interrupted


class Talk:
    """Takes the client's messages and performs turns, one after the other."""

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
        self._workload = workload
        self._time_remaining = time_remaining
        self._barge_in = config.barge_in if config.HasField("barge_in") else True
        self._outbox = Outbox()
        self._history = History(
            config.system_instruction or settings.system_instruction,
            config.history,
            settings.history_messages,
        )
        self._waiting: Channel[Turn] = Channel(settings.max_waiting_turns)
        self._turns_begun = 0
        self._current: Turn | None = None
        self._performing: asyncio.Task[Status] | None = None
        self._interruption_sent = asyncio.Event()
        self._listening: Listening | None = None
        self._hearing: Hearing | None = None
        if config.HasField("audio_input"):
            listening = self._listening = Listening(stages.asr, stages.limits, config)
            self._hearing = Hearing(self._begin_speech, self._tell, lambda: listening.arrivals)

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
                    work.create_task(self._take_turns(performance, sessions))
                if voice is not None and voice.animation is not None:
                    voice.animation.close()
        finally:
            self._outbox.close()

    async def events(self) -> AsyncIterator[talk_pb2.ConverseResponse]:
        """What to send; ask for the next event once the last one is on its way."""
        async for event in self._outbox:
            yield event
            if event.HasField("interrupted") and self._current is not None:
                timeline = self._current.timeline
                if timeline.interrupted is not None:
                    timeline.interrupt = now() - timeline.interrupted
                self._interruption_sent.set()

    async def _receive(self, reader: RequestReader[talk_pb2.ConverseRequest]) -> None:
        async with asyncio.TaskGroup() as group:
            if self._listening is not None and self._hearing is not None:
                heard = self._hearing.heard
                group.create_task(self._listening.run(heard, self._time_remaining))
            async for kind, request in reader:
                await self._take(kind, request)
            if self._listening is not None:
                await self._end_of_audio()
                self._listening.close()
        self._waiting.close()

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
                if self._barge_in:
                    self._interrupt(_Reason.CAUSE_TEXT)
                self._begin_text(_TurnCause.CAUSE_TEXT, "text.text", request.text.text)
            case "say":
                self._begin_text(_TurnCause.CAUSE_SAY, "say.text", request.say.text)
            case "interrupt":
                self._interrupt_asked(request.interrupt)
            case "playback":
                report = request.playback
                if self._current is not None and self._current.turn_id == report.turn_id:
                    self._current.playback.report(to_seconds(report.played_until))

    async def _end_of_audio(self) -> None:
        listening, hearing = self._listening, self._hearing
        if listening is not None and hearing is not None and hearing.flush_requested():
            await listening.flush()

    def _begin_speech(self) -> Turn:
        if self._barge_in:
            self._interrupt(_Reason.CAUSE_SPEECH)
        return self._enqueue(self._new_turn(_TurnCause.CAUSE_SPEECH))

    def _begin_text(self, cause: "talk_pb2.TurnStarted.Cause", field: str, text: str) -> None:
        turn = self._new_turn(cause)
        turn.text = text
        turn.timeline.input_end = now()
        error = check_text(field, text)
        if error is not None:
            turn.refused = to_status(error, "talk")
        self._enqueue(turn)

    def _new_turn(self, cause: "talk_pb2.TurnStarted.Cause") -> Turn:
        self._turns_begun += 1
        lead = (
            to_seconds(self._config.max_lead)
            if self._config.HasField("max_lead")
            else self._settings.max_lead
        )
        mode = self._config.playback_mode
        playback = Playback(mode, lead, self._settings.gap_limit)
        return Turn(f"t{self._turns_begun}", cause, playback)

    def _enqueue(self, turn: Turn) -> Turn:
        if self._waiting.full:
            turn.utterances.abandon()
            message = f"{self._settings.max_waiting_turns} turns are waiting already"
            code = grpc.StatusCode.RESOURCE_EXHAUSTED
            self._tell(turn, _started(turn))
            status = make_status(code, "talk", "TOO_MANY_TURNS", message)
            self._tell(turn, _ended(turn, status))
        else:
            self._waiting.put_now(turn)
        return turn

    async def _take_turns(self, performance: Performance, sessions: asyncio.TaskGroup) -> None:
        async for turn in self._waiting:
            with self._workload.unit() as unit:
                unit.begin()
                self._current = turn
                status = await self._perform(turn, performance, sessions)
                if turn.interrupted:
                    unit.cancel()
                elif status.code:
                    unit.fail()
                self._current = None

    async def _perform(
        self, turn: Turn, performance: Performance, sessions: asyncio.TaskGroup
    ) -> Status:
        generation = self._outbox.next_generation()

        async def emit(event: talk_pb2.ConverseResponse) -> None:
            event.turn_id, event.generation = turn.turn_id, generation
            await self._outbox.put(event)

        self._tell(turn, _started(turn))
        self._interruption_sent.clear()
        outcome = self._outcome(turn, performance, emit, sessions)
        async with asyncio.TaskGroup() as scope:
            self._performing = scope.create_task(outcome)
        turn.utterances.abandon()
        if self._performing.cancelled():
            status = interrupted_status()
            await self._interruption_sent.wait()
        else:
            status = self._performing.result()
            said = "" if turn.cause == _TurnCause.CAUSE_SAY else turn.text
            self._history.add(said, turn.heard(turn.playback.played))
        self._tell(turn, _ended(turn, status))
        return status

    async def _outcome(
        self, turn: Turn, performance: Performance, emit: Emit, sessions: asyncio.TaskGroup
    ) -> Status:
        if turn.refused is not None:
            return turn.refused
        try:
            await performance.perform(turn, emit, sessions)
            await turn.playback.finished()
        except Exception as error:
            status = status_of(error)
            if status is None:
                _log.exception("turn failed")
                code = grpc.StatusCode.INTERNAL
                status = make_status(code, "talk", "INTERNAL", "internal error")
            return status
        return Status()

    def _interrupt_asked(self, request: talk_pb2.Interrupt) -> None:
        if request.turn_id and (self._current is None or self._current.turn_id != request.turn_id):
            return
        if request.HasField("generation") and request.generation != self._outbox.generation:
            return
        played = to_seconds(request.played_until) if request.HasField("played_until") else None
        self._interrupt(_Reason.CAUSE_CLIENT, played)

    def _interrupt(self, cause: "talk_pb2.Interrupted.Cause", played: float | None = None) -> None:
        turn, task = self._current, self._performing
        if turn is None or task is None or task.done() or turn.interrupted:
            return
        turn.interrupted = True
        turn.timeline.interrupted = now()
        if played is None:
            played = turn.playback.played
        played = min(played, turn.playback.sent)
        heard = turn.heard(played)
        self._history.add("" if turn.cause == _TurnCause.CAUSE_SAY else turn.text, heard)
        interrupted = _Reason(cause=cause, played_until=to_duration(played), spoken_text=heard)
        self._outbox.interrupt()
        self._tell(turn, talk_pb2.ConverseResponse(interrupted=interrupted))
        task.cancel()

    def _tell(self, turn: Turn, event: talk_pb2.ConverseResponse) -> None:
        event.turn_id, event.generation = turn.turn_id, self._outbox.generation
        self._outbox.put_now(event)

    def _idle(self, frames: animator_pb2.Frames) -> bool:
        # Idle frames are expendable: a client that does not keep up simply gets fewer.
        event = talk_pb2.ConverseResponse(frames=frames, generation=self._outbox.generation)
        return self._outbox.offer(event)


def _started(turn: Turn) -> talk_pb2.ConverseResponse:
    return talk_pb2.ConverseResponse(turn_started=talk_pb2.TurnStarted(cause=turn.cause))


def _ended(turn: Turn, status: Status) -> talk_pb2.ConverseResponse:
    ended = talk_pb2.TurnEnded(status=status, metrics=turn.metrics())
    return talk_pb2.ConverseResponse(turn_ended=ended)
