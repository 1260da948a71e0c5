"""``talker up``: the processes of a mesh on this machine."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Self

import typer

from linly_client.cli.console import CommandError, console
from linly_client.cli.processes import SERVICES, processes
from linly_client.cli.reach import CALLER
from linly_client.cli.run import run, signalled
from linly_mesh.identity.rotation import Rotation
from linly_mesh.proxy.launcher import Process, State, launched
from linly_mesh.proxy.local import LocalMesh

_SCRAPER = "prometheus"
"""Its certificate is kept fresh as well: Prometheus reads the files anew by itself."""


def up(
    only: Annotated[
        str, typer.Option(help=f"Start these alone, separated by commas: {', '.join(SERVICES)}.")
    ] = "",
) -> None:
    """Start the services; Ctrl-C stops them."""
    asked = {name.strip() for name in only.split(",") if name.strip()}
    unknown = ", ".join(sorted(asked - set(SERVICES)))
    if unknown:
        raise CommandError(f"no such service: {unknown}; there are {', '.join(SERVICES)}")
    run(_up([name for name in SERVICES if name in asked or not asked]))


async def _up(names: Sequence[str]) -> None:
    local = LocalMesh.read()
    async with running(local, names):
        await stay(local, invite="orchestrator" in names)


async def stay(local: LocalMesh, *, invite: bool) -> None:
    """Waits for Ctrl-C; ``invite``: says how to talk to the mesh."""
    with signalled() as event:
        if invite:
            _print_invitation(local)
        console.print("Ctrl-C stops the services.")
        await event.wait()
    console.print("stopping … (Ctrl-C again: at once)", style="dim")


@asynccontextmanager
async def running(local: LocalMesh, names: Sequence[str] = SERVICES) -> AsyncIterator[None]:
    """Runs the services behind their proxies while the block runs, and shows them come and go."""
    rotation = Rotation([local.svid(name) for name in (*names, _SCRAPER)])
    with _Display(names) as display:
        async with (
            rotation.running(),
            launched(processes(local, names), local.runtime, on_change=display.show),
        ):
            display.all_ready()
            yield


class _Display:
    """What the services do, for a person at a terminal; their proxies go without saying."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._waiting = list(names)
        self._begin = time.monotonic()
        self._spinner = console.status("")

    def __enter__(self) -> Self:
        self._spinner.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._spinner.stop()

    def show(self, changed: Process, state: State) -> None:
        if changed.name not in self._names:
            return
        match state:
            case State.READY:
                self._waiting.remove(changed.name)
                took = time.monotonic() - self._begin
                console.print(f"[green]✓[/] {changed.name:<13} ready after {took:.1f} s")
            case State.STOPPED:
                console.print(f"[dim]·[/] {changed.name:<13} stopped")
            case _:
                pass
        starting = state in (State.STARTING, State.READY)
        waiting = ", ".join(self._waiting)
        self._spinner.update(f"starting {waiting} …" if starting else "stopping …")

    def all_ready(self) -> None:
        self._spinner.stop()


def _print_invitation(local: LocalMesh) -> None:
    """How to talk to a mesh that is up."""
    target = local.target("orchestrator", CALLER)
    console.print(f"ready on {target} (mutual TLS, as {CALLER})", soft_wrap=True)
    for command, purpose in (
        ("talker chat", "type with it"),
        ("talker talk --audio question.wav -o answer.mp4", "ask aloud, record the answer"),
        ("talker say 'Hello.' -o hello.mp4", "have it speak your words"),
        ("talker status", "see who runs"),
    ):
        console.print(f"  [bold]{command:<48}[/] [dim]{purpose}[/]")
