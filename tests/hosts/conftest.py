"""CRMs of other habits: those with models of their own get a process of their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fixtures.apart import apart as play_apart


@pytest.fixture(scope="session")
def apart() -> Callable[..., None]:
    """``apart(scenario, *args)`` plays a function of a module in a process in which nothing is mapped yet."""
    return play_apart
