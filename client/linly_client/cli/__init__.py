"""The command ``talker``."""

import typer

from linly_client.cli import mesh, metrics, models
from linly_client.cli.chat import chat
from linly_client.cli.demo import demo
from linly_client.cli.memory import memory
from linly_client.cli.report import report
from linly_client.cli.run import EXPECTED, fail
from linly_client.cli.status import status
from linly_client.cli.talk import say_command, talk
from linly_client.cli.top import top
from linly_client.cli.up import up

app = typer.Typer(
    help="Talk with a portrait.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("talk")(talk)
app.command("say")(say_command)
app.command("chat")(chat)
app.command("status")(status)
app.command("up")(up)
app.command("demo")(demo)
app.command("report")(report)
app.command("memory")(memory)
app.command("top")(top)
app.add_typer(models.app, name="models")
app.add_typer(mesh.app, name="mesh")
app.add_typer(metrics.app, name="metrics")


def main() -> None:
    """Runs the command line; a failure is one line and a true exit code."""
    try:
        app()
    except EXPECTED as error:
        fail(error)
