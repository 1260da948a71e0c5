"""From the library's events to words of the text and shapes of the mouth."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import attrgetter
from unicodedata import category, east_asian_width

from linly_tts.engine import Viseme, VisemeSpan, Word
from linly_tts.engines.espeak.ipa import visemes_of
from linly_tts.engines.espeak.library import Event, EventType

SHORTEST_CLOSURE = 0.05
"""Seconds. Lips that close for less are not seen to close at 25 frames a second."""


@dataclass(slots=True)
class _Token:
    """A stretch of text without spaces, and when the library spoke it."""

    start: int
    end: int
    begin: int | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What will not change any more when more of an utterance is made."""

    end: int
    """Samples: all words and shapes that begin before it are known."""
    words: tuple[Word, ...]
    """Those words, and perhaps more."""
    visemes: tuple[VisemeSpan, ...]
    """Those shapes, and perhaps more."""


def settled(text: str, events: Sequence[Event], length: int, sample_rate: int) -> Settled:
    """What is known for good of an utterance that is still being made.

    The last word that has begun may still begin later, and with it the one before it end later.
    A shape is known once the sound after the next one has begun: each may give time to lips
    that close beside it.

    Args:
        text: all of it.
        events: of the utterance so far.
        length: samples so far.
        sample_rate: samples per second.
    """
    sounds = [event.sample for event in events if event.type is EventType.PHONEME]
    if not sounds:
        return Settled(0, (), ())
    begun = words(text, events, length)
    last = sounds[-1] - round(SHORTEST_CLOSURE * sample_rate)
    shapes = visemes(events, length, sample_rate)
    ended = [shape for shape in shapes if shape.offset + shape.duration <= last][:-1]
    if len(begun) < 2 or not ended:  # one that is known and one that is not
        return Settled(0, (), ())
    end = min(begun[-1].offset, ended[-1].offset + ended[-1].duration)
    return Settled(end, begun[:-1], tuple(ended))


def visemes(events: Sequence[Event], length: int, sample_rate: int) -> tuple[VisemeSpan, ...]:
    """The shapes of an utterance, from its first sample to its last without a gap.

    Args:
        events: of the utterance.
        length: samples of the utterance.
        sample_rate: samples per second.
    """
    starts: list[tuple[int, Viseme]] = [(0, Viseme.SIL)]
    phonemes = [event for event in events if event.type is EventType.PHONEME]
    ends = [event.sample for event in phonemes[1:]] + [length]
    for event, end in zip(phonemes, ends, strict=True):
        if event.phoneme.startswith("("):
            continue  # the library changes language
        shapes = visemes_of(event.phoneme) if event.phoneme else [Viseme.SIL]
        share = (end - event.sample) / max(1, len(shapes))
        starts += [(event.sample + round(i * share), shape) for i, shape in enumerate(shapes)]
    spans: list[VisemeSpan] = []
    for (start, shape), (end, _) in pairwise([*starts, (length, Viseme.SIL)]):
        if spans and spans[-1].viseme is shape:
            spans[-1] = replace(spans[-1], duration=end - spans[-1].offset)
        elif end > start or shape is Viseme.PP:
            spans.append(VisemeSpan(shape, start, end - start))
    _lengthen_closures(spans, round(SHORTEST_CLOSURE * sample_rate))
    return tuple(spans)


def _lengthen_closures(spans: list[VisemeSpan], shortest: int) -> None:
    """Gives closed lips time from their neighbours, first from the one before.

    Lips close before a plosive is heard. Silence gives all of its time, a sound at most half.
    """
    for at, span in enumerate(spans):
        if span.viseme is not Viseme.PP:
            continue
        for neighbour in (at - 1, at + 1):
            if not 0 <= neighbour < len(spans):
                continue
            closure, other = spans[at], spans[neighbour]
            spare = other.duration if other.viseme is Viseme.SIL else other.duration // 2
            taken = max(0, min(shortest - closure.duration, spare))
            before = neighbour < at
            spans[neighbour] = VisemeSpan(
                other.viseme, other.offset + (0 if before else taken), other.duration - taken
            )
            spans[at] = VisemeSpan(
                Viseme.PP, closure.offset - (taken if before else 0), closure.duration + taken
            )
    spans[:] = [span for span in spans if span.duration > 0]


def words(text: str, events: Sequence[Event], length: int) -> tuple[Word, ...]:
    """The words of a text with the time in which each is spoken.

    The library reads some words in several steps ("1,000", "don't") and some together with
    their neighbour ("out of"): what it says about positions is therefore gathered by the
    stretches of text between spaces, and a stretch that it doesn't mention belongs to the word
    before. Chinese, Japanese and Korean are cut where the library begins a word.

    Args:
        text: as it was spoken.
        events: of the utterance.
        length: samples of the utterance.
    """
    marks = [event for event in events if event.type is EventType.WORD]
    tokens = _spoken(_tokens(text, marks), marks)
    if not tokens:
        return ()
    phonemes = [event for event in events if event.type is EventType.PHONEME]
    begins = [min(token.begin or 0, length - 1) for token in tokens]
    result: list[Word] = []
    for token, (begin, limit) in zip(tokens, pairwise([*begins, length]), strict=True):
        end = _end_of_sound(phonemes, begin, limit)
        result.append(Word(token.start, token.end, begin, end - begin))
    return tuple(result)


def _tokens(text: str, marks: Sequence[Event]) -> list[_Token]:
    """Stretches without spaces, less the punctuation around them."""
    begun = sorted({mark.position for mark in marks})
    tokens: list[_Token] = []
    for match in re.finditer(r"\S+", text):
        start, end = match.span()
        cuts = [p for p in begun if start < p < end and east_asian_width(text[p]) == "W"]
        tokens += [_trimmed(text, a, b) for a, b in pairwise([start, *cuts, end])]
    return [token for token in tokens if token.start < token.end]


def _trimmed(text: str, start: int, end: int) -> _Token:
    first, last = start, end
    while first < last and category(text[first]).startswith("P"):
        first += 1
    while last > first and category(text[last - 1]).startswith("P"):
        last -= 1
    # "&" and the like are punctuation to Unicode and words to the library
    return _Token(first, last) if first < last else _Token(start, end)


def _spoken(tokens: list[_Token], marks: Sequence[Event]) -> list[_Token]:
    """The tokens with their times; one that has no mark of its own is joined to another."""
    starts = [token.start for token in tokens]
    between: list[Event] = []
    for mark in marks:
        at = bisect_right(starts, mark.position) - 1
        if at < 0 or mark.position >= tokens[at].end:
            between.append(mark)
        elif tokens[at].begin is None:
            tokens[at].begin = mark.sample
    for mark in between:  # begins the word after it, unless that has a mark of its own
        at = bisect_right(starts, mark.position)
        if at < len(tokens) and tokens[at].begin is None:
            tokens[at].begin = mark.sample
    spoken: list[_Token] = []
    for token in tokens:
        if token.begin is None:
            if spoken:
                spoken[-1].end = token.end
        elif not spoken:
            spoken.append(_Token(tokens[0].start, token.end, token.begin))
        else:
            begin = max(token.begin, spoken[-1].begin or 0)
            spoken.append(_Token(token.start, token.end, begin))
    return spoken


def _end_of_sound(phonemes: Sequence[Event], begin: int, limit: int) -> int:
    """Where the last sound between two samples ends and a pause, if any, begins."""
    at = bisect_left(phonemes, limit, key=attrgetter("sample"))
    end = limit
    while at > 0 and phonemes[at - 1].sample > begin and not phonemes[at - 1].phoneme:
        at -= 1
        end = phonemes[at].sample
    return end
