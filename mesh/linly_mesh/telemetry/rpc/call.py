"""One observed call: where metrics, traces and logs meet."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, Protocol

from linly_mesh.telemetry.rpc.counts import CODES, Method, MethodCounts

OK = 0


class RpcListener(Protocol):
    """Hears of every call of one side; costs nothing where there is none.

    Both methods are called in the thread of the event loop and must not block or raise. On the
    server both run in the handler's own task, so a context variable that ``started`` sets is
    the handler's. There is no hook per message: the message is the cost.
    """

    def started(self, rpc: "Rpc") -> Any:
        """A call begins. What is returned comes back with ``ended``."""

    def ended(self, rpc: "Rpc", state: Any) -> None:
        """The call has ended: ``rpc.code`` and ``rpc.seconds`` are known."""


class Rpc:
    """A call from its start to its end."""

    __slots__ = (
        "_begun", "_convert", "_counts", "_first", "_gaps", "_last", "_listeners", "_number",
        "_states", "metadata", "seconds", "trace_id",
    )  # fmt: skip

    metadata: list[tuple[str, str | bytes]]
    """What goes with the call; on the client's side ``started`` may add to it. Only there when
    there are listeners."""
    seconds: float
    """From start to end, once it has ended."""
    _first: float
    _last: float
    trace_id: str | None
    """Set by a listener, it becomes the exemplar of the latencies of this call."""

    def __init__(
        self,
        counts: MethodCounts,
        listeners: Sequence[RpcListener] = (),
        convert: Callable[[Any], Any] | None = None,
    ) -> None:
        """A call of a method.

        Args:
            counts: of the method.
            listeners: who is told.
            convert: a response's serializer or deserializer, for streams of responses.
        """
        self._counts = counts
        self._listeners = listeners
        self._convert = convert
        self._gaps: list[int] | None = None
        self._number: int | None = None
        self.trace_id = None

    @property
    def method(self) -> Method:
        """What is called."""
        return self._counts.method

    @property
    def code(self) -> str:
        """Name of the status code, once the call has ended."""
        return CODES[self._number or OK]

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return perf_counter() - self._begun

    def start(self) -> None:
        """The call begins."""
        self._counts.started += 1
        if self._listeners:
            self._states = [listener.started(self) for listener in self._listeners]
        self._begun = perf_counter()

    def response(self, message: Any) -> Any:
        """Converts and counts one response of a stream."""
        if self._convert is not None:
            message = self._convert(message)
        counts = self._counts
        counts.responses += 1
        now = perf_counter()
        gaps = self._gaps
        if gaps is None:
            self._first = now
            self._gaps = [0] * len(counts.message_gap.counts)
        else:
            gaps[bisect_left(counts.message_gap.bounds, now - self._last)] += 1
        self._last = now
        return message

    def end(self, number: int, *, unary: bool, now: float | None = None) -> None:
        """The call has ended; a second end is none.

        Args:
            number: of the status code.
            unary: whether its response, if it has one, comes with the end.
            now: when it ended, if not just now, by ``perf_counter``.
        """
        if self._number is not None:
            return
        self._number = number
        self.seconds = seconds = (now or perf_counter()) - self._begun
        counts = self._counts
        counts.handled[number] += 1
        counts.handling.observe(seconds, self.trace_id)
        if number == OK:
            if unary:
                counts.first_response.observe(seconds, self.trace_id)
            elif self._gaps is not None:
                counts.first_response.observe(self._first - self._begun, self.trace_id)
                # The gaps between the first and the last add up to what lies between them.
                counts.message_gap.add(self._gaps, self._last - self._first)
        if self._listeners:
            for listener, state in zip(self._listeners, self._states, strict=True):
                listener.ended(self, state)
