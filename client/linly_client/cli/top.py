"""``talker top``: the mesh of this machine, live."""

import asyncio
from collections import deque
from typing import Annotated

import typer
from rich.live import Live

from linly_client.cli.console import CommandError, console
from linly_client.cli.processes import SERVICES
from linly_client.cli.run import run, signalled
from linly_client.top.frame import Frame
from linly_client.top.scrape import Round, read_all
from linly_client.top.view import view
from linly_mesh.proxy.local import LocalMesh

_WINDOW = 60.0
"""Seconds that rates and quantiles look back: a few talks, and still what happens now."""


def top(
    once: Annotated[
        bool, typer.Option("--once", help="Print one frame, since the services started, and end.")
    ] = False,
    interval: Annotated[float, typer.Option(help="Seconds between frames.", min=0.5)] = 2.0,
) -> None:
    """Show sessions, stages and GPUs live, read from the services themselves; Ctrl-C ends it."""
    run(_once() if once else _live(interval))


async def _once() -> None:
    found = await read_all(LocalMesh.read(), SERVICES)
    console.print(view(Frame.between(None, found.pages, found.trouble)))
    if not found.pages:
        raise CommandError("no service runs here; start them with: talker up")


async def _live(interval: float) -> None:
    local = LocalMesh.read()
    rounds: deque[Round] = deque(maxlen=max(2, round(_WINDOW / interval) + 1))
    with signalled() as ended, Live(console=console, auto_refresh=False, screen=True) as live:
        while not ended.is_set():
            rounds.append(await read_all(local, SERVICES))
            live.update(view(_frame(rounds)), refresh=True)
            try:
                await asyncio.wait_for(ended.wait(), interval)
            except TimeoutError:
                continue


def _frame(rounds: deque[Round]) -> Frame:
    """Over the window; each service from the first round in which it was there."""
    before = {name: page for round_ in reversed(rounds) for name, page in round_.pages.items()}
    return Frame.between(before, rounds[-1].pages, rounds[-1].trouble)
