"""Which frames can be made when, and how a face goes from one thing to the next."""

import itertools

import numpy as np
import pytest

from linly_animator.engine import SpeechChunk, Viseme, VisemeTiming
from linly_animator.engines.portrait.performance import Performance
from linly_animator.engines.portrait.pose import Mouth
from linly_animator.engines.portrait.speech import LOOK_AHEAD, Speech
from linly_mesh.workload import Workload

RATE, FPS = 16_000, 25


def speech(*visemes: VisemeTiming, seconds: float = 0.0) -> Speech:
    made = Speech("s", RATE, FPS, Workload().unit())
    if seconds:
        made.hear(chunk(seconds, *visemes), arrived=0.0)
    return made


def chunk(seconds: float, *visemes: VisemeTiming) -> SpeechChunk:
    return SpeechChunk("s", np.zeros(round(seconds * RATE), np.float32), visemes)


def test_a_frame_waits_for_its_sound_and_a_small_look_ahead() -> None:
    s = speech(seconds=0.04 + LOOK_AHEAD - 0.001)
    assert s.due == 0
    s.hear(chunk(0.001), arrived=0.0)
    assert s.due == 1
    assert LOOK_AHEAD <= 0.06


@pytest.mark.parametrize(("seconds", "frames"), [(0.04, 1), (0.041, 2), (1.0, 25), (0.0, 0)])
def test_frames_cover_all_of_an_ended_speech(seconds: float, frames: int) -> None:
    s = speech(seconds=seconds)
    s.ended = True
    assert s.due == frames


def test_batches_begin_with_the_chunk_that_they_belong_to() -> None:
    s = speech()
    for number in range(4):
        s.hear(chunk(0.16), arrived=float(number))
    batches = []
    while s.made < s.due:
        count, arrived = s.next_batch(8)
        batches.append((s.made, count, arrived))
        s.made += count
    assert batches == [(0, 1, 0.0), (1, 1, None), (2, 4, 1.0), (6, 4, 2.0), (10, 4, 3.0)]


def test_a_batch_is_never_larger_than_asked() -> None:
    s = speech(seconds=2.0)
    s.made = 1
    assert s.next_batch(8)[0] == 8


def test_speech_without_visemes_follows_its_sound() -> None:
    s = speech()
    tone = 0.2 * np.sin(2 * np.pi * 800 * np.arange(RATE) / RATE)
    s.hear(SpeechChunk("s", tone.astype(np.float32), ()), arrived=0.0)
    assert s.mouth(10).jaw > 0.2


def mouths(performance: Performance, s: Speech, count: int) -> list[Mouth]:
    return [performance.speak(s, k).mouth for k in range(count)]


def test_the_mouth_closes_softly_after_a_speech_that_broke_off() -> None:
    performance = Performance(1, FPS)
    s = speech(VisemeTiming(Viseme.AA, 0.0, 5.0), seconds=5.0)
    last = mouths(performance, s, 30)[-1]
    performance.begin()
    after = [performance.rest().mouth.jaw for _ in range(10)]
    assert last.jaw > after[0] > after[1] > 0
    assert after[-1] == 0
    assert last.jaw - after[0] < 0.35


def test_the_head_does_not_notice_where_a_speech_begins_or_ends() -> None:
    performance = Performance(1, FPS)
    s = speech(VisemeTiming(Viseme.AA, 0.0, 5.0), seconds=5.0)
    heads = [performance.rest().head for _ in range(40)]
    performance.begin()
    heads += [performance.speak(s, k).head for k in range(40)]
    performance.begin()
    heads += [performance.rest().head for _ in range(40)]
    for before, after in itertools.pairwise(heads):
        assert abs(after.yaw - before.yaw) < 0.004
        assert abs(after.pitch - before.pitch) < 0.012


def test_a_cancelled_speech_is_taken_back_to_what_was_seen() -> None:
    seen, ahead = Performance(1, FPS), Performance(1, FPS)
    s = speech(VisemeTiming(Viseme.AA, 0.0, 0.4), VisemeTiming(Viseme.U, 0.4, 5.0), seconds=5.0)
    seen.begin(), ahead.begin()
    mouths(seen, s, 8)
    mouths(ahead, s, 40)
    s.made = 40
    ahead.take_back(s, 8)
    for performance in (seen, ahead):
        performance.begin()
    expected, taken = seen.rest(), ahead.rest()
    assert taken.head.yaw == pytest.approx(expected.head.yaw)
    assert taken.mouth.jaw == pytest.approx(expected.mouth.jaw, abs=0.02)
