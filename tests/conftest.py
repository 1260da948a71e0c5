"""What holds for all tests."""

import signal

import pytest


def pytest_configure() -> None:
    """Ctrl-C reaches the processes that tests start.

    A shell without job control has its background jobs ignore SIGINT, and so do their children.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those marked ``last`` run last, so that a mistake elsewhere is seen soon."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)
