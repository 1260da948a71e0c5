"""Who has the floor: turns wait, are performed one after the other, and are interrupted."""

import asyncio
import logging

import grpc
from google.rpc import code_pb2
from google.rpc.status_pb2 import Status

from linly.talk.v1 import talk_pb2
from linly_mesh.rpc.convert import to_duration, to_seconds
from linly_mesh.rpc.status import error_info
from linly_mesh.telemetry.logs import FIELDS
from linly_mesh.telemetry.tracing import current_trace_id
from linly_mesh.workload import Workload
from linly_orchestrator import clock
from linly_orchestrator.channel import Channel
from linly_orchestrator.config import Settings
from linly_orchestrator.history import History
from linly_orchestrator.outbox import Outbox
from linly_orchestrator.performance import Performance
from linly_orchestrator.playback import Playback
from linly_orchestrator.reply import Emit
from linly_orchestrator.stages.errors import make_status
from linly_orchestrator.tracing import traced
from linly_orchestrator.turn import Turn, interrupted_status, status_of

_log = logging.getLogger(__name__)
_SAY = talk_pb2.TurnStarted.CAUSE_SAY


class TurnTaking:
    """The turns of one talk."""

    def __init__(
        self,
        config: talk_pb2.TalkConfig,
        settings: Settings,
        outbox: Outbox,
        history: History,
        workload: Workload,
    ) -> None:
        """Turns tell what happens through ``outbox`` and enter ``history``."""
        self._outbox = outbox
        self._history = history
        self._workload = workload
        self._mode = config.playback_mode
        self._lead = to_seconds(config.max_lead) if config.HasField("max_lead") else None
        self._settings = settings
        self._reads_reported = config.HasField("max_ahead")
        self._barge_in = config.barge_in if config.HasField("barge_in") else True
        self._waiting: Channel[Turn] = Channel(settings.max_waiting_turns)
        self._reports_over = False
        self._begun = 0
        self._superseded = 0
        self._current: Turn | None = None
        self._performing: asyncio.Task[Status] | None = None
        self._interruption_told = asyncio.Event()
        self._interruption_told.set()
        self._at_rest = asyncio.Event()
        self._at_rest.set()

    def begin(
        self,
        cause: "talk_pb2.TurnStarted.Cause",
        text: str = "",
        *,
        interrupts: "talk_pb2.Interrupted.Cause | None" = None,
    ) -> Turn:
        """Begins a turn, which waits for those before it.

        Args:
            cause: what it begins with.
            text: what was typed, or is to be spoken.
            interrupts: with a cause, and where the talk allows it, the turns before it are
                interrupted instead: the person has gone past them.
        """
        if interrupts is not None and self._barge_in:
            self._superseded = self._begun
            self._interrupt(interrupts)
        self._begun += 1
        lead = self._settings.max_lead if self._lead is None else self._lead
        playback = Playback(
            self._mode, lead, self._settings.gap_limit, reads_reported=self._reads_reported
        )
        turn = Turn(self._begun, cause, playback, text)
        if self._waiting.full:
            self._turn_away(turn)
        else:
            self._waiting.put_now(turn)
            self._at_rest.clear()
        return turn

    async def at_rest(self) -> None:
        """Waits until no turn runs or waits."""
        await self._at_rest.wait()

    async def room(self) -> None:
        """Waits while turns are turned away and the client does not even read that."""
        if self._waiting.full:
            await self._outbox.room()

    def interrupt_asked(self, request: talk_pb2.Interrupt) -> None:
        """The client asks to stop the running turn, or that one only."""
        current = self._current.turn_id if self._current is not None else None
        if request.turn_id and request.turn_id != current:
            return
        if request.HasField("generation") and request.generation != self._outbox.generation:
            return
        played = to_seconds(request.played_until) if request.HasField("played_until") else None
        self._interrupt(talk_pb2.Interrupted.CAUSE_CLIENT, played)

    def interruption_told(self) -> None:
        """The client has been sent the event ``interrupted``."""
        if self._current is not None:
            self._current.timeline.interruption_told()
        self._interruption_told.set()

    def played(self, report: talk_pb2.PlaybackReport) -> None:
        """The client tells how far it has played."""
        if self._current is not None and self._current.turn_id == report.turn_id:
            self._current.playback.report(to_seconds(report.played_until))

    def read(self, progress: talk_pb2.Progress) -> None:
        """The client tells how far it has read."""
        if self._current is not None and self._current.turn_id == progress.turn_id:
            self._current.playback.read(to_seconds(progress.offset))

    def close(self) -> None:
        """No more turns begin."""
        self._waiting.close()

    def no_more_reports(self) -> None:
        """The client has ended its side: it can't tell any more how far it has played."""
        self._reports_over = True
        if self._current is not None:
            self._current.playback.reports_over()

    async def run(self, performance: Performance, sessions: asyncio.TaskGroup) -> None:
        """Performs turns until closed."""
        async for turn in self._waiting:
            with self._workload.unit() as unit, traced(turn):
                unit.begin()
                self._current = turn
                began = clock.now()
                status = await self._take(turn, performance, sessions)
                _log.info("turn ended", extra={FIELDS: _outline(turn, status, clock.now() - began)})
                if turn.interrupted:
                    unit.cancel()
                elif status.code:
                    unit.fail()
                self._current = None
            if self._waiting.empty:
                self._at_rest.set()
            await self._outbox.room()  # however short the turns: a client is to read of them

    async def _take(
        self, turn: Turn, performance: Performance, sessions: asyncio.TaskGroup
    ) -> Status:
        if self._reports_over:
            turn.playback.reports_over()
        generation = self._outbox.next_generation()

        async def emit(event: talk_pb2.ConverseResponse) -> None:
            event.turn_id, event.generation = turn.turn_id, generation
            await self._outbox.put(event)

        self._tell(turn, _started(turn))
        outcome = self._outcome(turn, performance, emit, sessions)
        async with asyncio.TaskGroup() as scope:
            self._performing = scope.create_task(outcome)
        turn.incoming.abandon()
        await self._interruption_told.wait()
        if turn.interrupted:  # even if it failed at the same moment
            status = interrupted_status()
        else:
            status = self._performing.result()
            turn.heard = turn.heard_until(turn.playback.played)
        self._remember(turn, status)
        self._tell(turn, _ended(turn, status))
        return status

    async def _outcome(
        self, turn: Turn, performance: Performance, emit: Emit, sessions: asyncio.TaskGroup
    ) -> Status:
        if turn.refused is not None:
            return turn.refused
        if turn.number <= self._superseded:
            turn.interrupted = True
            return interrupted_status()
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

    def _remember(self, turn: Turn, status: Status) -> None:
        failed = status.code and not turn.interrupted
        if failed and not turn.heard:
            return  # what a stage refuses would spoil the turns that follow as well
        self._history.add("" if turn.cause == _SAY else turn.text, turn.heard)

    def _interrupt(self, cause: "talk_pb2.Interrupted.Cause", played: float | None = None) -> None:
        turn, task = self._current, self._performing
        if turn is None or task is None or task.done() or turn.interrupted:
            return
        turn.interrupted = True
        turn.timeline.interrupted = clock.now()
        if played is None:
            played = turn.playback.played
        played = min(played, turn.playback.sent)
        turn.heard = turn.heard_until(played)
        self._outbox.interrupt()
        interrupted = talk_pb2.Interrupted(
            cause=cause, played_until=to_duration(played), spoken_text=turn.heard
        )
        self._interruption_told.clear()
        self._tell(turn, talk_pb2.ConverseResponse(interrupted=interrupted))
        task.cancel()

    def _turn_away(self, turn: Turn) -> None:
        turn.incoming.abandon()
        message = f"{self._settings.max_waiting_turns} turns are waiting already"
        code = grpc.StatusCode.RESOURCE_EXHAUSTED
        self._tell(turn, _started(turn))
        self._tell(turn, _ended(turn, make_status(code, "talk", "TOO_MANY_TURNS", message)))

    def _tell(self, turn: Turn, event: talk_pb2.ConverseResponse) -> None:
        event.turn_id, event.generation = turn.turn_id, self._outbox.generation
        self._outbox.put_now(event)


def _outline(turn: Turn, status: Status, seconds: float) -> dict[str, object]:
    """What may be logged of a turn: how it went, and nothing of what was said."""
    fields: dict[str, object] = {
        "turn": turn.turn_id,
        "code": code_pb2.Code.Name(status.code),
        "seconds": round(seconds, 3),
    }
    info = error_info(status)
    if info is not None:
        fields |= {"failed_stage": info.domain, "reason": info.reason}
    trace_id = current_trace_id()
    return fields if trace_id is None else fields | {"trace_id": trace_id}


def _started(turn: Turn) -> talk_pb2.ConverseResponse:
    return talk_pb2.ConverseResponse(turn_started=talk_pb2.TurnStarted(cause=turn.cause))


def _ended(turn: Turn, status: Status) -> talk_pb2.ConverseResponse:
    ended = talk_pb2.TurnEnded(status=status, metrics=turn.metrics())
    return talk_pb2.ConverseResponse(turn_ended=ended)
