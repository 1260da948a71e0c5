"""What the mesh itself costs: a talk before stages that only sleep, against one process."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import process_time

from benchmarks.accounting import cpu_seconds
from benchmarks.figures import Aim, Figure, at_most, figure
from benchmarks.fleet import STAGES, Fleet, stub_mesh
from benchmarks.load import offer
from benchmarks.progress import say
from benchmarks.statistics import over_rounds, percentile, ratio_of_rounds
from benchmarks.work import Work

_SYSTEMS: Mapping[str, tuple[str, ...]] = {
    "mesh": (*STAGES, "orchestrator"),
    "mono": ("mono",),
}
_ENTRANCE = {"mesh": "orchestrator", "mono": "mono"}
_TURNS: Mapping[int, int] = {1: 8, 8: 4, 32: 3}
"""Talks at once, and the turns that each takes in a round: 20, 10 and 7.5 s."""
_AIMS: Mapping[int, Aim] = {1: at_most(10), 8: at_most(10), 32: at_most(30)}
_ROUNDS = 3
_MS = 1000.0


@dataclass(frozen=True, slots=True)
class _Round:
    """A system under one load, once. Milliseconds beyond what the stages sleep."""

    audio: Sequence[float]
    """To the first audio of each turn."""
    frame: Sequence[float]
    """To the first frame of each turn."""
    end: Sequence[float]
    """To the end of each turn, counted in full."""
    own_account: Sequence[float]
    """To the first audio of each turn, as the orchestrator itself reports it."""
    cpu: float
    """Milliseconds on a core of all the system's processes per turn."""
    client_cpu: float
    """Milliseconds on a core of the client, which shares the machine, per turn."""


async def measure(*, brief: bool) -> list[Figure]:
    """Overhead to first audio and first frame at 1, 8 and 32 talks, and what a turn costs."""
    work = Work()
    rounds: dict[tuple[str, int], list[_Round]] = defaultdict(list)
    async with stub_mesh() as fleet:
        for entrance in _ENTRANCE.values():
            await offer(fleet.target(entrance), 1, 1)  # imports, connections, caches
        for index in range(1 if brief else _ROUNDS):
            for talks, turns in _TURNS.items():
                for system in sorted(_SYSTEMS, reverse=index % 2 == 1):
                    say(f"stub talk: round {index + 1}, {talks} talks, {system}")
                    measured = await _round(fleet, system, talks, 1 if brief else turns, work)
                    rounds[system, talks].append(measured)
    return [
        found
        for talks in _TURNS
        for found in _figures(talks, rounds["mesh", talks], rounds["mono", talks])
    ]


async def _round(fleet: Fleet, system: str, talks: int, turns: int, work: Work) -> _Round:
    pids = [fleet.pids[name] for name in _SYSTEMS[system]]
    before = sum(map(cpu_seconds, pids))
    own = process_time()
    done = await offer(fleet.target(_ENTRANCE[system]), talks, turns)
    spent = sum(map(cpu_seconds, pids)) - before
    return _Round(
        audio=[_MS * (turn.first_audio - work.first_audio_ideal) for turn in done],
        frame=[_MS * (turn.first_frame - work.first_frame_ideal) for turn in done],
        end=[_MS * turn.end for turn in done],
        own_account=[_MS * t.own_account for t in done if t.own_account is not None],
        cpu=_MS * spent / len(done),
        client_cpu=_MS * (process_time() - own) / len(done),
    )


def _figures(talks: int, mesh: Sequence[_Round], mono: Sequence[_Round]) -> list[Figure]:
    def found(what: str, values: Sequence[float], aim: Aim | None = None) -> Figure:
        return figure(f"stub_talk.{what}.talks_{talks}", over_rounds(values), "ms", aim)

    def ratio(what: str, values: Sequence[float], references: Sequence[float]) -> Figure:
        summary = ratio_of_rounds(values, references)
        return figure(f"stub_talk.{what}_to_mono.talks_{talks}", summary, "x")

    audio = [percentile(r.audio, 50) for r in mesh]
    mono_audio = [percentile(r.audio, 50) for r in mono]
    cpu, mono_cpu = [r.cpu for r in mesh], [r.cpu for r in mono]
    return [
        found("first_audio_overhead_p50", audio, _AIMS[talks]),
        found("first_audio_overhead_p95", [percentile(r.audio, 95) for r in mesh]),
        found("first_audio_overhead_own_account", [percentile(r.own_account, 50) for r in mesh]),
        found("mono_first_audio_overhead_p50", mono_audio),
        ratio("first_audio_overhead", audio, mono_audio),
        found("first_frame_overhead_p50", [percentile(r.frame, 50) for r in mesh]),
        found("first_frame_overhead_p95", [percentile(r.frame, 95) for r in mesh]),
        found("mono_first_frame_overhead_p50", [percentile(r.frame, 50) for r in mono]),
        found("whole_turn_p50", [percentile(r.end, 50) for r in mesh]),
        found("mono_whole_turn_p50", [percentile(r.end, 50) for r in mono]),
        found("cpu_per_turn", cpu),
        ratio("cpu_per_turn", cpu, mono_cpu),
        found("client_cpu_per_turn", [r.client_cpu for r in mesh]),
    ]
