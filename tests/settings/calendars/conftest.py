"""Ann before the services that hosts connect, all of them stand-ins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flask_booking.calendars.memory import Memory
from tests.conferencing.conftest import config_of
from tests.fakes.base import served
from tests.fakes.google import Google
from tests.fakes.microsoft import FakeMicrosoft
from tests.fakes.zoom import Zoom
from tests.fixtures.apps import MakeApp
from tests.settings.calendars.ways import (
    ANN,
    WORK,
    read_all,
)
from tests.settings.conftest import Office, Screens, open_office


@pytest.fixture
def google() -> Iterator[Google]:
    with served(Google()) as fake:
        fake.add_account(ANN)
        fake.add_calendar(ANN, "Family")
        fake.add_calendar(ANN, "Public holidays", role="reader")
        yield fake


@pytest.fixture
def microsoft() -> Iterator[FakeMicrosoft]:
    with served(FakeMicrosoft()) as fake:
        fake.add_mailbox(WORK)
        yield fake


@pytest.fixture
def zoom() -> Iterator[Zoom]:
    with served(Zoom()) as fake:
        yield fake


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def office(make_app: MakeApp, database_url: str, google: Google, microsoft: FakeMicrosoft, memory: Memory) -> Office:
    return open_office(
        make_app(database_url, **google.config(), **microsoft.config(), BOOKING_CALENDAR_PROVIDERS={"memory": memory})
    )


@pytest.fixture
def ann(office: Office) -> Screens:
    return office.as_user("ann")


@pytest.fixture
def connected(office: Office, ann: Screens, memory: Memory) -> Office:
    """Ann with an account in memory, with the calendars Work (checked, and where bookings go) and Home; both read."""
    memory.add_calendar("home", "Home")
    ann.post("/calendars/connect/memory", username="ann", password="x")
    read_all(office)
    return office


@pytest.fixture
def linked(make_app: MakeApp, database_url: str, zoom: Zoom) -> Office:
    """An office whose CRM is registered at Zoom."""
    return open_office(make_app(database_url, **config_of(zoom)))
