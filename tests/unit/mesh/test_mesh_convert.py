import pytest
from hypothesis import given
from hypothesis import strategies as st

from linly_mesh.rpc.convert import stage_timing, to_duration, to_seconds
from linly_mesh.timing import Timing


@given(st.floats(-1e6, 1e6))
def test_seconds_survive_to_the_nanosecond(seconds):
    assert to_seconds(to_duration(seconds)) == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize("seconds", [-1.5, -0.25, 0.25, 1.5])
def test_seconds_and_nanos_have_the_same_sign(seconds):
    duration = to_duration(seconds)
    assert duration.seconds * duration.nanos >= 0


def test_what_a_stage_does_not_know_of_its_time_stays_unset():
    message = stage_timing(Timing(compute=0.5))
    assert to_seconds(message.compute) == 0.5
    assert not message.HasField("queue_wait")
    assert not message.HasField("first_output")


def test_no_time_at_all_is_said():
    assert stage_timing(Timing(queue_wait=0.0)).HasField("queue_wait")
