"""``talker metrics``: what the mesh measures."""

import typer
from rich import box
from rich.table import Table

from linly_client.cli.console import console
from linly_mesh.telemetry.catalogue import declared

app = typer.Typer(help="What the mesh measures.", no_args_is_help=True)


@app.callback()
def _metrics() -> None:
    """A group of its own, though it has one command."""


@app.command("list")
def list_metrics() -> None:
    """Show every family of metrics: its kind, class, labels and meaning."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_lines=False)
    table.add_column("metric", overflow="fold", ratio=2)
    table.add_column("kind")
    table.add_column("class")
    table.add_column("meaning", overflow="fold", ratio=3)
    for family in declared():
        labels = f" {{{', '.join(family.labels)}}}" if family.labels else ""
        table.add_row(family.name + labels, str(family.kind), str(family.audience), family.help)
    console.print(table)
