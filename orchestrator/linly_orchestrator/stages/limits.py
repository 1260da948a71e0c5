"""How long a stage may be silent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StageLimits:
    """Applied to every stage, whether or not the caller set a deadline."""

    connect: float
    """Seconds to wait for a stage that can't be reached."""
    first_output: float
    """Seconds until the first output."""
    gap: float
    """Seconds between outputs while one is due."""
