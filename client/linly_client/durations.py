"""Times, as people read them."""


def seconds(value: float) -> str:
    """A time for people: ``712 ms``, ``2.10 s``."""
    if abs(value) < 0.9995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if abs(value) < 100 else f"{value:.0f} s"
