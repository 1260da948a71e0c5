"""``talker demo``: everything, from nothing to a recorded talk."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from linly_client.cli.console import console
from linly_client.cli.models import fetch_missing
from linly_client.cli.run import run
from linly_client.cli.talk import Output, Portrait, Questions, ask, read_questions
from linly_client.cli.up import mesh, stay
from linly_client.wav import Wav
from linly_mesh.proxy.endpoints import target


def demo(
    audio: Questions,
    portrait: Portrait = None,
    output: Output = None,
    once: Annotated[bool, typer.Option("--once", help="End after the talk.")] = False,
) -> None:
    """Fetch the models, start the services, ask aloud, record the answer; stay up."""
    questions = read_questions(audio)
    fetch_missing()
    run(_demo(questions, portrait, output, once))


async def _demo(
    questions: Sequence[Wav], portrait: Path | None, output: Path | None, once: bool
) -> None:
    async with mesh():
        console.print()
        await ask(questions, portrait, output, target("orchestrator"))
        if not once:
            console.print()
            await stay(invite=True)
