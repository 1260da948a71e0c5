"""A turn as a trace, with a span for each of its stages."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link

from linly_orchestrator import clock
from linly_orchestrator.timeline import StageRecord
from linly_orchestrator.turn import Turn

_STAGES = ("asr", "llm", "tts", "animator")
_tracer = trace.get_tracer("linly_orchestrator")


@contextmanager
def traced(turn: Turn) -> Iterator[None]:
    """All that is done for the turn in this block belongs to its span.

    A talk lasts for as long as somebody talks: each turn is a trace of its own, which is linked
    to the talk's. A caller that has brought a trace of its own finds the turns in that one.
    """
    talk = trace.get_current_span()
    begun_here = getattr(talk, "parent", talk) is None
    links = [Link(talk.get_span_context())] if begun_here else []
    attributes = {"talk.turn": turn.turn_id}
    with _tracer.start_as_current_span(
        "turn", Context() if begun_here else None, attributes=attributes, links=links
    ) as span:
        try:
            yield
        finally:
            span.set_attribute("talk.interrupted", turn.interrupted)
            _draw(turn)


def _draw(turn: Turn) -> None:
    """The stages' spans, from what the turn's timeline has noted of them."""
    epoch = time.time_ns() - round(clock.now() * 1e9)
    for name in _STAGES:
        record: StageRecord = getattr(turn.timeline, name)
        if record.start is not None:
            span = _tracer.start_span(name, start_time=epoch + round(record.start * 1e9))
            if record.first_output is not None:
                first = epoch + round(record.first_output * 1e9)
                span.add_event("first output", timestamp=first)
            last = record.end if record.end is not None else clock.now()
            span.end(epoch + round(last * 1e9))
