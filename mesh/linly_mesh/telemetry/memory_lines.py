"""Which lines of Python hold memory, as tracemalloc has traced them."""

import heapq
import sys
import tracemalloc
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import PurePath
from typing import Any, TypeAlias

_OWN = str(PurePath(__file__).parent / "memory")
"""What the files of this diagnosis begin with: they have no place in what they find."""

_RawFrames: TypeAlias = tuple[tuple[str, int], ...]
"""File and line; the one that allocated is first."""


@dataclass(frozen=True, slots=True)
class CodeLine:
    """A line of Python."""

    file: str
    """Relative to where Python found the package."""
    line: int
    """Counted from 1."""


@dataclass(frozen=True, slots=True)
class AllocationGrowth:
    """What one place has allocated since the trace began, and not freed."""

    frames: tuple[CodeLine, ...]
    """The line that allocated, then its callers."""
    size_diff: int
    """Bytes."""
    count_diff: int
    """Blocks."""


def largest(top: int) -> list[AllocationGrowth]:
    """The places that hold most of what was allocated since the trace began.

    A trace begins empty, so that the difference to its begin is all that it knows now.

    Raises:
        RuntimeError: no trace runs.
    """
    snapshot = tracemalloc.take_snapshot()
    # Its own statistics() make an object per block and keep all blocks to the end, and to free
    # them at once is a pause; here they are dropped one by one.
    blocks: list[tuple[Any, ...]] = snapshot.traces._traces  # type: ignore[attr-defined]
    places: dict[_RawFrames, list[int]] = defaultdict(lambda: [0, 0])
    while blocks:
        _, size, frames, _ = blocks.pop()
        place = places[frames]
        place[0] += size
        place[1] += 1
    others = ((held, frames) for frames, held in places.items() if not _is_own(frames[0][0]))
    chosen = heapq.nlargest(top, others, key=itemgetter(0))
    return [AllocationGrowth(_frames(frames), *held) for held, frames in chosen]


def shortened(file: str, roots: Sequence[str]) -> str:
    """A file's name relative to the innermost of ``roots``; without one, its last two parts."""
    if file.startswith("<"):
        return file  # code that never was in a file
    path = PurePath(file)
    inside = [root for root in roots if root and path.is_relative_to(root)]
    if inside:
        return str(path.relative_to(max(inside, key=len)))
    return str(PurePath(*path.parts[-2:]))


def _is_own(file: str) -> bool:
    return file == tracemalloc.__file__ or file.startswith(_OWN)


def _frames(frames: _RawFrames) -> tuple[CodeLine, ...]:
    return tuple(CodeLine(shortened(file, sys.path), line) for file, line in frames)
