"""Memory of this process and of the workers that it has started, as the system counts it."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePath
from typing import TypeAlias

import psutil

_SPAWNED = re.compile(r"from (multiprocessing\.\w+) import")
_WITH_VALUE = ("-W", "-X")
"""Options of Python that take the next argument."""

_Key: TypeAlias = tuple[int, float]
"""Process id and start: ids are used again."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One process."""

    name: str
    """What it runs."""
    main: bool
    """Whether it is this process."""
    rss: int
    """Resident bytes."""
    pss: int | None
    """Resident bytes, shared pages divided by their sharers; None if the system doesn't tell."""


@dataclass(frozen=True, slots=True)
class ProcessGrowth:
    """One process now, and since the baseline."""

    usage: Usage
    """Now."""
    started: bool
    """Whether it has begun after the baseline."""
    rss_diff: int
    """Resident bytes more."""
    pss_diff: int | None
    """Such bytes more, shared pages divided; None if the system doesn't tell."""


def usages() -> dict[_Key, Usage]:
    """This process and all below it."""
    own = psutil.Process()
    found: dict[_Key, Usage] = {}
    for process in (own, *own.children(recursive=True)):
        with suppress(psutil.Error), process.oneshot():  # one that has just ended
            found[process.pid, process.create_time()] = _usage(process, process.pid == own.pid)
    return found


def grown(before: Mapping[_Key, Usage], now: Mapping[_Key, Usage], top: int) -> list[ProcessGrowth]:
    """The processes of ``now``, largest growth first."""
    growths = [_growth(usage, before.get(key)) for key, usage in now.items()]
    growths.sort(key=lambda each: each.rss_diff, reverse=True)
    return growths[:top]


def name_of(program: str, command: Sequence[str]) -> str:
    """The module or script that Python was started with, else the program; never an argument."""
    arguments = iter(command[1:] if program.startswith("python") else ())
    for argument in arguments:
        if argument == "-m":
            return next(arguments, program)
        if argument == "-c":
            spawned = _SPAWNED.match(next(arguments, ""))
            return spawned[1] if spawned else program
        if argument in _WITH_VALUE:
            next(arguments, None)
        elif not argument.startswith("-"):
            return PurePath(argument).name
    return program


def _usage(process: psutil.Process, main: bool) -> Usage:
    name = name_of(process.name(), process.cmdline())
    rss = process.memory_info().rss
    try:
        pss = getattr(process.memory_full_info(), "pss", None)
    except psutil.AccessDenied:
        pss = None
    return Usage(name, main, rss, pss)


def _growth(usage: Usage, before: Usage | None) -> ProcessGrowth:
    if before is None:
        return ProcessGrowth(usage, True, usage.rss, usage.pss)
    known = usage.pss is not None and before.pss is not None
    pss_diff = usage.pss - before.pss if known else None  # type: ignore[operator]
    return ProcessGrowth(usage, False, usage.rss - before.rss, pss_diff)
