"""A talk as it happens, for a person at a terminal."""

from rich.console import Console
from rich.live import Live
from rich.text import Text

from linly_client.cli.typesetting import Typesetter
from linly_client.cli.waterfall import waterfall
from linly_client.events import (
    Event,
    Interrupted,
    ReplyText,
    TalkStarted,
    Transcript,
    TurnEnded,
    TurnStarted,
)

_INDENT = 8
_YOU = ("You", "bold cyan")
_PORTRAIT = ("Talker", "bold green")


class Screen:
    """Prints events: the transcript while it changes, the reply word by word, the waterfall.

    Use as a context manager, so that the terminal is left as it was found.
    """

    def __init__(self, console: Console, *, charts: bool = True) -> None:
        """Writes to ``console``; ``charts``: the waterfall after each turn."""
        self._console = console
        self._charts = charts
        self._lines = Typesetter(console, indent=_INDENT)
        self._live: Live | None = None
        self._replying = False

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *_: object) -> None:
        self._end_interim()
        self._lines.end()

    def show(self, event: Event) -> None:
        """Prints what is worth a person's eye."""
        match event:
            case TalkStarted(notices=notices):
                for notice in notices:
                    self._console.print(Text(notice, "dim"))
            case TurnStarted():
                self._replying = False
            case Transcript(text=text, is_final=False):
                self._show_interim(text)
            case Transcript(text=text):
                self._end_interim()
                self._lines.name(*_YOU)
                self._lines.add(text + "\n")
            case ReplyText(text=text):
                if not self._replying:
                    self._replying = True
                    self._lines.name(*_PORTRAIT)
                self._lines.add(text)
            case Interrupted():
                self._lines.add(" […]")
            case TurnEnded(metrics=metrics):
                self._end_interim()
                self._lines.end()
                if self._charts and metrics.stages:
                    self._console.print(waterfall(metrics))
            case _:
                pass

    def _show_interim(self, text: str) -> None:
        if not self._console.is_terminal:
            return  # a file keeps what is final
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        name, style = _YOU
        line = Text.assemble((f"{name:<{_INDENT}}", style), (text, "dim"))
        self._live.update(line, refresh=True)

    def _end_interim(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
