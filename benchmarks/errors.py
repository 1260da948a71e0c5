"""What stops a benchmark."""


class BenchmarkError(Exception):
    """What was to be measured did not work; the message says what, in one line."""
