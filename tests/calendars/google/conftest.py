"""Ann's account at a stand-in for Google behind a socket, and her calendar there."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from flask import Flask

from flask_booking.calendars.provider import RemoteCalendar
from flask_booking.connections.access import OAuthAccess
from tests.calendars.google.given import ANN, DAILY, DAY, HOUR, T0, provider, signed_in
from tests.fakes.base import served
from tests.fakes.google import Google as FakeGoogle


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    """The stand-in with one account, and an app that is nothing but its addresses: all a provider knows of one."""
    app = Flask(__name__)
    with served(FakeGoogle()) as fake, app.app_context():
        fake.advance(T0 - time.time())
        fake.add_account(ANN, "Ann")
        app.config.update(fake.config())
        yield fake


@pytest.fixture
def access(google: FakeGoogle) -> OAuthAccess:
    return signed_in(google)


@pytest.fixture
def calendar(access: OAuthAccess) -> RemoteCalendar:
    return next(one for one in provider.calendars(access) if one.primary)


@pytest.fixture
def series(google: FakeGoogle) -> str:
    return google.add_event(ANN, T0 + DAY + 10 * HOUR, T0 + DAY + 11 * HOUR, id="series1", recurrence=DAILY)
