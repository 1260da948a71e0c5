"""Writes the pages of this folder that derive from code: ``make docs``."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from linly_mesh.alerting.settings import DingTalkSettings
from linly_mesh.identity.settings import IdentitySettings
from linly_mesh.proxy.settings import ProxySettings
from linly_mesh.telemetry.catalogue import Audience, declared

HERE = Path(__file__).parent
ORDER = ("orchestrator", "asr", "llm", "tts", "animator")
MESH = (IdentitySettings, ProxySettings)
"""What the mesh itself reads, whoever starts it."""

SETTINGS_INTRODUCTION = """\
# Settings

Each process reads these environment variables once, when it starts. This page is generated from
the code (`make docs`).
"""

METRICS_INTRODUCTION = """\
# Metrics

Every process shows these at `/metrics`, on port 9090 of its proxy, to the identity `prometheus`
alone. The list is generated from the declarations in the code (`make docs`); `talker metrics list`
prints it.

## Times

- A *request* is a turn for `talk`, an utterance for `asr`, a prompt for `llm`, a clause for `tts`
  and a speech for `animator`.
- A *stage's duration* runs from the request's complete input to its first output, measured inside
  the service. What the stages before it took is no part of it, so a slow stage shows in its own
  metric and in no other. A clause whose stream speaks another one still, or waits until its
  listener wants more, is not due yet.
- A *turn's latency* runs from the end of the person's input to the first audio out. The silence
  that was waited for to be sure of that end (*endpointing*) is counted in, and shown apart.
- *Overhead* is what remains of it without endpointing and the stages' own times on the critical
  path.
- Latencies and durations are those of requests that gave output; what failed or was cancelled is
  counted, not timed. `grpc_*_handling_seconds` takes every outcome, as is the custom of its name.
- A figure that does not exist is left out, never 0.

## Labels

`model` and `stage` are the stage's name in the pipeline (`asr`, `llm`, `tts`, `animator`, `talk`),
`status` is `success`, `error` or `cancelled`, `region` is a setting of the deployment
(`<SERVICE>_REGION`), `reason` one of those that the code can give, `gpu` a card's UUID. Nothing
that a caller sends becomes a label: a method that a server does not know is `other`. The number of
series does not grow with the number of talks.

A worker process counts as the service that has started it.
"""
_READERS = {
    Audience.BUSINESS: "whether people are served",
    Audience.PERFORMANCE: "where time goes",
    Audience.RESOURCE: "what it costs",
}


def settings_page() -> str:
    """Every setting of every process, in Markdown."""
    services = (
        _section(name, importlib.import_module(f"linly_{name}.config").Settings) for name in ORDER
    )
    return "\n".join(
        [
            SETTINGS_INTRODUCTION,
            *services,
            _section("mesh", *MESH),
            _section("alerts", DingTalkSettings),
        ]
    )


def metrics_page() -> str:
    """The catalogue of metrics, in Markdown."""
    sections = (_audience(audience) for audience in Audience)
    return "\n".join([METRICS_INTRODUCTION, *sections])


def _audience(audience: Audience) -> str:
    rows = (
        f"| `{family.name}` | {family.kind} | {', '.join(family.labels)} | {family.help} |"
        for family in declared()
        if family.audience is audience
    )
    return "\n".join(
        [
            f"## {str(audience).capitalize()}: {_READERS[audience]}",
            "",
            "| metric | kind | labels | meaning |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _section(name: str, *groups: type[BaseSettings]) -> str:
    return "\n".join(
        [
            f"## {name}",
            "",
            "| variable | type | default | meaning |",
            "|---|---|---|---|",
            *(row for settings in groups for row in _rows(settings)),
            "",
        ]
    )


_NOTHING = (None, "", PydanticUndefined)
"""No default, or one that its description tells."""


def _rows(settings: type[BaseSettings]) -> Iterator[str]:
    prefix = settings.model_config["env_prefix"]
    for name, field in settings.model_fields.items():
        cells = (
            f"`{prefix}{name.upper()}`",
            ", ".join([_type(field.annotation), *_bounds(field)]),
            "" if field.default in _NOTHING else f"`{field.default}`",
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


PAGES: dict[str, Callable[[], str]] = {"settings.md": settings_page, "metrics.md": metrics_page}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page())
