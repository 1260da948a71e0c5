"""From what the recogniser tells to turns of the talk."""

from collections.abc import Callable
from typing import Protocol

from linly.asr.v1 import asr_pb2
from linly_mesh.rpc.convert import to_seconds
from linly_orchestrator import clock
from linly_orchestrator.stages.arrivals import Arrivals
from linly_orchestrator.stages.errors import StageError
from linly_orchestrator.stages.listening import Heard
from linly_orchestrator.timeline import silence_before
from linly_orchestrator.turn import Turn, Utterance, no_speech

_BEGIN = asr_pb2.SpeechEvent.TYPE_SPEECH_BEGIN


class BeginTurn(Protocol):
    """Begins a spoken turn."""

    def __call__(self, *, interrupts: bool) -> Turn:
        """Whether the person ``interrupts`` by it: only speech does, not the lack of it."""


class Hearing:
    """Begins a turn when the person begins to speak and feeds it with what is heard."""

    def __init__(self, begin: BeginTurn, arrivals: Callable[[], Arrivals]) -> None:
        """Connects the recogniser to a talk.

        Args:
            begin: begins a spoken turn.
            arrivals: when the audio that is being recognised arrived.
        """
        self._begin = begin
        self._arrivals = arrivals
        self._turns: dict[str, Turn] = {}
        self._audio_since_flush = False
        self._utterances_since_flush = 0

    def audio_received(self) -> None:
        """The person's audio goes on."""
        self._audio_since_flush = True

    def flush_requested(self) -> bool:
        """Whether a flush has anything to finish."""
        pending, self._audio_since_flush = self._audio_since_flush, False
        return pending

    def heard(self, heard: Heard) -> None:
        """Takes one message of the recogniser, or its failure."""
        if heard.error is not None:
            self._failed(heard.error)
        elif heard.response is not None:
            match heard.response.WhichOneof("response"):
                case "speech_event":
                    self._speech_event(heard.response.speech_event)
                case "result":
                    self._result(heard.response.result)
                case "flushed":
                    self._flushed()

    def _speech_event(self, event: asr_pb2.SpeechEvent) -> None:
        arrivals = self._arrivals()
        if event.type == _BEGIN:
            turn = self._turns[event.utterance_id] = self._begin(interrupts=True)
            turn.timeline.asr.start = arrivals.at(to_seconds(event.offset))
            self._utterances_since_flush += 1
        elif (ended := self._turns.get(event.utterance_id)) is not None:
            turn = ended
            if arrivals.flush is not None:  # push to talk: the person says when the turn is over
                turn.timeline.input_end = arrivals.flush
            else:
                turn.timeline.input_end = arrivals.at(to_seconds(event.offset))
                turn.timeline.endpointing = silence_before(event)
        else:
            return
        turn.incoming.put_now(event)

    def _result(self, result: asr_pb2.RecognitionResult) -> None:
        turn = self._turns.get(result.utterance_id)
        if turn is None:
            return
        best = result.alternatives[0] if result.alternatives else None
        utterance = Utterance(
            text=best.transcript.strip() if best else "",
            is_final=result.is_final,
            likely_final=result.stability == 1.0,
            confidence=best.confidence if best and best.HasField("confidence") else None,
        )
        turn.timeline.asr.gave()
        if not result.is_final:
            if not turn.incoming.full:
                turn.incoming.put_now(utterance)
            return
        del self._turns[result.utterance_id]
        if result.HasField("timing"):
            turn.timeline.asr.timing = result.timing
        turn.timeline.transcript = clock.now()
        turn.incoming.put_now(utterance)
        turn.incoming.close()

    def _flushed(self) -> None:
        requested = self._arrivals().flush_answered()
        if self._utterances_since_flush == 0:
            self._begin_failed(no_speech()).timeline.input_end = requested
        self._utterances_since_flush = 0

    def _failed(self, error: StageError) -> None:
        self._utterances_since_flush = 0
        if not self._turns:
            self._begin_failed(error)
        for turn in self._turns.values():
            turn.incoming.close(error)
        self._turns.clear()

    def _begin_failed(self, error: StageError) -> Turn:
        turn = self._begin(interrupts=False)
        turn.refused = error.status
        return turn
