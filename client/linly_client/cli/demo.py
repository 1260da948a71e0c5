"""``talker demo``: everything, from nothing to a recorded talk."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from linly_client.cli.console import console
from linly_client.cli.reach import CALLER
from linly_client.cli.run import run
from linly_client.cli.talk import Output, Portrait, Questions, ask, read_questions
from linly_client.cli.up import running, stay
from linly_client.wav import Wav
from linly_mesh.proxy.local import LocalMesh
from linly_mesh.weights import declared, is_fetched


def demo(
    audio: Questions,
    portrait: Portrait = None,
    output: Output = None,
    once: Annotated[bool, typer.Option("--once", help="End after the talk.")] = False,
) -> None:
    """Fetch the models, start the services, ask aloud, record the answer; stay up."""
    questions = read_questions(audio)
    _fetch_models()
    run(_demo(questions, portrait, output, once))


def _fetch_models() -> None:
    """In a process of its own: what converts a model is large, and this one stays."""
    if all(is_fetched(weights) for weights in declared()):
        return
    code = subprocess.call([sys.executable, "-m", "linly_client.cli", "models", "fetch"])
    if code:
        sys.exit(code)  # it has said why


async def _demo(
    questions: Sequence[Wav], portrait: Path | None, output: Path | None, once: bool
) -> None:
    local = LocalMesh.read()
    async with running(local):
        console.print()
        await ask(questions, portrait, output, local.target("orchestrator", CALLER))
        if not once:
            console.print()
            await stay(local, invite=True)
