"""The events on their way to the client."""

from collections.abc import AsyncIterator

from linly.talk.v1 import talk_pb2
from linly_orchestrator.channel import Channel

_CAPACITY = 4
"""Events that may wait for the client, 80 ms of audio each at most; then the turn waits."""


class Outbox:
    """In the order of presentation; a raised generation overtakes what has become stale."""

    def __init__(self) -> None:
        """Starts empty, at generation 0."""
        self._events: Channel[talk_pb2.ConverseResponse] = Channel(_CAPACITY)
        self._picture_broken = False
        self.generation = 0

    async def room(self) -> None:
        """Waits while the client has not taken what was sent before."""
        await self._events.wait_for_room()

    async def put(self, event: talk_pb2.ConverseResponse) -> None:
        """Sends an event after those that wait; one of an older generation is dropped."""
        await self.room()
        self.put_now(event)

    def put_now(self, event: talk_pb2.ConverseResponse) -> None:
        """As ``put``, without waiting for room: for small events that must not be late."""
        if event.generation >= self.generation:
            if _begins_picture(event):
                self._picture_broken = False
            self._events.put_now(event)

    def offer(self, event: talk_pb2.ConverseResponse) -> bool:
        """Sends idle frames if there is room and a decoder can show them; says whether."""
        if self._events.full or (self._picture_broken and not _begins_picture(event)):
            return False
        self.put_now(event)
        return True

    def next_generation(self) -> int:
        """Begins a generation after one that came to its own end."""
        self.generation += 1
        return self.generation

    def interrupt(self) -> None:
        """Begins a generation before the last one has ended: its waiting media are dropped."""
        self.generation += 1
        self._events.discard(_is_media_of_a_turn)
        self._picture_broken = True  # frames that a decoder needs may have been among them

    def close(self, error: Exception | None = None) -> None:
        """No more events follow; at their end ``error`` is raised, if there is one."""
        self._events.close(error)

    def __aiter__(self) -> AsyncIterator[talk_pb2.ConverseResponse]:
        """The events up to the end."""
        return self._events.__aiter__()


def _is_media_of_a_turn(event: talk_pb2.ConverseResponse) -> bool:
    return bool(event.turn_id) and event.WhichOneof("event") in ("audio", "frames")


def _begins_picture(event: talk_pb2.ConverseResponse) -> bool:
    return event.HasField("frames") and event.frames.frames[0].key_frame
