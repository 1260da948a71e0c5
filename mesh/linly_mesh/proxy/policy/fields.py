"""YAML whose values know their file and line, and from which nothing is read unasked."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from linly_mesh.errors import ConfigurationError

_TEXT = "tag:yaml.org,2002:str"
_INTEGER = re.compile(r"0|[1-9][0-9]{0,9}")
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written."""

    file: Path
    """The file, as it was named when it was opened."""
    line: int
    """Counted from 1."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class PolicyError(ConfigurationError):
    """A policy can't be honoured as it is written; the message begins with file and line."""

    def __init__(self, place: Place, problem: str) -> None:
        """Says what is wrong at ``place``."""
        super().__init__(f"{place}: {problem}")
        self.place = place


class Field:
    """One value of a file. Every way to read it refuses what it does not expect."""

    def __init__(
        self, node: yaml.Node, file: Path, path: str = "", *, key: yaml.Node | None = None
    ) -> None:
        """``path`` is its name for people: ``spec.rules[0].from``; ``key`` stands before it."""
        self._node = node
        self._file = file
        self._path = path
        self.place = Place(file, (key or node).start_mark.line + 1)

    def refuse(self, problem: str) -> PolicyError:
        """An error about this field."""
        return PolicyError(self.place, f"{self._path}: {problem}" if self._path else problem)

    def fields(self, *known: str) -> dict[str, "Field"]:
        """The fields of a mapping.

        Raises:
            PolicyError: it is no mapping, or has a field twice or one that is not ``known``.
        """
        found = self.entries()
        for name, field in found.items():
            if name not in known:
                raise field.refuse("not supported")
        return found

    def entries(self) -> dict[str, "Field"]:
        """The entries of a mapping whose keys are free."""
        if not isinstance(self._node, yaml.MappingNode):
            raise self.refuse("must be a mapping")
        found: dict[str, Field] = {}
        for key, value in self._node.value:
            name = Field(key, self._file, self._path).text()
            path = f"{self._path}.{name}" if self._path else name
            field = Field(value, self._file, path, key=key)
            if name in found:
                raise field.refuse("is there twice")
            found[name] = field
        return found

    def required(self, fields: Mapping[str, "Field"], name: str) -> "Field":
        """One of this mapping's fields that must be there."""
        if name not in fields:
            raise self.refuse(f"{name} is missing")
        return fields[name]

    def items(self) -> list["Field"]:
        """The items of a list; an empty one is refused, as it may mean anything or nothing."""
        if not isinstance(self._node, yaml.SequenceNode) or not self._node.value:
            raise self.refuse("must be a list with at least one item")
        return [
            Field(node, self._file, f"{self._path}[{index}]")
            for index, node in enumerate(self._node.value)
        ]

    def text(self) -> str:
        """Text that is not empty."""
        if not isinstance(self._node, yaml.ScalarNode) or self._node.tag != _TEXT:
            raise self.refuse("must be text; quote it if it looks like something else")
        if not self._node.value:
            raise self.refuse("must not be empty")
        return str(self._node.value)

    def choice(self, *choices: str) -> str:
        """One of ``choices``."""
        value = self.text()
        if value not in choices:
            raise self.refuse(f"{value} is not supported, only {' or '.join(choices)}")
        return value

    def integer(self, low: int = 1, high: int = 2**31 - 1) -> int:
        """A decimal number between ``low`` and ``high``.

        Istio's API can't tell 0 from absent in most of its numbers, and then takes a default;
        so 0 is allowed only where the caller asks for it.
        """
        value = self._node.value if isinstance(self._node, yaml.ScalarNode) else ""
        quoted = getattr(self._node, "style", None) is not None
        if quoted or not _INTEGER.fullmatch(value) or not low <= int(value) <= high:
            raise self.refuse(f"must be a number between {low} and {high}")
        return int(value)

    def duration(self) -> float:
        """Seconds, from a whole number with one unit: ``250ms``, ``5s``, ``1h``."""
        match = _DURATION.fullmatch(self.text())
        if match is None:
            raise self.refuse("must be a whole number of ms, s, m or h")
        return int(match[1]) * _UNITS[match[2]]

    def value(self) -> object:
        """The whole of it as plain Python objects."""
        loader = yaml.SafeLoader("")
        try:
            return loader.construct_document(self._node)
        finally:
            loader.dispose()


def read_documents(folders: Sequence[Path]) -> Iterator[Field]:
    """Every document of every YAML file in ``folders``, in the order of their names.

    Raises:
        PolicyError: a file is no YAML.
        ConfigurationError: a folder has no YAML files.
    """
    for folder in folders:
        files = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
        if not files:
            raise ConfigurationError(f"{folder}: no YAML files")
        for file in files:
            yield from _documents(file)


def _documents(file: Path) -> list[Field]:
    try:
        nodes = list(yaml.compose_all(file.read_text(encoding="utf-8"), yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyError(Place(file, line), f"is no YAML: {error.problem}") from None
    return [Field(node, file) for node in nodes if node is not None]
