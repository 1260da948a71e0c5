"""A clause, spoken by the library and described for the service."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from unicodedata import category

from linly_tts.engine import Speech
from linly_tts.engines.espeak.alignment import settled, visemes, words
from linly_tts.engines.espeak.library import (
    EspeakLibrary,
    Event,
    EventType,
    Recording,
    Utterance,
)

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


HandOver = Callable[[Speech], float]
"""Takes a piece of a clause's speech; returns how many seconds the next one is to have."""


def speak(
    library: EspeakLibrary, order: Order, hand_over: HandOver, wanted: float = math.inf
) -> Speech | None:
    """Speaks one clause, in pieces; None if nothing of it has a sound.

    The speech begins with its first sound and ends with the pause that its last mark asks for.
    While a piece is handed over, the library stands still: it makes nothing that is not wanted
    yet, except what it takes to know how the last words and shapes of a piece end.

    Args:
        library: the library.
        order: what to speak.
        hand_over: takes every piece but the last, which is returned.
        wanted: seconds of the first piece. A piece has at least as much and ends as soon as its
            words and shapes are known. At a rate that the library does not speak by itself, all
            is one piece.
    """
    asked = _NATURAL_SPEED * order.rate
    words_per_minute = round(min(max(asked, _SLOWEST), _FASTEST))
    by_itself = _SLOWEST <= asked <= _FASTEST
    text = order.text.rstrip(_CLOSERS)  # a quote after the last mark would double its pause
    pause = text.endswith("\n") or category(text[-1:] or " ").startswith("P")
    pieces = _Pieces(order.text, library.sample_rate, hand_over, wanted if by_itself else math.inf)
    utterance = library.synthesize(
        # a clause that was cut for its length goes on: the melody of a comma, without its pause
        text if pause else f"{text},",
        order.voice,
        words_per_minute,
        pause=pause,
        go_on=pieces.take,
    )
    utterance = _without_leading_pause(utterance)
    if not any(event.phoneme for event in utterance.events):
        return None
    if not by_itself:
        utterance = _at_speed(library, utterance, asked / words_per_minute)
    length, given = len(utterance.samples), pieces.given
    return Speech(
        utterance.samples[given:],
        tuple(w for w in words(order.text, utterance.events, length) if w.offset >= given),
        tuple(
            v for v in visemes(utterance.events, length, library.sample_rate) if v.offset >= given
        ),
    )


class _Pieces:
    """Hands a clause over while the library makes it."""

    def __init__(self, text: str, sample_rate: int, hand_over: HandOver, wanted: float) -> None:
        self.given = 0
        """Samples handed over so far."""
        self._text = text
        self._sample_rate = sample_rate
        self._hand_over = hand_over
        self._wanted = wanted
        self._words_seen = 0

    def take(self, recording: Recording) -> bool:
        """Hands over what is wanted, if there is enough of it; always goes on."""
        made = recording.length - self.given
        if made < self._wanted * self._sample_rate:
            return True
        begun = sum(event.type is EventType.WORD for event in recording.events)
        if begun == self._words_seen:  # nothing new is known of words
            return True
        self._words_seen = begun
        events, first = _from_first_sound(recording.events, recording.length)
        known = settled(self._text, events, recording.length - first, self._sample_rate)
        if known.end - self.given < self._wanted * self._sample_rate:
            return True
        piece = Speech(
            recording.samples(first + self.given, first + known.end),
            tuple(w for w in known.words if self.given <= w.offset < known.end),
            tuple(v for v in known.visemes if self.given <= v.offset < known.end),
        )
        self.given = known.end
        self._wanted = self._hand_over(piece)
        return True


def _without_leading_pause(utterance: Utterance) -> Utterance:
    """An opening quote makes a pause before the first sound; a listener waits for that sound."""
    events, first = _from_first_sound(utterance.events, len(utterance.samples))
    return Utterance(utterance.samples[first:], events)


def _from_first_sound(events: Sequence[Event], length: int) -> tuple[tuple[Event, ...], int]:
    """The events counted from the first sound, and where that is; ``length`` without any."""
    sounds = (
        event.sample
        for event in events
        if event.type is EventType.PHONEME and event.phoneme and not event.phoneme.startswith("(")
    )
    first = next(sounds, length)
    return tuple(replace(e, sample=max(0, e.sample - first)) for e in events), first


def _at_speed(library: EspeakLibrary, utterance: Utterance, speed: float) -> Utterance:
    samples = library.change_speed(utterance.samples, speed)
    scale = len(samples) / len(utterance.samples)
    events = (replace(e, sample=round(e.sample * scale)) for e in utterance.events)
    return Utterance(samples, tuple(events))
