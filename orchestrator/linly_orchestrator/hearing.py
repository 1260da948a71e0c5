"""From what the recogniser tells to turns of the talk."""

from collections import deque
from collections.abc import Callable

from linly.asr.v1 import asr_pb2
from linly.talk.v1 import talk_pb2
from linly_mesh.rpc.convert import to_seconds
from linly_orchestrator.stages.listening import ArrivalTimes, Heard
from linly_orchestrator.timeline import now, silence_before
from linly_orchestrator.turn import Turn, Utterance, no_speech

_BEGIN = asr_pb2.SpeechEvent.TYPE_SPEECH_BEGIN


class Hearing:
    """Begins a turn when the person begins to speak and feeds it with what is heard."""

    def __init__(
        self,
        begin: Callable[[], Turn],
        tell: Callable[[Turn, talk_pb2.ConverseResponse], None],
        arrivals: Callable[[], ArrivalTimes],
    ) -> None:
        """Connects the recogniser to a talk.

        Args:
            begin: begins a spoken turn.
            tell: sends an event of a turn to the client.
            arrivals: when the audio that is being recognised arrived.
        """
        self._begin = begin
        self._tell = tell
        self._arrivals = arrivals
        self._turns: dict[str, Turn] = {}
        self._flushes: deque[float] = deque()
        self._audio_since_flush = False
        self._utterances_since_flush = 0

    def audio_received(self) -> None:
        """The person's audio goes on."""
        self._audio_since_flush = True

    def flush_requested(self) -> bool:
        """Whether a flush has anything to finish; if so, its answer is awaited."""
        if not self._audio_since_flush:
            return False
        self._audio_since_flush = False
        self._flushes.append(now())
        return True

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
        if event.type == _BEGIN:
            turn = self._turns[event.utterance_id] = self._begin()
            turn.timeline.asr.start = self._arrivals().at(to_seconds(event.offset))
            self._utterances_since_flush += 1
        elif (ended := self._turns.get(event.utterance_id)) is not None:
            turn = ended
            if self._flushes:  # push to talk: the person says when the turn is over
                turn.timeline.input_end = self._flushes[0]
            else:
                turn.timeline.input_end = self._arrivals().at(to_seconds(event.offset))
                turn.timeline.endpointing = silence_before(event)
        else:
            return
        self._tell(turn, talk_pb2.ConverseResponse(speech_event=event))

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
        if not result.is_final:
            turn.timeline.asr.gave()
            if not turn.utterances.full:
                turn.utterances.put_now(utterance)
            return
        del self._turns[result.utterance_id]
        turn.timeline.asr.gave()
        if result.HasField("timing"):
            turn.timeline.asr.timing = result.timing
        turn.timeline.transcript = now()
        turn.utterances.put_now(utterance)
        turn.utterances.close()

    def _flushed(self) -> None:
        requested = self._flushes.popleft() if self._flushes else now()
        if self._utterances_since_flush == 0:
            turn = self._begin()
            turn.timeline.input_end = requested
            turn.utterances.close(no_speech())
        self._utterances_since_flush = 0

    def _failed(self, error: Exception) -> None:
        open_turns = list(self._turns.values()) or [self._begin()]
        self._turns.clear()
        self._flushes.clear()
        self._utterances_since_flush = 0
        for turn in open_turns:
            turn.utterances.close(error)
