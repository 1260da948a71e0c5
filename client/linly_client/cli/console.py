"""Where the command line writes."""

import rich.console

console = rich.console.Console(highlight=False)
"""What was asked for."""
errors = rich.console.Console(highlight=False, stderr=True)
"""What went wrong."""


class CommandError(Exception):
    """A command failed; the message is the one line that its user sees."""


def seconds(value: float) -> str:
    """A time for people: ``712 ms``, ``2.10 s``."""
    if abs(value) < 0.9995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if abs(value) < 100 else f"{value:.0f} s"
