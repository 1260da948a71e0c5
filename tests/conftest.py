"""What holds for all tests."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those marked ``last`` run last, so that a mistake elsewhere is seen soon."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)
