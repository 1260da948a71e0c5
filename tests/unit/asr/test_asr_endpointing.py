from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linly_asr.endpointing import FRAME, Began, Boundary, Ended, Endpointer, Endpointing, Paused

RULES = Endpointing(
    min_speech=0.096, early_silence=0.192, end_silence=0.48, threshold=0.5, max_utterance=30.0
)
SPEECH, UNSURE, SILENCE = 0.9, 0.4, 0.1  # 0.4 lies within the hysteresis


def frames(seconds: float) -> int:
    return round(seconds * 16_000 / FRAME)


def heard(probabilities: list[float], rules: Endpointing = RULES) -> list[Boundary]:
    endpointer = Endpointer(rules)
    return [boundary for p in probabilities for boundary in endpointer.push(p)]


def test_silence_is_nothing() -> None:
    assert heard([SILENCE] * 1000) == []


def test_an_utterance_begins_pauses_and_ends_at_exact_samples() -> None:
    boundaries = heard([SILENCE] * 10 + [SPEECH] * 20 + [SILENCE] * 20)
    end = 30 * FRAME
    assert boundaries == [
        Began(10 * FRAME),
        Paused(end),
        Ended(end, detection=end + 15 * FRAME),  # 15 frames are 480 ms
    ]


def test_speech_shorter_than_min_speech_begins_nothing() -> None:
    assert heard(([SPEECH] * 2 + [SILENCE] * 5) * 10) == []
    assert heard([SPEECH] * 3) == [Began(0)]


def test_a_pause_of_300_ms_does_not_split() -> None:
    boundaries = heard([SPEECH] * 20 + [SILENCE] * frames(0.3) + [SPEECH] * 20 + [SILENCE] * 15)
    assert [type(b) for b in boundaries] == [Began, Paused, Paused, Ended]


def test_a_pause_of_500_ms_splits() -> None:
    boundaries = heard([SPEECH] * 20 + [SILENCE] * frames(0.5) + [SPEECH] * 20 + [SILENCE] * 15)
    assert [type(b) for b in boundaries] == [Began, Paused, Ended, Began, Paused, Ended]


def test_an_unsure_frame_neither_begins_nor_ends_silence() -> None:
    assert heard([SPEECH] * 20 + [UNSURE] * 100) == [Began(0)]
    silence_goes_on = heard([SPEECH] * 20 + [SILENCE] + [UNSURE] * 14)
    assert silence_goes_on[-1] == Ended(20 * FRAME, detection=35 * FRAME)


def test_an_unsure_frame_keeps_a_candidate_but_does_not_make_one() -> None:
    assert heard([UNSURE] * 100) == []
    assert heard([SPEECH, UNSURE, SPEECH]) == [Began(0)]


def test_the_pause_is_over_when_speech_goes_on() -> None:
    endpointer = Endpointer(RULES)
    for probability in [SPEECH] * 10 + [SILENCE] * 6:
        list(endpointer.push(probability))
    assert endpointer.paused
    list(endpointer.push(SPEECH))
    assert not endpointer.paused
    assert endpointer.in_utterance


def test_a_long_utterance_is_cut_and_goes_on_at_once() -> None:
    rules = replace(RULES, max_utterance=1.024)
    assert heard([SPEECH] * 70, rules) == [
        Began(0),
        Ended(32 * FRAME, 32 * FRAME),
        Began(32 * FRAME),
        Ended(64 * FRAME, 64 * FRAME),
        Began(64 * FRAME),
    ]


def test_a_cut_in_silence_begins_nothing_new() -> None:
    rules = replace(RULES, max_utterance=1.024)
    assert heard([SPEECH] * 30 + [SILENCE] * 50, rules) == [
        Began(0),
        Ended(30 * FRAME, 32 * FRAME),
    ]


def test_finish_ends_the_open_utterance_where_speech_was_last_heard() -> None:
    endpointer = Endpointer(RULES)
    for probability in [SPEECH] * 10 + [SILENCE] * 2:
        list(endpointer.push(probability))
    assert endpointer.finish() == Ended(10 * FRAME, 12 * FRAME)
    assert endpointer.finish() is None


def test_finish_drops_what_is_not_yet_speech() -> None:
    endpointer = Endpointer(RULES)
    list(endpointer.push(SPEECH))
    assert endpointer.finish() is None
    assert [b for _ in range(3) for b in endpointer.push(SPEECH)] == [Began(FRAME)]


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_extreme_thresholds_do_what_they_say(threshold: float) -> None:
    boundaries = heard([0.2] * 50, replace(RULES, threshold=threshold))
    assert boundaries == ([Began(0)] if threshold == 0 else [])


@given(st.lists(st.sampled_from([SPEECH, UNSURE, SILENCE]), max_size=300))
def test_every_begin_has_one_end_and_offsets_never_go_back(probabilities: list[float]) -> None:
    endpointer = Endpointer(replace(RULES, max_utterance=2.0))
    boundaries = [b for p in probabilities for b in endpointer.push(p)]
    last = endpointer.finish()
    boundaries += [last] if last else []
    turns = [b for b in boundaries if not isinstance(b, Paused)]
    assert [type(b) for b in turns] == [Began, Ended] * (len(turns) // 2)
    offsets = [b.offset for b in turns]
    assert offsets == sorted(offsets)
    assert all(b.offset <= b.detection for b in turns if isinstance(b, Ended))
