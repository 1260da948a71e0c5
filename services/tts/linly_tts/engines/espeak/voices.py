"""The library's voices as the service lists them."""

from collections.abc import Iterable

from linly_tts.engine import Voice
from linly_tts.engines.espeak.library import VoiceFile

_WITHOUT_DICTIONARY = frozenset({"fo", "kaa", "xex"})
"""Listed, but the wheel lacks what they need to know words."""


def voice_catalogue(
    files: Iterable[VoiceFile], sample_rate: int
) -> tuple[tuple[Voice, ...], dict[str, str]]:
    """The voices, of two that speak a language the preferred one first, and their files.

    A voice is named by its own language tag, since the library's names are sentences and its
    tags don't all find their voice: "en-gb" finds none, the file "gmw/en" does.
    """
    paths: dict[str, str] = {}
    voices: list[tuple[int, Voice]] = []
    for file in files:
        tags = [tag for tag, _ in file.languages]
        name = tags[0].lower()
        if name in paths or name in _WITHOUT_DICTIONARY:
            continue
        paths[name] = file.identifier
        codes = tuple(_canonical(tag) for tag in tags)
        priority = file.languages[-1][1]  # of the most general tag, which several voices share
        voices.append((priority, Voice(name, codes, sample_rate)))
    voices.sort(key=lambda entry: entry[0])
    return tuple(voice for _, voice in voices), paths


def _canonical(tag: str) -> str:
    """A BCP-47 tag in the letter case that RFC 5646, section 2.1.1, recommends."""
    first, *rest = tag.lower().split("-")
    cased = [first]
    for subtag in rest:
        if len(cased[-1]) == 1:
            cased.append(subtag)  # after a singleton, such as "x"
        elif len(subtag) == 2:
            cased.append(subtag.upper())
        elif len(subtag) == 4:
            cased.append(subtag.title())
        else:
            cased.append(subtag)
    return "-".join(cased)
