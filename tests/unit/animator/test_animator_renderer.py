"""The picture itself, measured with the landmark model on what was drawn."""

import numpy as np
import numpy.typing as npt
import pytest

from linly_animator.engine import Viseme
from linly_animator.engines.portrait.anatomy import Anatomy
from linly_animator.engines.portrait.avatars import AvatarStore
from linly_animator.engines.portrait.landmarks import FaceFinder
from linly_animator.engines.portrait.pose import REST, Head, Mouth, Pose
from linly_animator.engines.portrait.renderer import Renderer
from linly_animator.engines.portrait.visemes import SHAPES

Picture = npt.NDArray[np.uint8]

CLOSED = 0.03
"""Units; the model sees up to half of this between lips that touch."""


@pytest.fixture(params=["drawn", "photographed"])
def renderer(request: pytest.FixtureRequest) -> Renderer:
    made: Renderer = request.getfixturevalue(request.param)
    return made


def opening(finder: FaceFinder, picture: Picture) -> float:
    """The gap between the lips in units, as the model sees it."""
    anatomy = Anatomy(finder.find(picture)[0].landmarks)
    return float(np.linalg.norm(anatomy.point(14) - anatomy.point(13))) / anatomy.unit


def width(finder: FaceFinder, picture: Picture) -> float:
    anatomy = Anatomy(finder.find(picture)[0].landmarks)
    return float(np.linalg.norm(anatomy.point(291) - anatomy.point(61))) / anatomy.unit


def saying(viseme: Viseme) -> Pose:
    return Pose(SHAPES[viseme].mouth, REST.head)


def test_lips_are_closed_at_rest_and_on_p_b_m(renderer: Renderer, finder: FaceFinder) -> None:
    for viseme in (Viseme.SIL, Viseme.PP):
        assert opening(finder, renderer.draw(saying(viseme))) < CLOSED


def test_a_seal_closes_any_mouth(renderer: Renderer, finder: FaceFinder) -> None:
    pose = Pose(Mouth(jaw=0.5, upper=0.4, lower=0.4, teeth=1, seal=1), REST.head)
    assert opening(finder, renderer.draw(pose)) < CLOSED


def test_the_mouth_opens_as_far_as_the_sound_asks(renderer: Renderer, finder: FaceFinder) -> None:
    gaps = {v: opening(finder, renderer.draw(saying(v))) for v in Viseme}
    assert gaps[Viseme.AA] > 0.12
    assert gaps[Viseme.AA] > gaps[Viseme.E] > gaps[Viseme.SS] > gaps[Viseme.PP]


def test_u_is_narrow_and_i_is_wide(renderer: Renderer, finder: FaceFinder) -> None:
    u, rest, i = (width(finder, renderer.draw(saying(v))) for v in (Viseme.U, Viseme.SIL, Viseme.I))
    assert u < 0.85 * rest
    assert i > 1.03 * rest


def test_a_blink_covers_the_eyes_with_skin(renderer: Renderer, finder: FaceFinder) -> None:
    open_eyes = renderer.draw(REST)
    shut = renderer.draw(Pose(REST.mouth, Head(blink=1)))
    anatomy = Anatomy(finder.find(open_eyes)[0].landmarks)
    for corners in ((33, 133), (362, 263)):
        x, y = np.round(anatomy.row(corners).mean(axis=0)).astype(int)
        eye = np.s_[y - 4 : y + 3, x - 6 : x + 7]
        assert shut[eye].std(axis=(0, 1)).mean() < 0.4 * open_eyes[eye].std(axis=(0, 1)).mean()
        assert shut[eye][..., 2].mean() > open_eyes[eye][..., 2].mean() + 30


def test_speech_changes_nothing_away_from_the_lower_face(renderer: Renderer) -> None:
    rest = renderer.draw(REST).astype(int)
    changed = np.abs(renderer.draw(saying(Viseme.AA)).astype(int) - rest).max(axis=2) > 0
    rows, columns = np.nonzero(changed)
    assert changed.any()
    assert changed[:200].sum() == 0, "nothing above the nose"
    assert rows.max() < 511
    assert columns.min() > 60
    assert columns.max() < 452


def test_teeth_are_seen_when_the_sound_shows_them_and_hidden_when_not(drawn: Renderer) -> None:
    def bright(viseme: Viseme) -> int:
        change = drawn.draw(saying(viseme))[250:400].astype(int)
        # Teeth are the only bright pixels of a mouth that have hardly any colour.
        pale = (change.min(axis=2) > 130) & (change.max(axis=2) - change.min(axis=2) < 45)
        return int(pale[:, 190:320].sum())

    assert bright(Viseme.U) <= bright(Viseme.SIL) + 3
    assert bright(Viseme.SS) > bright(Viseme.SIL) + 60
    assert bright(Viseme.E) > bright(Viseme.O) + 60


def test_corners_of_an_open_mouth_keep_the_colour_of_skin_and_lips(
    renderer: Renderer, finder: FaceFinder
) -> None:
    picture = renderer.draw(saying(Viseme.AA))
    anatomy = Anatomy(finder.find(picture)[0].landmarks)
    for index in (61, 291):
        x, y = np.round(anatomy.point(index)).astype(int)
        patch = picture[y - 3 : y + 4, x - 3 : x + 4].reshape(-1, 3).astype(int)
        assert (patch[:, 2] - patch[:, 0]).mean() > 15, "red outweighs blue: not grey"


def test_a_small_step_of_the_pose_is_a_small_step_of_the_picture(renderer: Renderer) -> None:
    last = renderer.draw(REST).astype(int)
    for k in range(1, 16):
        amount = k / 15
        pose = Pose(Mouth(jaw=0.4 * amount, teeth=amount), Head(yaw=0.02 * amount))
        now = renderer.draw(pose).astype(int)
        assert np.abs(now - last).mean() < 1.2
        last = now


def test_the_head_turns_both_ways(drawn: Renderer, finder: FaceFinder) -> None:
    def nose(yaw: float) -> float:
        picture = drawn.draw(Pose(REST.mouth, Head(yaw=yaw)))
        return float(finder.find(picture)[0].landmarks[1, 0])

    assert nose(-0.05) + 2 < nose(0) < nose(0.05) - 2


@pytest.mark.parametrize("size", [(128, 128), (1024, 576), (360, 640)])
def test_the_face_sits_well_at_any_size(
    finder: FaceFinder, store: AvatarStore, size: tuple[int, int], photo: bytes
) -> None:
    renderer = store.renderer(store.create(photo).avatar_id, *size)
    picture = renderer.draw(saying(Viseme.AA))
    assert picture.shape == (size[1], size[0], 3)
    x, y = (finder.find(picture)[0].landmarks[:, :2].mean(axis=0) / size).tolist()
    assert 0.35 < x < 0.65
    assert 0.25 < y < 0.6
