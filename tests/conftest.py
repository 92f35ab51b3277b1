"""What every test can ask for; each kind of fixture lives in its own file beneath fixtures/."""

from __future__ import annotations

import datetime as dt
import gc
import os
import threading
from collections.abc import Iterator

import pytest
import time_machine
from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.fixtures.days",
    "tests.fixtures.services",
    "tests.fixtures.databases",
    "tests.fixtures.apps",
    "tests.fixtures.servers",
    "tests.fixtures.browser",
    "tests.fixtures.caldav",
    "tests.fixtures.mail",
    "tests.fixtures.people",
    "tests.fixtures.queues",
    "tests.fixtures.wheel",
]

# BOOKING_TEST_AT=2026-12-31T23:55Z begins at an awkward moment; processes that tests start know nothing of it.
if moment := os.environ.get("BOOKING_TEST_AT"):
    time_machine.travel(dt.datetime.fromisoformat(moment)).start()

# No deadline: how long an example takes says more about the machine than about the code.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("default"), print_blob=True)
settings.register_profile("thorough", parent=settings.get_profile("ci"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default"))


def pytest_collection_finish() -> None:
    """Spare the garbage collector from looking at all tests and modules again and again: they stay."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_worker_is_left() -> Iterator[None]:
    """Fail the test that leaves a worker thread behind: it would disturb others, which couldn't know why."""
    yield
    assert [thread for thread in threading.enumerate() if thread.name == "booking-worker"] == []
