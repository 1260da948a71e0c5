"""What the proxies cost: the same calls and the same talks, directly and through the mesh."""

import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter as now
from typing import Any

import grpc

from benchmarks.accounting import cpu_seconds, memory
from benchmarks.echo_server import PING
from benchmarks.figures import Aim, Figure, at_most, figure
from benchmarks.fleet import SERVICES, Fleet, local_mesh, proxied_stub_mesh, stub_mesh
from benchmarks.load import offer
from benchmarks.progress import say
from benchmarks.statistics import over_rounds, percentile, ratio_of_rounds
from benchmarks.work import Work
from linly_mesh.proxy.launcher import launched
from linly_mesh.proxy.workload import proxy, workload
from linly_mesh.rpc.channel import open_channel

_ROUNDS = 10
_TALK_ROUNDS = 4
_PINGS, _STREAMED = 400, 400
_TALKS, _TURNS = 8, 4
_MS, _US = 1e3, 1e6
_KIB = bytes(1 << 10)


@dataclass(frozen=True, slots=True)
class _Echoes:
    """One round of plain calls; microseconds."""

    p50: float
    p99: float
    ping_cpu: float
    """Of all processes but the client, per round trip of 1 KiB."""
    streamed: float
    """Per message of 32 KiB."""
    streamed_cpu: float
    """Likewise, on a core."""


@dataclass(frozen=True, slots=True)
class _Talks:
    """One round of talks; milliseconds."""

    audio: float
    """Median to the first audio, beyond what the stages sleep."""
    cpu: float
    """On a core, of all processes but the client, per turn."""


@dataclass(frozen=True, slots=True)
class _Path:
    """A way to the server of echoes."""

    channel: grpc.aio.Channel
    pids: Sequence[int]
    """Whose time it costs."""


async def measure(*, brief: bool) -> list[Figure]:
    """Ratios of the mesh to direct calls, in one interleaved run, and the proxies' memory."""
    echoes = await _measure_echoes(2 if brief else _ROUNDS)
    async with stub_mesh() as direct, proxied_stub_mesh() as meshed:
        talks = await _measure_talks(
            {"direct": direct, "mesh": meshed}, 1 if brief else _TALK_ROUNDS
        )
        proxies = [memory(meshed.pids[f"{name}-proxy"]).pss for name in SERVICES]
    return [*_echo_figures(echoes), *_talk_figures(talks), _memory_figure(proxies)]


async def _measure_echoes(rounds: int) -> dict[str, list[_Echoes]]:
    found: dict[str, list[_Echoes]] = defaultdict(list)
    async with _paths() as paths:
        for path in paths.values():
            await _echo(path)  # connections and caches
        for index in range(rounds):
            say(f"mesh: calls, round {index + 1}")
            for name in sorted(paths, reverse=index % 2 == 1):
                found[name].append(await _echo(paths[name]))
    return found


@asynccontextmanager
async def _paths() -> AsyncIterator[dict[str, _Path]]:
    """One server, called on its socket and through two proxies; ``direct`` twice, as control."""
    async with local_mesh() as local:
        address = local.listen("asr", "grpc")
        command = (sys.executable, "-m", "benchmarks.echo_server", address)
        environment = {"PYTHONPATH": str(Path(__file__).parents[1])}
        processes = [
            *workload(local, "asr", command, environment),
            proxy(local, "orchestrator"),
        ]
        async with (
            launched(processes, local.runtime) as pids,
            open_channel(address) as direct,
            open_channel(address) as control,
            open_channel(local.upstream("orchestrator", "asr")) as meshed,
        ):
            yield {
                "direct": _Path(direct, [pids["asr"]]),
                "control": _Path(control, [pids["asr"]]),
                "mesh": _Path(meshed, [*pids.values()]),
            }


async def _echo(path: _Path) -> _Echoes:
    call: Any = path.channel.stream_stream(PING)()
    try:
        before, trips = _cpu(path.pids), []
        for _ in range(_PINGS):
            begin = now()
            await call.write(_KIB)
            await call.read()
            trips.append(_US * (now() - begin))
        middle, begin = _cpu(path.pids), now()
        await call.write(str(_STREAMED).encode())
        for _ in range(_STREAMED):
            await call.read()
        spent = now() - begin
        return _Echoes(
            percentile(trips, 50),
            percentile(trips, 99),
            _US * (middle - before) / _PINGS,
            _US * spent / _STREAMED,
            _US * (_cpu(path.pids) - middle) / _STREAMED,
        )
    finally:
        call.cancel()


def _cpu(pids: Sequence[int]) -> float:
    return sum(map(cpu_seconds, pids))


async def _measure_talks(fleets: dict[str, Fleet], rounds: int) -> dict[str, list[_Talks]]:
    found: dict[str, list[_Talks]] = defaultdict(list)
    for fleet in fleets.values():
        await offer(fleet.target("orchestrator"), 1, 1)
    for index in range(rounds):
        for name in sorted(fleets, reverse=index % 2 == 1):
            say(f"mesh: talks, round {index + 1}, {name}")
            found[name].append(await _talk(fleets[name]))
    return found


async def _talk(fleet: Fleet) -> _Talks:
    ideal = Work().first_audio_ideal
    pids = [pid for name, pid in fleet.pids.items() if name != "mono"]
    before = _cpu(pids)
    turns = await offer(fleet.target("orchestrator"), _TALKS, _TURNS)
    spent = _cpu(pids) - before
    audio = median(_MS * (turn.first_audio - ideal) for turn in turns)
    return _Talks(audio, _MS * spent / len(turns))


def _echo_figures(found: dict[str, list[_Echoes]]) -> list[Figure]:
    direct = found["direct"]

    def of(which: str, part: str) -> list[float]:
        return [getattr(each, part) for each in found[which]]

    figures = []
    aims: dict[str, Aim | None] = {"p50": at_most(2.0), "p99": at_most(2.0)}
    names = {
        "p50": "ping_pong_1kib_p50",
        "p99": "ping_pong_1kib_p99",
        "ping_cpu": "ping_pong_1kib_cpu",
        "streamed": "stream_32kib",
        "streamed_cpu": "stream_32kib_cpu",
    }
    for part, name in names.items():
        values = [getattr(each, part) for each in direct]
        mesh, control = of("mesh", part), of("control", part)
        figures += [
            figure(f"mesh.{name}.to_direct", ratio_of_rounds(mesh, values), "x", aims.get(part)),
            figure(f"mesh.{name}.control_to_direct", ratio_of_rounds(control, values), "x"),
            figure(f"mesh.{name}.direct", over_rounds(values), "us"),
            figure(f"mesh.{name}.mesh", over_rounds(mesh), "us"),
        ]
    return figures


def _talk_figures(found: dict[str, list[_Talks]]) -> list[Figure]:
    direct, mesh = found["direct"], found["mesh"]
    more = [m.audio - d.audio for m, d in zip(mesh, direct, strict=True)]
    cpu = ratio_of_rounds([m.cpu for m in mesh], [d.cpu for d in direct])
    which = f"talks_{_TALKS}"
    return [
        figure(f"mesh.first_audio_more_p50.{which}", over_rounds(more), "ms", at_most(5)),
        figure(
            f"mesh.first_audio_overhead_p50_direct.{which}",
            over_rounds([d.audio for d in direct]),
            "ms",
        ),
        figure(f"mesh.cpu_per_turn_to_direct.{which}", cpu, "x", at_most(1.3)),
        figure(f"mesh.cpu_per_turn_direct.{which}", over_rounds([d.cpu for d in direct]), "ms"),
    ]


def _memory_figure(proxies: Sequence[float]) -> Figure:
    return Figure("mesh.proxies_pss", sum(proxies), "MiB", at_most(140))
