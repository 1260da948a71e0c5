"""Finding a voice by its name or by a language."""

from collections.abc import Iterator, Sequence

from linly_mesh.errors import ConfigurationError
from linly_tts.engine import Voice

_REGIONS_OF_ANOTHER_LANGUAGE = {"zh-hk": "yue", "zh-mo": "yue"}
"""Tags whose region speaks otherwise than the language they begin with."""


class VoiceBook:
    """The voices of an engine."""

    def __init__(self, voices: Sequence[Voice], default: str) -> None:
        """Takes the engine's voices, of two that speak a language the preferred one first.

        Raises:
            ConfigurationError: there is no voice named ``default``.
        """
        self._by_name = {voice.name: voice for voice in voices}
        if default not in self._by_name:
            raise ConfigurationError(
                f"TTS_DEFAULT_VOICE: the engine has no voice '{default}', but "
                f"{', '.join(sorted(self._by_name))}"
            )
        self.default = self._by_name[default]
        self._preferred = (self.default, *voices)

    def named(self, name: str) -> Voice | None:
        """The voice of that name."""
        return self._by_name.get(name)

    def speaking(self, language_code: str) -> Voice | None:
        """The voice that suits a language best.

        The tag is shortened until a voice speaks it (RFC 4647, section 3.4, "lookup"): "de-AT"
        finds a voice for "de".
        """
        for wanted in _ever_shorter(language_code):
            for voice in self._preferred:
                if wanted in _tags(voice):
                    return voice
        return None

    def of_language(self, language_code: str) -> list[Voice]:
        """The voices of a language, or all if it is empty, sorted by name.

        A voice is of a language if one of its tags is the language's or begins with it; if none
        is, the language's tag is shortened.
        """
        voices = [self._by_name[name] for name in sorted(self._by_name)]
        if not language_code:
            return voices
        for wanted in _ever_shorter(language_code):
            found = [v for v in voices if any(f"{t}-".startswith(f"{wanted}-") for t in _tags(v))]
            if found:
                return found
        return []


def _ever_shorter(language_code: str) -> Iterator[str]:
    """The tag, and what is left of it as its subtags are taken away from the end."""
    tag = language_code.lower()
    tag = _REGIONS_OF_ANOTHER_LANGUAGE.get(tag, tag)
    while tag:
        yield tag
        tag = tag.rpartition("-")[0]


def _tags(voice: Voice) -> list[str]:
    return [code.lower() for code in voice.language_codes]
