import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from linly_asr.endpointing import FRAME, Endpointing
from linly_asr.engine import Samples
from linly_asr.listening import Begin, End, Listener, Speech, Step

RULES = Endpointing(
    min_speech=0.096, early_silence=0.192, end_silence=0.48, threshold=0.5, max_utterance=30.0
)
PRE_ROLL = 5 * FRAME


def loud(frame: Samples) -> float:
    """Speech is what is negative."""
    return 0.9 if frame[0] < 0 else 0.1


def audio(*spans: tuple[str, int]) -> Samples:
    """Samples whose magnitude is their own position; negative where somebody speaks."""
    parts, start = [], 0
    for kind, frames in spans:
        positions = np.arange(start, start + frames * FRAME, dtype=np.float32)
        parts.append(-positions - 1 if kind == "speech" else positions + 1)
        start += frames * FRAME
    return np.concatenate(parts)


def listen(
    samples: Samples, rules: Endpointing = RULES, piece: int = 777, *, finish: bool = False
) -> list[Step]:
    listener = Listener(loud, rules, PRE_ROLL / 16_000)
    pieces = np.split(samples, range(piece, len(samples), piece))
    steps = [step for each in pieces for step in listener.push(each)]
    return steps + list(listener.finish()) if finish else steps


def fed(steps: list[Step]) -> list[list[int]]:
    """The positions that the engine gets, per utterance."""
    utterances: list[list[int]] = []
    for step in steps:
        if isinstance(step, Begin):
            utterances.append([])
        elif isinstance(step, Speech):
            utterances[-1] += [abs(round(float(s))) - 1 for s in step.samples]
    return utterances


@pytest.mark.parametrize("piece", [100, 512, 777, 1600, 100_000])
def test_the_engine_gets_pre_roll_speech_and_early_silence_once_each(piece: int) -> None:
    steps = listen(audio(("silence", 20), ("speech", 30), ("silence", 20)), piece=piece)
    begin, end = steps[0], steps[-1]
    assert begin == Begin(20 * FRAME, 15 * FRAME)
    assert end == End(50 * FRAME, 65 * FRAME)
    assert fed(steps) == [list(range(15 * FRAME, 56 * FRAME))]  # 6 frames of silence: 192 ms


def test_early_silence_is_marked_and_speech_may_go_on() -> None:
    steps = listen(audio(("speech", 30), ("silence", 10), ("speech", 30), ("silence", 20)))
    marked = [step.end for step in steps if isinstance(step, Speech) and step.likely_last]
    assert marked == [36 * FRAME, 76 * FRAME]
    assert fed(steps) == [list(range(76 * FRAME))]


def test_the_silence_after_one_utterance_is_the_pre_roll_of_the_next() -> None:
    steps = listen(audio(("speech", 30), ("silence", 16), ("speech", 30), ("silence", 20)))
    first, second = fed(steps)
    assert first == list(range(36 * FRAME))
    assert second == list(range(41 * FRAME, 82 * FRAME))


def test_no_sample_goes_to_two_utterances() -> None:
    rules = replace(RULES, end_silence=0.192)
    steps = listen(audio(("speech", 30), ("silence", 7), ("speech", 30)), rules, finish=True)
    first, second = fed(steps)
    assert first == list(range(36 * FRAME))
    assert second == list(range(36 * FRAME, 67 * FRAME))


def test_a_cut_utterance_loses_nothing() -> None:
    rules = replace(RULES, max_utterance=1.024)
    steps = listen(audio(("speech", 80)), rules, finish=True)
    first, second, third = fed(steps)
    assert first + second + third == list(range(80 * FRAME))
    assert len(first) == len(second) == 32 * FRAME


def test_finish_hands_on_the_last_incomplete_frame() -> None:
    samples = audio(("speech", 30))[: 29 * FRAME + 100]
    steps = listen(samples, finish=True)
    assert fed(steps) == [list(range(29 * FRAME + 100))]
    assert isinstance(steps[-1], End)


def test_finish_in_a_pause_hands_on_nothing_more() -> None:
    samples = audio(("speech", 30), ("silence", 10))
    assert fed(listen(samples, finish=True)) == fed(listen(samples))


def test_after_finish_the_stream_is_listened_to_further() -> None:
    listener = Listener(loud, RULES, PRE_ROLL / 16_000)
    samples = audio(("speech", 20), ("silence", 10), ("speech", 20))
    cut = 15 * FRAME + 100
    steps = [*listener.push(samples[:cut]), *listener.finish(), *listener.push(samples[cut:])]
    first, second = fed([*steps, *listener.finish()])
    assert first == list(range(cut))
    assert second[0] == cut
    assert second == list(range(cut, cut + len(second)))


@pytest.mark.parametrize("kind", ["silence", "speech"])
def test_ten_minutes_take_little_memory(kind: str) -> None:
    listener = Listener(loud, RULES, PRE_ROLL / 16_000)
    second = np.full(16_000, -1.0 if kind == "speech" else 1.0, np.float32)
    tracemalloc.start()
    try:
        ends = sum(isinstance(step, End) for _ in range(600) for step in listener.push(second))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ends == (19 if kind == "speech" else 0)  # cut at the first frame after 30 s
    assert peak < 1 << 20
