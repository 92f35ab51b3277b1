"""The example CRM with its context pushed, and a host who is always open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from example_app.extensions import db
from example_app.models import User
from flask_booking.models import Booking, EventType, Host
from flask_booking.scheduling import book
from tests.scheduling.bookable import midnight, new_event, new_host, request


@pytest.fixture
def crm(app: Flask) -> Iterator[Flask]:
    """The example CRM on SQLite, in whose context the test runs."""
    with app.app_context():
        yield app


@pytest.fixture
def host(crm: Flask) -> Host:
    """Ann, who is open around the clock."""
    user = User(email="ann@example.com", name="Ann", password_hash="", time_zone="America/New_York")
    db.session.add(user)
    return new_host(user)


@pytest.fixture
def other_host(host: Host) -> Host:
    """Ben, the same."""
    user = User(email="ben@example.com", name="Ben", password_hash="")
    db.session.add(user)
    return new_host(user)


@pytest.fixture
def event(host: Host) -> EventType:
    """Half an hour with Ann."""
    return new_event(host)


@pytest.fixture
def booking(event: EventType) -> Booking:
    """A guest's meeting with Ann, next midnight."""
    return book(event.id, request(midnight()))
