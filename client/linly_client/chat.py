"""A typed conversation that outlives the calls that carry it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import replace

import grpc

from linly_client.errors import TalkError
from linly_client.events import Event, Interrupted, ReplyText, TurnEnded
from linly_client.options import Message, TalkOptions
from linly_client.talk import Talk, TalkClient


class Chat:
    """Turns one after the other over one call.

    When that call breaks, the next turn opens another and brings the history along, so that a
    server that was restarted costs at most the turn that ran.
    """

    def __init__(self, client: TalkClient, options: TalkOptions) -> None:
        """Opens nothing yet."""
        self._client = client
        self._options = options
        self._history = list(options.history)
        self._call = AsyncExitStack()
        self._talk: Talk | None = None
        self._events: AsyncIterator[Event] | None = None

    async def turn(self, text: str) -> AsyncIterator[Event]:
        """Says ``text`` and yields what happens up to the end of the turn.

        Raises:
            TalkError: the call could not be opened, or broke during the turn.
        """
        reply = ""
        try:
            event = await self._say(text)
            while event is not None:
                match event:
                    case ReplyText(text=delta):
                        reply += delta
                    case Interrupted(spoken_text=spoken):
                        reply = spoken
                    case TurnEnded(error=error):
                        if error is None and reply:
                            self._history += (Message("user", text), Message("assistant", reply))
                        yield event
                        return
                    case _:
                        pass
                yield event
                event = await self._next()
        except TalkError:
            await self.close()
            raise
        await self.close()
        raise TalkError(
            grpc.StatusCode.UNAVAILABLE, "talk", "TALK_ENDED", "the server ended the talk"
        )

    async def interrupt(self) -> None:
        """Stops the reply, if one is on its way."""
        if self._talk is not None:
            await self._talk.interrupt()

    async def close(self) -> None:
        """Ends the open call, if there is one."""
        self._talk = self._events = None
        await self._call.aclose()

    async def _say(self, text: str) -> Event | None:
        """Says ``text`` and returns the first event of its turn.

        A call that rests does not always know yet that its server was restarted: a turn of which
        nothing was heard is said again over a new call.
        """
        if self._talk is not None:
            with suppress(TalkError):
                await self._talk.text(text)
                if (event := await self._next()) is not None:
                    return event
            await self.close()
        options = replace(self._options, history=tuple(self._history))
        self._talk = await self._call.enter_async_context(self._client.converse(options))
        self._events = aiter(self._talk)
        await self._talk.text(text)
        return await self._next()

    async def _next(self) -> Event | None:
        """The next event; None once the call has ended."""
        return None if self._events is None else await anext(self._events, None)
