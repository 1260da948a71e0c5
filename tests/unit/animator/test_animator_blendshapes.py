"""ARKit values that agree with the picture."""

from hypothesis import given
from hypothesis import strategies as st

from linly_animator.engine import Viseme
from linly_animator.engines.portrait.blendshapes import NAMES, values
from linly_animator.engines.portrait.pose import REST, Head, Mouth, Pose
from linly_animator.engines.portrait.visemes import SHAPES

share = st.floats(0, 1)


def named(mouth: Mouth = REST.mouth, head: Head = REST.head) -> dict[str, float]:
    return dict(zip(NAMES, values(Pose(mouth, head)), strict=True))


def test_there_are_the_52_names_of_arkit_in_its_order() -> None:
    assert len(set(NAMES)) == len(NAMES) == 52
    assert (NAMES[0], NAMES[17], NAMES[-1]) == ("eyeBlinkLeft", "jawOpen", "tongueOut")


def test_a_face_at_rest_is_all_zero() -> None:
    assert set(values(REST)) == {0.0}


@given(st.builds(Mouth, *[share] * 11), st.builds(Head, share, share, share, share, share, share))
def test_values_stay_between_0_and_1(mouth: Mouth, head: Head) -> None:
    assert all(0 <= value <= 1 for value in values(Pose(mouth, head)))


def test_closed_lips_counter_an_open_jaw() -> None:
    shapes = named(Mouth(jaw=0.4, upper=0.5, seal=1))
    assert shapes["mouthClose"] == shapes["jawOpen"] == 0.4
    assert shapes["mouthUpperUpLeft"] == 0


def test_shapes_tell_visemes_apart() -> None:
    by_viseme = {viseme: named(shape.mouth) for viseme, shape in SHAPES.items()}
    assert by_viseme[Viseme.AA]["jawOpen"] == max(s["jawOpen"] for s in by_viseme.values())
    assert by_viseme[Viseme.U]["mouthPucker"] == max(s["mouthPucker"] for s in by_viseme.values())
    assert by_viseme[Viseme.FF]["mouthRollLower"] == 1
    assert by_viseme[Viseme.TH]["tongueOut"] > 0


def test_a_blink_shuts_both_eyes() -> None:
    shapes = named(head=Head(blink=1))
    assert shapes["eyeBlinkLeft"] == shapes["eyeBlinkRight"] == 1
