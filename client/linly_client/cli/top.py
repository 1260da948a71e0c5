"""``talker top``: the mesh, live."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from rich.live import Live

from linly_client.cli.console import CommandError, console
from linly_client.cli.processes import SERVICES
from linly_client.cli.run import run, signalled
from linly_client.report.prometheus import Prometheus, PrometheusError
from linly_client.top.frame import Frame
from linly_client.top.scrape import Round, read_all
from linly_client.top.view import view
from linly_client.top.watched import watched_frame
from linly_mesh.proxy.local import LocalMesh

_WINDOW = 60.0
"""Seconds that rates and quantiles look back: a few talks, and still what happens now."""
_Frames = Callable[[], Awaitable[Frame]]


def top(
    once: Annotated[bool, typer.Option("--once", help="Print one frame and end.")] = False,
    interval: Annotated[float, typer.Option(help="Seconds between frames.", min=0.5)] = 2.0,
    prometheus: Annotated[
        str | None,
        typer.Option(help="Ask it instead of the services of this machine.", metavar="URL"),
    ] = None,
) -> None:
    """Show sessions, stages and GPUs live; Ctrl-C ends it.

    Rates, errors and quantiles are those of the last minute; of one frame that the services of
    this machine give, those since they have started.
    """
    frames = _from_services(once, interval) if prometheus is None else _watched(prometheus)
    run(_once(frames) if once else _live(frames, interval))


def _from_services(once: bool, interval: float) -> _Frames:
    """Each service is compared with the first round of the window in which it was there."""
    local = LocalMesh.read()
    rounds: deque[Round] = deque(maxlen=max(2, round(_WINDOW / interval) + 1))

    async def frame() -> Frame:
        now = await read_all(local, SERVICES)
        rounds.append(now)
        before = {name: page for each in reversed(rounds) for name, page in each.pages.items()}
        return Frame.between(None if once else before, now.pages, now.trouble)

    return frame


def _watched(url: str) -> _Frames:
    async def frame() -> Frame:
        try:
            return await watched_frame(Prometheus(url), SERVICES, time.time())
        except PrometheusError as error:
            raise CommandError(str(error)) from error

    return frame


async def _once(frames: _Frames) -> None:
    frame = await frames()
    console.print(view(frame))
    if all(line.trouble for line in frame.services):
        raise CommandError("no service is there; start them with: talker up")


async def _live(frames: _Frames, interval: float) -> None:
    with signalled() as ended, Live(console=console, auto_refresh=False, screen=True) as live:
        while not ended.is_set():
            live.update(view(await frames()), refresh=True)
            try:
                await asyncio.wait_for(ended.wait(), interval)
            except TimeoutError:
                continue
