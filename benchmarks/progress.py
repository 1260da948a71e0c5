"""What a benchmark is at, for those who wait."""

import sys


def say(what: str) -> None:
    """One line on stderr."""
    print(f"· {what}", file=sys.stderr, flush=True)
