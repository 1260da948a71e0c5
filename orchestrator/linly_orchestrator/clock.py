"""The clock of everything that is measured or paced here."""

from time import perf_counter


def now() -> float:
    """Monotonic seconds.

    Not the event loop's clock: uvloop keeps that in whole milliseconds and reads it once per
    turn of the loop, which is as much as a stage's whole overhead.
    """
    return perf_counter()
