"""Build hook: a wheel of linly-protos always carries stubs of the contracts beside it."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StubsBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own generic
    """Generates the stubs before the files of the wheel are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Runs ``generate.py``."""
        sys.path.insert(0, str(Path(self.root)))
        from generate import generate

        generate()
