"""Fixtures for pytest, to be imported by the CRM's own ``conftest.py``.

They need two fixtures of the CRM: ``app``, with its tables, and ``booking_user``, a user of its own.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import typing as t

import pytest
from flask import Flask

from ..models import Booking
from ..signals import BY_KIND
from .people import Bookable, booking_host

__all__ = ["bookable", "booking_signals"]


@pytest.fixture
def bookable(app: Flask, booking_user: t.Any) -> c.Iterator[Bookable]:
    """``booking_user`` as a host who can be booked day and night; the test runs in the app's context."""
    with app.app_context():
        yield booking_host(booking_user)


@pytest.fixture
def booking_signals(app: Flask) -> c.Iterator[list[tuple[str, Booking]]]:
    """The signals sent during the test: their names, such as ``booking-booked``, with the booking."""
    sent: list[tuple[str, Booking]] = []

    def listening_to(name: str) -> c.Callable[..., None]:
        return lambda _app, *, booking, **_more: sent.append((name, booking))

    with contextlib.ExitStack() as stack:
        for signal in BY_KIND.values():
            stack.enter_context(signal.connected_to(listening_to(signal.name), sender=app))
        yield sent
