"""An app whose host has connected a calendar at each service in turn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_booking.calendars import mirror
from flask_booking.models import (
    Booking,
    BusyTime,
    CalendarEvent,
    ConnectedCalendar,
    Connection,
    Hold,
    OccupiedTime,
    OutboxMessage,
)
from flask_booking.models.columns import utcnow
from flask_booking.state import session
from tests.calendars.made import changed, new_calendar, new_connection
from tests.calendars.scenario.sides import ANN, CalDAVSide, GoogleSide, MemorySide, MicrosoftSide, Side
from tests.calendars.scenario.world import follow
from tests.fakes.base import served
from tests.fakes.caldav import quirky
from tests.fakes.google import Google
from tests.fakes.microsoft import FakeMicrosoft
from tests.fixtures.apps import MakeApp
from tests.fixtures.caldav import Server
from tests.fixtures.mail import MailServer
from tests.fixtures.people import make_bookable


@pytest.fixture(params=["memory", "google", "microsoft", "caldav"])
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    match request.param:
        case "google":
            with served(Google()) as google:
                yield GoogleSide(google)
        case "microsoft":
            with served(FakeMicrosoft()) as microsoft:
                yield MicrosoftSide(microsoft)
        case "caldav":
            radicale: Server = request.getfixturevalue("radicale")
            with quirky(radicale.url) as proxy:
                yield CalDAVSide(proxy, radicale.calendar())
        case _:
            yield MemorySide()


@pytest.fixture
def app(make_app: MakeApp, database_url: str, side: Side, smtp: MailServer) -> Iterator[Flask]:
    app = make_app(database_url, BOOKING_MAIL_URL=smtp.url, MAIL_URL=smtp.url, **side.config())
    with app.app_context():
        make_bookable(app)
        yield app


def begin(side: Side, smtp: MailServer, *, invites: bool, follows: bool) -> None:
    """Nothing has happened yet, and Ann has just connected her calendar."""
    db = session()
    for model in (OutboxMessage, CalendarEvent, BusyTime, OccupiedTime, Hold, Booking, ConnectedCalendar, Connection):
        db.execute(sa.delete(model))
    db.commit()
    db.expunge_all()  # SQLite gives their keys again: what the last sequence remembered is somebody else now
    smtp.delivered.clear()
    side.heal()
    for event in [*side.foreign(), *(one[0] for one in side.own())]:
        side.delete(event)
    from flask_booking.models import Host

    host = db.scalars(sa.select(Host)).one()
    account, settings = ANN, {}
    if isinstance(side, CalDAVSide):
        account, settings = side.account, {"url": side.proxy.url}
    connection = new_connection(host, side.provider, account_name=account, secret=side.secret(), settings=settings)
    if side.provider in ("google", "microsoft"):
        connection.expires_at = utcnow() + dt.timedelta(hours=1)
    calendar = new_calendar(
        host, connection, remote_id=side.calendar_id, target=True, invites=invites, synced_at=None, window_end=0
    )
    changed(host)
    follow(follows)
    assert mirror.sync(calendar.id)
    db.rollback()
