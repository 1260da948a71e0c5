"""Holds one talk from its first question to its last answer."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from linly_client.cli.console import CommandError, console
from linly_client.cli.screen import Screen
from linly_client.errors import TalkError
from linly_client.events import Event, TurnEnded, TurnStarted
from linly_client.options import TalkOptions
from linly_client.recording import Recording
from linly_client.talk import Talk, TalkClient
from linly_client.wav import Wav
from linly_mesh.rpc.target import Target

_HEARING_PATIENCE = 10.0
"""Seconds after a spoken question in which its turn must have begun."""
_UNHEARD = "no speech was heard in the question"


class Turns:
    """Counts the turns of a talk and lets a question wait for its answer."""

    def __init__(self) -> None:
        self.ended = 0
        self.error: TalkError | None = None
        self._started = asyncio.Event()
        self._answered = asyncio.Event()

    def note(self, event: Event) -> None:
        """Takes every event of the talk."""
        match event:
            case TurnStarted():
                self._started.set()
            case TurnEnded(error=error):
                self.ended += 1
                self.error = self.error or error
                self._answered.set()
            case _:
                pass

    async def answered(self) -> None:
        """Waits for the end of a turn; not for ever, if no turn has begun."""
        try:
            async with asyncio.timeout(_HEARING_PATIENCE):
                await self._started.wait()
        except TimeoutError:
            raise CommandError(_UNHEARD) from None
        await self._answered.wait()
        self._started.clear()
        self._answered.clear()


Ask = Callable[[Talk, Turns], Coroutine[Any, Any, None]]


async def converse(
    target: Target, options: TalkOptions, ask: Ask, *, output: Path | None, turns_asked: int = 1
) -> None:
    """Talks, shows it, and records it if ``output`` is given.

    Raises:
        TalkError: the talk or one of its turns failed.
        CommandError: fewer turns were held than were asked for.
        RecordingError: it can't be recorded under this name.
    """
    turns = Turns()
    with Recording(output) if output else nullcontext() as recording, Screen(console) as screen:
        try:
            async with TalkClient(target).converse(options) as talk, asyncio.TaskGroup() as group:
                group.create_task(ask(talk, turns))
                async for event in talk:
                    turns.note(event)
                    screen.show(event)
                    if recording:
                        recording.add(event)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
    if recording and recording.duration:
        console.print(f"wrote {output} ({recording.duration:.1f} s)", soft_wrap=True)
    if turns.error:
        raise turns.error
    if turns.ended < turns_asked:
        raise CommandError(_UNHEARD)


def speak(questions: Sequence[Wav]) -> Ask:
    """Asks aloud, in real time, each question after the answer to the one before."""

    async def ask(talk: Talk, turns: Turns) -> None:
        for index, question in enumerate(questions):
            if index:
                await turns.answered()
            async for chunk in question.as_spoken():
                await talk.send_audio(chunk)
            await talk.end_of_audio()
        await talk.end()

    return ask


def say(text: str) -> Ask:
    """Has words spoken as they are."""

    async def ask(talk: Talk, turns: Turns) -> None:
        await talk.say(text)
        await talk.end()

    return ask
