"""``talker report``: what was promised, and what was kept."""

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from linly_client.cli.console import CommandError, console
from linly_client.report.document import document
from linly_client.report.figures import Report
from linly_client.report.gather import gather
from linly_client.report.markdown import markdown
from linly_client.report.page import page
from linly_client.report.prometheus import DEFAULT_URL, Prometheus, PrometheusError
from linly_client.report.terminal import terminal

_FORMS: dict[str, Callable[[Report], str]] = {
    ".html": page,
    ".md": markdown,
    ".json": document,
}
_UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_SHORTEST = 300.0
"""Seconds in which Prometheus has samples enough to compare."""


def report(
    since: Annotated[
        str, typer.Option(help="How far back: 30m, 24h, 7d, 4w.", metavar="TIME")
    ] = "24h",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A file: .html, .md or .json.", dir_okay=False),
    ] = None,
    prometheus: Annotated[str, typer.Option(help="Who has watched.", metavar="URL")] = DEFAULT_URL,
) -> None:
    """Report availability, error budget and latencies against their targets."""
    length = read_length(since)
    form = None
    if output is not None:
        form = _FORMS.get(output.suffix.lower())
        if form is None:
            raise CommandError(f"{output}: its name must end in {', '.join(_FORMS)}")
    try:
        # A report is of whole seconds, so that who asks again for the same time gets the same.
        found = asyncio.run(gather(Prometheus(prometheus), length, float(int(time.time()))))
    except PrometheusError as error:
        raise CommandError(str(error)) from error
    console.print(terminal(found))
    if output is not None and form is not None:
        output.write_text(form(found), encoding="utf-8")
        console.print(f"written: {output}", soft_wrap=True)


def read_length(text: str) -> float:
    """Seconds in ``24h``.

    Raises:
        CommandError: it is no length of time, or too short a one.
    """
    found = re.fullmatch(r"(\d+)([mhdw])", text.strip())
    length = int(found[1]) * _UNITS[found[2]] if found else 0.0
    if length < _SHORTEST:
        raise CommandError(f"--since {text}: say a time of 5m or more, like 30m, 24h or 7d")
    return length
