"""How a stage accounts for its time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Where the time of one unit of work went; a part that does not exist is None, never 0."""

    queue_wait: float | None = None
    """Seconds from the unit's complete input until the model took it up."""
    compute: float | None = None
    """Seconds the model worked on the unit up to its first output."""
    first_output: float | None = None
    """Seconds from the unit's complete input to its first output."""
