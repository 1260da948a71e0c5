"""``talker chat``: a typed conversation of many turns."""

import asyncio
import signal
import sys
import threading
from contextlib import suppress
from typing import Annotated

import typer

from linly_client.chat import Chat
from linly_client.cli.console import console
from linly_client.cli.reach import talk_service
from linly_client.cli.run import on_signal, print_error, run
from linly_client.cli.screen import Screen
from linly_client.errors import TalkError
from linly_client.events import TurnEnded
from linly_client.options import TalkOptions
from linly_client.talk import TalkClient

_HINT = "Ctrl-C interrupts the reply, Ctrl-D leaves."


def chat(
    address: Annotated[
        str | None,
        typer.Option("--target", help="Where the talk service is: host:port, or unix:/path."),
    ] = None,
    system: Annotated[str, typer.Option(help="Instructions to the language model.")] = "",
) -> None:
    """Type with the portrait; Ctrl-C interrupts its reply, Ctrl-D leaves."""
    options = TalkOptions(system_instruction=system, audio=False, video=None)
    run(_chat(Chat(TalkClient(talk_service(address)), options)))


async def _chat(conversation: Chat) -> None:
    console.print(_HINT, style="dim")
    try:
        while (line := await _read_line()) is not None:
            if line.strip():
                await _show_turn(conversation, line)
    finally:
        await conversation.close()
    console.print()


async def _show_turn(conversation: Chat, line: str) -> None:
    """Shows one turn; whatever becomes of it, the conversation goes on."""

    async def interrupt() -> None:
        with suppress(TalkError):  # the turn itself says what is wrong
            await conversation.interrupt()

    failure: TalkError | None = None
    with Screen(console, charts=False) as screen:
        async with asyncio.TaskGroup() as group:
            with on_signal(lambda: group.create_task(interrupt()), signal.SIGINT):
                try:
                    async for event in conversation.turn(line):
                        screen.show(event)
                        if isinstance(event, TurnEnded):
                            failure = event.error
                except TalkError as error:
                    failure = error
    if failure:
        print_error(failure)


async def _read_line() -> str | None:
    """A line from standard input; None at its end.

    In a thread of its own, which does not keep the program from ending while it waits.
    """
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str | None] = loop.create_future()

    def prompt() -> None:
        if sys.stdin.isatty():
            console.print("You     ", style="bold cyan", end="")

    def hint() -> None:
        console.print(f"\n{_HINT}", style="dim")
        prompt()

    def deliver(text: str | None) -> None:
        if not line.done():
            line.set_result(text)

    def read() -> None:
        try:
            text: str | None = input()
        except EOFError:
            text = None
        loop.call_soon_threadsafe(deliver, text)

    prompt()
    threading.Thread(target=read, daemon=True).start()
    with on_signal(hint, signal.SIGINT):
        return await line
