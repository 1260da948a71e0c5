"""Writes the pages of this folder that derive from code: ``make docs``."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

HERE = Path(__file__).parent
ORDER = ("orchestrator", "asr", "llm", "tts", "animator")

SETTINGS_INTRODUCTION = """\
# Settings

Each process reads these environment variables once, when it starts. This page is generated from
the code (`make docs`).
"""


def settings_page() -> str:
    """Every setting of every process, in Markdown."""
    sections = (_section(name) for name in ORDER)
    return "\n".join([SETTINGS_INTRODUCTION, *sections])


def _section(service: str) -> str:
    settings: type[BaseSettings] = importlib.import_module(f"linly_{service}.config").Settings
    return "\n".join(
        [
            f"## {service}",
            "",
            "| variable | type | default | meaning |",
            "|---|---|---|---|",
            *_rows(settings),
            "",
        ]
    )


def _rows(settings: type[BaseSettings]) -> Iterator[str]:
    prefix = settings.model_config["env_prefix"]
    for name, field in settings.model_fields.items():
        cells = (
            f"`{prefix}{name.upper()}`",
            ", ".join([_type(field.annotation), *_bounds(field)]),
            "" if field.default in (None, "") else f"`{field.default}`",
            " ".join((field.description or "").replace("``", "`").split()),
        )
        yield " | ".join(["", *(cell.replace("|", r"\|") for cell in cells), ""]).strip()


def _type(annotation: Any) -> str:
    """``Path | None`` → path, ``Literal["a", "b"]`` → `a` or `b`."""
    origin = get_origin(annotation)
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(annotation))
    if origin in (Union, UnionType):
        kinds = (kind for kind in get_args(annotation) if kind is not type(None))
        return " or ".join(_type(kind) for kind in kinds)
    names = {str: "text", int: "integer", float: "number", bool: "true or false", Path: "path"}
    return names.get(annotation, str(annotation))


def _bounds(field: FieldInfo) -> Iterator[str]:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    for bound in field.metadata:
        for attribute, sign in signs.items():
            value = getattr(bound, attribute, None)
            if value is not None:
                yield f"{sign} {value:g}" if value < 1e6 else f"{sign} {value}"


PAGES: dict[str, Callable[[], str]] = {"settings.md": settings_page}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page())
