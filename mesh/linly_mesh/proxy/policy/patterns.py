"""The patterns in which Istio's policies compare text."""

from dataclasses import dataclass
from enum import StrEnum

from linly_mesh.proxy.policy.fields import Field


class Form(StrEnum):
    """How the text of a pattern is compared."""

    EXACT = "exact"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Pattern:
    """``abc``, ``abc*``, ``*abc``, or ``*`` for anything that is not empty."""

    form: Form
    """How it is compared."""
    text: str
    """Without the ``*``; empty for ``*`` alone."""

    def matches(self, value: str) -> bool:
        """Whether ``value`` is of this pattern; case matters."""
        match self.form:
            case Form.EXACT:
                return value == self.text
            case Form.PREFIX:
                return value.startswith(self.text)
            case Form.SUFFIX:
                return value.endswith(self.text)
            case Form.PRESENT:
                return bool(value)


def read_pattern(field: Field) -> Pattern:
    """Reads a pattern.

    Raises:
        PolicyError: it has a ``*`` somewhere else, which Istio would take as a letter.
    """
    text = field.text()
    if text == "*":
        return Pattern(Form.PRESENT, "")
    if text.startswith("*"):
        pattern = Pattern(Form.SUFFIX, text[1:])
    elif text.endswith("*"):
        pattern = Pattern(Form.PREFIX, text[:-1])
    else:
        pattern = Pattern(Form.EXACT, text)
    if "*" in pattern.text:
        raise field.refuse("a * is supported at the beginning or at the end, not both or inside")
    return pattern
