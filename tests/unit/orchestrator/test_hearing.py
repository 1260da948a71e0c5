import grpc
import pytest

from linly.asr.v1 import asr_pb2
from linly.talk.v1 import talk_pb2
from linly_mesh.rpc.convert import to_duration
from linly_mesh.rpc.status import error_info
from linly_orchestrator.hearing import Hearing
from linly_orchestrator.playback import Playback
from linly_orchestrator.stages.arrivals import Arrival, Arrivals
from linly_orchestrator.stages.errors import StageError, make_status
from linly_orchestrator.stages.listening import Heard
from linly_orchestrator.turn import Turn, Utterance

RATE = 32_000
Event = asr_pb2.SpeechEvent
Response = asr_pb2.StreamingRecognizeResponse


class Ear:
    """A Hearing with the turns that it began."""

    def __init__(self) -> None:
        self.arrivals = Arrivals(RATE)
        self.hearing = Hearing(self._begin, lambda: self.arrivals)
        self.turns: list[Turn] = []
        self.interrupted: list[bool] = []

    def _begin(self, *, interrupts: bool) -> Turn:
        playback = Playback(talk_pb2.PLAYBACK_MODE_SENT, 0.4, 10.0)
        turn = Turn(len(self.turns) + 1, talk_pb2.TurnStarted.CAUSE_SPEECH, playback)
        self.turns.append(turn)
        self.interrupted.append(interrupts)
        return turn

    def audio(self, seconds: float, when: float) -> None:
        """Arrives in chunks of 0.1 s, a tenth of a second after one another."""
        for n in range(round(seconds * 10)):
            request = asr_pb2.StreamingRecognizeRequest(audio=bytes(RATE // 10))
            self.arrivals.record(Arrival(request, when + n * 0.1))
        self.hearing.audio_received()

    def flush(self, when: float) -> None:
        assert self.hearing.flush_requested()
        request = asr_pb2.StreamingRecognizeRequest(flush=asr_pb2.Flush())
        self.arrivals.record(Arrival(request, when))

    def event(self, kind: int, offset: float, detected: float = 0.0, who: str = "u1") -> None:
        event = Event(type=kind, offset=to_duration(offset), utterance_id=who)
        event.detection_offset.CopyFrom(to_duration(detected))
        self.hearing.heard(Heard(Response(speech_event=event)))

    def begin(self, offset: float = 0.0, who: str = "u1") -> None:
        self.event(Event.TYPE_SPEECH_BEGIN, offset, who=who)

    def end(self, offset: float, detected: float, who: str = "u1") -> None:
        self.event(Event.TYPE_SPEECH_END, offset, detected, who)

    def result(self, text: str, who: str = "u1", **fields) -> None:
        result = asr_pb2.RecognitionResult(utterance_id=who, **fields)
        if text:
            result.alternatives.add(transcript=text)
        self.hearing.heard(Heard(Response(result=result)))

    def flushed(self) -> None:
        self.hearing.heard(Heard(Response(flushed=asr_pb2.Flushed())))

    def fail(self) -> None:
        status = make_status(grpc.StatusCode.UNAVAILABLE, "asr", "GONE", "gone")
        self.hearing.heard(Heard(error=StageError(status)))


@pytest.fixture
def ear() -> Ear:
    return Ear()


async def heard(turn: Turn) -> list[str]:
    return [
        f"{item.text}{'.' if item.is_final else ''}" if isinstance(item, Utterance) else "event"
        async for item in turn.incoming
    ]


async def test_an_utterance_is_a_turn_from_its_beginning_to_its_transcript(ear):
    ear.audio(2.0, when=100.0)
    ear.begin(0.3)
    ear.result("what")
    ear.result("what time", stability=1.0)
    ear.end(1.2, detected=1.6)
    ear.result(" what time is it ", is_final=True)
    assert ear.interrupted == [True]
    assert await heard(ear.turns[0]) == [
        "event", "what", "what time", "event", "what time is it.",
    ]  # fmt: skip
    timeline = ear.turns[0].timeline
    assert timeline.asr.start == pytest.approx(100.2)
    assert timeline.input_end == pytest.approx(101.1)
    assert timeline.endpointing == pytest.approx(0.4)
    assert timeline.transcript is not None


async def test_a_flush_is_the_end_of_the_input(ear):
    ear.audio(1.0, when=100.0)
    ear.begin()
    ear.flush(when=101.0)
    ear.end(0.9, detected=1.0)
    ear.result("yes", is_final=True)
    ear.flushed()
    assert len(ear.turns) == 1
    assert ear.turns[0].timeline.input_end == 101.0
    assert ear.turns[0].timeline.endpointing is None


async def test_after_a_flush_silence_ends_turns_again(ear):
    ear.audio(1.0, when=100.0)
    ear.flush(when=101.0)
    ear.flushed()
    ear.audio(2.0, when=101.0)
    ear.begin(1.2)
    ear.end(2.0, detected=2.5)
    assert ear.turns[-1].timeline.input_end == pytest.approx(101.9)
    assert ear.turns[-1].timeline.endpointing == pytest.approx(0.5)


def test_a_flush_without_speech_is_a_turn_that_fails_and_interrupts_nobody(ear):
    ear.audio(1.0, when=100.0)
    ear.flush(when=101.0)
    ear.flushed()
    assert ear.interrupted == [False]
    assert error_info(ear.turns[0].refused).reason == "NO_SPEECH"
    assert ear.turns[0].timeline.input_end == 101.0


def test_a_flush_without_audio_since_the_last_one_has_nothing_to_finish(ear):
    assert not ear.hearing.flush_requested()
    ear.audio(0.1, when=0.0)
    assert ear.hearing.flush_requested()
    assert not ear.hearing.flush_requested()


async def test_a_failure_fails_the_turns_that_are_being_heard(ear):
    ear.audio(1.0, when=100.0)
    ear.begin()
    ear.fail()
    assert len(ear.turns) == 1
    with pytest.raises(StageError):
        await heard(ear.turns[0])


def test_a_failure_in_silence_is_a_turn_that_interrupts_nobody(ear):
    ear.audio(1.0, when=100.0)
    ear.fail()
    assert ear.interrupted == [False]
    assert error_info(ear.turns[0].refused).reason == "GONE"


async def test_after_a_failure_names_of_utterances_may_return(ear):
    ear.audio(1.0, when=100.0)
    ear.begin()
    ear.fail()
    ear.begin()
    ear.result("again", is_final=True)
    assert await heard(ear.turns[1]) == ["event", "again."]


async def test_utterances_may_overlap(ear):
    ear.audio(3.0, when=100.0)
    ear.begin(0.0, who="u1")
    ear.end(1.0, detected=1.4, who="u1")
    ear.begin(1.5, who="u2")
    ear.result("first", who="u1", is_final=True)
    ear.result("second", who="u2", is_final=True)
    assert await heard(ear.turns[0]) == ["event", "event", "first."]
    assert await heard(ear.turns[1]) == ["event", "second."]


def test_what_belongs_to_no_utterance_is_passed_over(ear):
    ear.audio(1.0, when=100.0)
    ear.end(0.5, detected=1.0)
    ear.result("who?", is_final=True)
    assert ear.turns == []


async def test_interim_results_are_dropped_rather_than_piled_up(ear):
    ear.audio(1.0, when=100.0)
    ear.begin()
    for n in range(1_000):
        ear.result(f"{n}")
    ear.result("all", is_final=True)
    texts = await heard(ear.turns[0])
    assert len(texts) < 100
    assert texts[-1] == "all."


async def test_noise_without_words_is_an_empty_transcript(ear):
    ear.audio(1.0, when=100.0)
    ear.begin()
    ear.result("", is_final=True)
    assert await heard(ear.turns[0]) == ["event", "."]
