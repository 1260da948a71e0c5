"""``talker up``: the processes of a mesh on this machine."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

import typer

from linly_client.cli.console import CommandError, console
from linly_client.cli.processes import SERVICES, process
from linly_client.cli.run import run, signalled
from linly_mesh.proxy.endpoints import runtime_folder, target
from linly_mesh.proxy.launcher import Process, State, launched


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
    async with mesh(names):
        await stay(invite="orchestrator" in names)


async def stay(*, invite: bool) -> None:
    """Waits for Ctrl-C; ``invite``: says how to talk to the mesh."""
    with signalled() as event:
        if invite:
            _print_invitation()
        console.print("Ctrl-C stops the services.")
        await event.wait()
    console.print("stopping … (Ctrl-C again: at once)", style="dim")


@asynccontextmanager
async def mesh(names: Sequence[str] = SERVICES) -> AsyncIterator[None]:
    """Runs the services while the block runs, and shows how they come and go."""
    begin = time.monotonic()
    waiting = list(names)
    spinner = console.status("")

    def show(changed: Process, state: State) -> None:
        match state:
            case State.READY:
                waiting.remove(changed.name)
                took = time.monotonic() - begin
                console.print(f"[green]✓[/] {changed.name:<13} ready after {took:.1f} s")
            case State.STOPPED:
                console.print(f"[dim]·[/] {changed.name:<13} stopped")
            case _:
                pass
        starting = state in (State.STARTING, State.READY)
        spinner.update(f"starting {', '.join(waiting)} …" if starting else "stopping …")

    try:
        spinner.start()
        processes = [process(name) for name in names]
        async with launched(processes, runtime_folder(), on_change=show):
            spinner.stop()
            yield
    finally:
        spinner.stop()


def _print_invitation() -> None:
    """How to talk to a mesh that is up."""
    console.print(f"ready on {target('orchestrator')}", soft_wrap=True)
    for command, purpose in (
        ("talker chat", "type with it"),
        ("talker talk --audio question.wav -o answer.mp4", "ask aloud, record the answer"),
        ("talker say 'Hello.' -o hello.mp4", "have it speak your words"),
        ("talker status", "see who runs"),
    ):
        console.print(f"  [bold]{command:<48}[/] [dim]{purpose}[/]")
