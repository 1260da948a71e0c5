"""Where the command line writes."""

import rich.console

from linly_client.durations import seconds as seconds

console = rich.console.Console(highlight=False)
"""What was asked for."""
errors = rich.console.Console(highlight=False, stderr=True)
"""What went wrong."""


class CommandError(Exception):
    """A command failed; the message is the one line that its user sees."""
