"""What happens when a test's tool is not there."""

import os
from typing import NoReturn

import pytest


def missing(tool: str, remedy: str) -> NoReturn:
    """Skips with a reason; in continuous integration, where nobody reads reasons, fails."""
    reason = f"{tool} is missing: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
