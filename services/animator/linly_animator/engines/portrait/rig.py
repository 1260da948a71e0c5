"""How far each part of the face moves for each parameter of a pose.

A rig is a set of control points with one displacement per parameter; the displacement of
a pose is the sum over its parameters. Two sheets of skin share the controls of the face:
the upper one ends at the upper lip, the lower one at the lower lip, so the lips can part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from linly_animator.engines.portrait import topology as mesh
from linly_animator.engines.portrait.anatomy import Anatomy
from linly_animator.engines.portrait.arrays import Floats
from linly_animator.engines.portrait.pose import Head, Mouth

MOUTH = ("close", "jaw", "wide", "pucker", "upper", "lower", "press", "tuck")
HEAD = ("yaw", "pitch", "roll", "brow", "breath")

_FACE = (
    mesh.NOSE
    + mesh.PHILTRUM
    + mesh.CHEEKS
    + mesh.FOLDS
    + mesh.CHIN_FRONT
    + mesh.JAW
    + mesh.SIDES
    + mesh.EYES
    + mesh.BROWS
    + mesh.FOREHEAD
)
_EDGE = len(mesh.LIP_UPPER_INNER)
_UPPER_LIP = mesh.LIP_UPPER_INNER + mesh.LIP_UPPER_OUTER
_LOWER_LIP = mesh.LIP_LOWER_INNER + mesh.LIP_LOWER_OUTER


@dataclass(frozen=True, slots=True)
class Controls:
    """The control points of one sheet of skin."""

    points: Floats
    """n x 2, pixels."""
    mouth: Floats
    """Displacement per parameter of MOUTH: parameters x n x 2, pixels."""
    head: Floats
    """Displacement per parameter of HEAD: parameters x n x 2, pixels."""
    lip: slice
    """The inner edge of the lip, from the portrait's right corner to its left."""


def mouth_weights(mouth: Mouth) -> Floats:
    """Weights of the parameters in MOUTH. `close` is always on: it undoes an open-mouthed photo."""
    parted = 1.0 - mouth.seal
    return np.array(
        [1.0, mouth.jaw * parted, mouth.wide, mouth.pucker, mouth.upper * parted,
         mouth.lower * parted, mouth.press, mouth.tuck],
        np.float32,
    )  # fmt: skip


def head_weights(head: Head) -> Floats:
    """Weights of the parameters in HEAD."""
    return np.array([head.yaw, head.pitch, head.roll, head.brow, head.breath], np.float32)


def sheets(anatomy: Anatomy, width: int, height: int) -> tuple[Controls, Controls]:
    """The upper and the lower sheet of a face in a picture of `width` x `height` pixels."""
    return (
        _sheet(anatomy, _UPPER_LIP, upper=True, size=(width, height)),
        _sheet(anatomy, _LOWER_LIP, upper=False, size=(width, height)),
    )


def _sheet(
    anatomy: Anatomy, lip: tuple[int, ...], *, upper: bool, size: tuple[int, int]
) -> Controls:
    indices = lip + tuple(i for i in dict.fromkeys(_FACE) if i not in lip)
    halo, frame = _halo(anatomy), _frame(*size)
    face = anatomy.row(indices)
    points = np.concatenate([face, halo, frame])
    uv = anatomy.normalise(points)
    depth = np.concatenate([anatomy.forwardness(indices), np.zeros(len(halo) + len(frame))])
    lips, outside = len(lip), len(halo) + len(frame)
    mouth = _mouth_moves(anatomy, uv, depth, lips, outside, upper=upper)
    head = _head_moves(anatomy, uv, depth, indices, len(halo), len(frame))
    to_pixels = anatomy.axes * anatomy.unit
    return Controls(
        points.astype(np.float32),
        (mouth @ to_pixels).astype(np.float32),
        (head @ to_pixels).astype(np.float32),
        slice(0, _EDGE),
    )


def _mouth_moves(
    anatomy: Anatomy, uv: Floats, depth: Floats, lips: int, outside: int, *, upper: bool
) -> Floats:
    """What the parameters of MOUTH do to each control, in units: parameters x n x 2.

    The first `lips` controls are the sheet's lip, the last `outside` lie around the face.
    """
    u, v = uv[:, 0], uv[:, 1]
    order = np.arange(len(u))
    lip, inner, skin = order < lips, order < _EDGE, order < len(u) - outside
    half = float(np.abs(anatomy.normalise(anatomy.row(mesh.MOUTH_CORNERS))[:, 0]).mean())
    s = np.clip(u / half, -1, 1)

    # Along the lip: 1 in its middle, 0 where the inner edges meet, a little before the corners.
    opening = np.clip(u / np.abs(u[[0, _EDGE - 1]]).mean(), -1, 1)
    arch = np.where(lip, np.maximum(1 - opening**2, 0) ** 0.62, 0)
    corner = np.where(lip, 0.22 * np.abs(opening) ** 3, 0)
    above_lip, below_lip = (arch, 0 * arch) if upper else (0 * arch, arch)

    # Skin goes along with the lips near to it. The nose is gristle and does so less.
    gap = np.hypot(np.maximum(np.abs(u) - half, 0), v)
    reach = np.where((v < -0.12) & (np.abs(u) < 0.22), 0.13, 0.22)
    near = np.where(lip, 1.0, np.exp(-((gap / reach) ** 2))) * skin
    above, below = near * (~lip & (v < 0)), near * (~lip & (v > 0))

    # The jaw turns on a hinge below the ears: what stands further forward drops further.
    chin, forward = anatomy.chin, float(anatomy.forwardness((mesh.CHIN,))[0])
    hinge = np.clip(depth / max(forward, 0.2), 0, 1.1)
    bone = np.where(lip, 0.0, _smoothstep((v + 0.02) / 0.25) * hinge * skin)
    cheek = np.sign(u) * bone * (v < 0.8 * chin)

    outward = -1.0 if upper else 1.0
    outer = arch * ~inner
    zero = np.zeros_like(u)
    moves = {
        "close": _closing(anatomy, uv, s, lip, near, bone, upper=upper),
        "jaw": (-0.045 * s * near - 0.02 * cheek, 0.26 * (corner + below_lip + 0.92 * bone)),
        "wide": (0.075 * s * near, -0.012 * s**2 * near),
        "pucker": (
            -0.43 * half * s * near,
            # Round lips don't smile: what is left of a smile goes, too.
            0.022 * outward * outer + 0.012 * (below - above) + 0.4 * _smile(anatomy) * s**2 * near,
        ),
        "upper": (zero, -0.055 * above_lip - 0.024 * above),
        "lower": (zero, 0.06 * below_lip + 0.024 * below),
        "press": (zero, -0.02 * outward * outer + 0.008 * (above - below)),
        "tuck": (zero, -0.05 * np.where(inner, 0.35, 1.0) * below_lip - 0.022 * below),
    }
    return np.stack([np.stack(moves[name], axis=-1) for name in MOUTH])


def _closing(
    anatomy: Anatomy,
    uv: Floats,
    s: Floats,
    is_lip: npt.NDArray[np.bool_],
    near: Floats,
    bone: Floats,
    *,
    upper: bool,
) -> tuple[Floats, Floats]:
    """Brings an open, smiling mouth to rest, which is where speech starts from.

    The jaw does most of the closing and the upper lip the rest; corners that a smile has
    drawn up and apart come back by half. All of it is nearly nothing for a mouth at rest.
    """
    above = anatomy.normalise(anatomy.row(mesh.LIP_UPPER_INNER))
    below = anatomy.normalise(anatomy.row(mesh.LIP_LOWER_INNER))
    top = np.interp(uv[:, 0], above[:, 0], above[:, 1])
    bottom = np.interp(uv[:, 0], below[:, 0], below[:, 1])
    gap = np.maximum(bottom - top, 0)
    share = 0.3
    lip = share * gap if upper else -(1 - share) * gap
    widest = float(np.max(below[:, 1] - above[:, 1], initial=0))
    v = np.where(is_lip, lip, -(1 - share) * widest * bone)
    smile = _smile(anatomy)
    return -0.5 * smile * s * near, v + 0.55 * smile * s**2 * near


def _smile(anatomy: Anatomy) -> float:
    """How far the corners of the mouth stand above its middle, in units; 0 at rest."""
    edges = anatomy.row(mesh.LIP_UPPER_INNER) + anatomy.row(mesh.LIP_LOWER_INNER)
    line = anatomy.normalise(edges / 2)[:, 1]
    return float(np.clip(line[4:7].mean() - line[[0, -1]].mean() - 0.01, 0, 0.08))


def _head_moves(
    anatomy: Anatomy, uv: Floats, depth: Floats, indices: tuple[int, ...], halo: int, frame: int
) -> Floats:
    u, v = uv[:, 0], uv[:, 1]
    count = len(u)
    chin = anatomy.chin
    on_frame = np.arange(count) >= count - frame
    # The neck follows the head by half, the frame of the picture not at all.
    follow = np.where(on_frame, 0.0, np.where(v > chin + 0.1, 0.45, 1.0))
    brow = np.zeros(count)
    for row, amount in ((mesh.BROWS, 0.035), (mesh.BROWS_INNER, 0.01), (mesh.FOREHEAD, 0.012)):
        brow[[i for i, index in enumerate(indices) if index in row]] += amount
    lower_edge = on_frame & (v > chin + 0.2)
    zero = np.zeros(count)
    pivot = chin + 0.45
    moves = {
        "yaw": (follow * (depth + 0.06), zero),
        "pitch": (zero, follow * (depth + 0.06)),
        "roll": (-follow * (v - pivot), follow * u),
        "brow": (zero, -brow),
        "breath": (zero, np.where(lower_edge, -0.012, -0.016 * follow)),
    }
    return np.stack([np.stack(moves[name], axis=-1) for name in HEAD]).astype(np.float32)


def _halo(anatomy: Anatomy) -> Floats:
    """Points around the face: hair above, neck below. They follow the head, not the mouth."""
    oval = anatomy.normalise(anatomy.row(mesh.OVAL[::3]))
    centre = oval.mean(axis=0)
    stretch = np.where(oval[:, 1:] > centre[1], 1.42, 1.35)
    return anatomy.to_pixels(((oval - centre) * stretch + centre).astype(np.float32))


def _frame(width: int, height: int) -> Floats:
    """Points on the edge of the picture, which stay where they are."""
    x, y = np.linspace(0, width - 1, 7), np.linspace(0, height - 1, 7)
    edge = [(a, b) for a in x for b in (0, height - 1)] + [
        (a, b) for a in (0, width - 1) for b in y[1:-1]
    ]
    return np.array(edge, np.float32)


def _smoothstep(t: Floats) -> Floats:
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)
