"""Engines are found by name, so that a user adds one without forking."""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from linly_mesh.errors import ConfigurationError


def load_engine(group: str, name: str) -> Callable[..., Any]:
    """The factory that an installed distribution registered under ``group`` and ``name``.

    Raises:
        ConfigurationError: no such engine is installed, or its extra is missing.
    """
    known = {point.name: point for point in entry_points(group=group)}
    if name not in known:
        choices = ", ".join(sorted(known)) or "none"
        raise ConfigurationError(f"no engine '{name}' in {group}; installed: {choices}")
    try:
        return known[name].load()  # type: ignore[no-any-return]  # the group's contract
    except ImportError as error:
        raise ConfigurationError(
            f"engine '{name}' of {group} needs '{error.name}', which is not installed; "
            f"install the extra of that name"
        ) from error
