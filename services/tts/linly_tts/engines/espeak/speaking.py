"""A clause, spoken by the library and described for the service."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from unicodedata import category

from linly_tts.engine import Speech
from linly_tts.engines.espeak.alignment import visemes, words
from linly_tts.engines.espeak.library import EspeakLibrary, EventType, Utterance

_NATURAL_SPEED = 175
_SLOWEST, _FASTEST = 80, 449
"""Words a minute that the library speaks by itself: slower is ignored, and faster makes its
event times wrong. Sonic does the rest."""
_CLOSERS = "\"'”’»)]}」』）】 \t"


@dataclass(frozen=True, slots=True)
class Order:
    """What to speak, and how."""

    text: str
    """A clause."""
    voice: str
    """A voice file of the library."""
    rate: float
    """1 is the natural speed."""


def speak(library: EspeakLibrary, order: Order, go_on: Callable[[], bool]) -> Speech | None:
    """Speaks one clause; None if nothing of it has a sound, or it is not wanted any more.

    The speech begins with its first sound and ends with the pause that its last mark asks for.
    """
    wanted = _NATURAL_SPEED * order.rate
    words_per_minute = round(min(max(wanted, _SLOWEST), _FASTEST))
    text = order.text.rstrip(_CLOSERS)  # a quote after the last mark would double its pause
    pause = text.endswith("\n") or category(text[-1:] or " ").startswith("P")
    utterance = library.synthesize(
        # a clause that was cut for its length goes on: the melody of a comma, without its pause
        text if pause else f"{text},",
        order.voice,
        words_per_minute,
        pause=pause,
        go_on=go_on,
    )
    utterance = _without_leading_pause(utterance)
    if not go_on() or not any(event.phoneme for event in utterance.events):
        return None
    if not _SLOWEST <= wanted <= _FASTEST:
        utterance = _at_speed(library, utterance, wanted / words_per_minute)
    length = len(utterance.samples)
    return Speech(
        utterance.samples,
        words(order.text, utterance.events, length),
        visemes(utterance.events, length, library.sample_rate),
    )


def _without_leading_pause(utterance: Utterance) -> Utterance:
    """An opening quote makes a pause before the first sound; a listener waits for that sound."""
    sounds = (
        event.sample
        for event in utterance.events
        if event.type is EventType.PHONEME and event.phoneme and not event.phoneme.startswith("(")
    )
    first = next(sounds, len(utterance.samples))
    events = (replace(e, sample=max(0, e.sample - first)) for e in utterance.events)
    return Utterance(utterance.samples[first:], tuple(events))


def _at_speed(library: EspeakLibrary, utterance: Utterance, speed: float) -> Utterance:
    samples = library.change_speed(utterance.samples, speed)
    scale = len(samples) / len(utterance.samples)
    events = (replace(e, sample=round(e.sample * scale)) for e in utterance.events)
    return Utterance(samples, tuple(events))
