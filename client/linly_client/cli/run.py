"""From a command's coroutine to an exit code."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from rich.text import Text

from linly_client.cli.console import CommandError, errors
from linly_client.errors import UNREACHABLE, TalkError
from linly_client.recording import RecordingError
from linly_client.wav import AudioFileError
from linly_mesh.errors import ConfigurationError
from linly_mesh.proxy.launcher import LaunchError

EXPECTED = (
    AudioFileError,
    CommandError,
    ConfigurationError,
    LaunchError,
    OSError,
    RecordingError,
    TalkError,
)
"""What a command may end with that is no fault of this program."""
_FAILED = 1


def run(main: Coroutine[Any, Any, None]) -> None:
    """Runs a command; SIGTERM ends it as Ctrl-C does, with status 130.

    On asyncio's own loop: uvloop forks where asyncio spawns, and gRPC's threads do not survive
    a fork.
    """

    async def cancelled_by_sigterm() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await main

    try:
        asyncio.run(cancelled_by_sigterm())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


@contextmanager
def on_signal(action: Callable[[], object], *numbers: signal.Signals) -> Iterator[None]:
    """Within the block the signals do this instead of ending the command."""
    loop = asyncio.get_running_loop()
    previous = signal.getsignal(signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, action)
    try:
        yield
    finally:
        # Python would put its own handler back, not the one that asyncio.run installed.
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, previous)


@contextmanager
def signalled() -> Iterator[asyncio.Event]:
    """Sets the event on Ctrl-C or SIGTERM: this is how a command that stays is meant to end."""
    event = asyncio.Event()
    with on_signal(event.set, signal.SIGINT, signal.SIGTERM):
        yield event


def fail(error: BaseException) -> NoReturn:
    """Ends the program with one line; a process's last words stand above it."""
    if isinstance(error, LaunchError):
        for line in error.log:
            errors.print(Text(f"  {line}", "dim"), soft_wrap=True)
    print_error(error)
    sys.exit(_FAILED)


def print_error(error: BaseException) -> None:
    """One line on standard error."""
    match error:
        case TalkError(reason=reason) if reason == UNREACHABLE:
            text = f"{error.message}; start it with: talker up"
        case OSError(filename=str(name), strerror=str(what)):
            text = f"{name}: {what}"
        case _:
            text = str(error)
    line = Text.assemble(("error: ", "bold red"), " ".join(text.split()))
    errors.print(line, soft_wrap=True)
