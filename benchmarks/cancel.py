"""How soon every model is at rest when a client leaves or interrupts, in each phase of a turn."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from time import perf_counter as now

from benchmarks.figures import Aim, Figure, at_most
from benchmarks.fleet import SERVICES, real_mesh
from benchmarks.idleness import Workloads, open_workloads
from benchmarks.phases import Phase, open_conversation
from benchmarks.progress import say
from benchmarks.statistics import percentile
from linly_mesh.rpc.target import Target

_TRIALS = 20
"""Per phase; 100 for the client's cancel in all."""
_MS = 1000.0
_AIM = at_most(100)
_SPREAD: Mapping[Phase, float] = {
    Phase.LISTENING: 0.5,
    Phase.THINKING: 0.02,
    Phase.WRITING: 0.02,
    Phase.SPEAKING: 1.0,
    Phase.ENDING: 0.2,
}
"""Seconds over which the trials of a phase are spread, so that they hit different moments."""


class _Means(StrEnum):
    """How a turn is stopped."""

    CANCEL = "cancel"
    """The client cancels the call."""
    INTERRUPT = "interrupt"
    """The client sends Interrupt; the call goes on."""


_KINDS = [(_Means.CANCEL, phase) for phase in Phase] + [
    # a person who interrupts the portrait goes on speaking, so the recogniser goes on too
    (_Means.INTERRUPT, phase)
    for phase in Phase
    if phase is not Phase.LISTENING
]


@dataclass(frozen=True, slots=True)
class _Trial:
    at_work: bool
    """Whether any service was at work just before."""
    rests: Mapping[str, float]
    """Seconds until each service was at rest; infinite if that never came."""

    @property
    def rest(self) -> float:
        """Seconds until all were."""
        return max(self.rests.values())


async def measure(*, brief: bool) -> list[Figure]:
    """Every phase in turns, by the client's cancel and, once the portrait acts, by Interrupt."""
    number = 2 if brief else _TRIALS
    trials: dict[tuple[_Means, Phase], list[_Trial]] = defaultdict(list)
    async with real_mesh() as fleet:
        target = fleet.target("orchestrator")
        targets = {name: fleet.target(name) for name in SERVICES}
        async with open_workloads(targets) as workloads:
            async with open_conversation(target) as conversation:
                seconds = await conversation.speak_statement()
            before = await workloads.cancelled()
            for index in range(number):
                say(f"cancel: {index + 1} of {number} trials of each phase")
                for means, phase in _KINDS:
                    delay = (index + 0.5) / number * _SPREAD[phase]
                    trial = await _try(target, workloads, means, phase, delay, seconds)
                    trials[means, phase].append(trial)
            cancelled = await workloads.cancelled() - before
    return [*_figures(trials), Figure("cancel.units_cancelled", cancelled, "units")]


async def _try(
    target: str | Target,
    workloads: Workloads,
    means: _Means,
    phase: Phase,
    delay: float,
    seconds: float,
) -> _Trial:
    await workloads.until_idle(now())
    async with open_conversation(target) as conversation:
        await conversation.reach(phase, seconds)
        reading = asyncio.create_task(conversation.until_over())
        await asyncio.sleep(delay)
        at_work = await workloads.busy()
        watching = asyncio.create_task(workloads.until_idle(now()))
        if means is _Means.INTERRUPT:
            await conversation.talk.interrupt()
            await reading
            return _Trial(at_work, await watching)
        reading.cancel()  # cancelling what reads a call cancels the call
        await asyncio.gather(reading, return_exceptions=True)
    return _Trial(at_work, await watching)


def _figures(trials: Mapping[tuple[_Means, Phase], Sequence[_Trial]]) -> list[Figure]:
    figures = []
    for means in _Means:
        tried = [trial for (by, _), each in trials.items() if by is means for trial in each]
        lost = sum(trial.rest == math.inf for trial in tried)
        at_work = sum(trial.at_work for trial in tried)
        figures += [
            _rest(f"cancel.{means}_to_idle_p50", _rests(tried), 50),
            _rest(f"cancel.{means}_to_idle_p95", _rests(tried), 95, _AIM),
            Figure(f"cancel.{means}_lost", lost, f"of {len(tried)}", at_most(0)),
            Figure(f"cancel.{means}_found_at_work", at_work, f"of {len(tried)}"),
        ]
    for (means, phase), each in trials.items():
        figures.append(_rest(f"cancel.{means}_to_idle_p95.{phase}", _rests(each), 95))
    every = [trial for each in trials.values() for trial in each]
    for service in every[0].rests:
        rests = [trial.rests[service] for trial in every]
        figures.append(_rest(f"cancel.to_idle_p95.{service}", rests, 95))
    return figures


def _rests(trials: Sequence[_Trial]) -> list[float]:
    return [trial.rest for trial in trials]


def _rest(name: str, rests: Sequence[float], percent: float, aim: Aim | None = None) -> Figure:
    times = [_MS * rest for rest in rests]
    return Figure(name, percentile(times, percent), "ms", aim, min(times), max(times))
