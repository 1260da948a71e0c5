import pytest

from linly.asr.v1 import asr_pb2
from linly_orchestrator.stages.arrivals import Arrival, Arrivals

RATE = 32_000

Request = asr_pb2.StreamingRecognizeRequest


def audio(when: float, seconds: float = 0.02) -> Arrival:
    return Arrival(Request(audio=bytes(round(RATE * seconds))), when)


def flush(when: float) -> Arrival:
    return Arrival(Request(flush=asr_pb2.Flush()), when)


def given(*arrivals: Arrival) -> Arrivals:
    made = Arrivals(RATE)
    for arrival in arrivals:
        made.record(arrival)
    return made


@pytest.mark.parametrize(
    ("offset", "when"), [(0.0, 10.0), (0.02, 10.0), (0.021, 10.5), (0.04, 10.5), (9.0, 11.0)]
)
def test_an_offset_was_there_with_the_chunk_that_holds_it(offset, when):
    arrivals = given(audio(10.0), audio(10.5), audio(11.0))
    assert arrivals.at(offset) == when
    assert arrivals.offset == pytest.approx(0.06)


def test_of_a_long_talk_the_end_is_remembered():
    arrivals = given(*(audio(float(n)) for n in range(10_000)))
    assert arrivals.at(arrivals.offset) == 9_999
    assert arrivals.at(199.0) == pytest.approx(9_949, abs=1)
    assert arrivals.at(0.0) == 10_000 - 4_096


def test_flushes_are_answered_one_after_the_other():
    arrivals = given(audio(1.0), flush(2.0), audio(3.0), flush(4.0))
    assert arrivals.flush == 2.0
    assert arrivals.flush_answered() == 2.0
    assert arrivals.flush == 4.0
    assert arrivals.flush_answered() == 4.0
    assert arrivals.flush is None


def test_what_a_flush_finished_is_not_given_again():
    after = audio(3.0)
    arrivals = given(audio(1.0), flush(2.0), after)
    arrivals.flush_answered()
    assert arrivals.unheard() == [after]


def test_an_utterance_that_was_recognised_is_not_given_again():
    chunks = [audio(float(n)) for n in range(10)]
    arrivals = given(*chunks)
    arrivals.heard(0.14)
    assert arrivals.unheard() == chunks[7:]


def test_a_flush_that_was_not_answered_is_given_again():
    waiting = flush(2.0)
    arrivals = given(audio(1.0), waiting)
    arrivals.heard(5.0)
    assert arrivals.unheard() == [waiting]


def test_only_the_end_is_given_again():
    assert len(given(*(audio(float(n)) for n in range(100))).unheard()) == 25
