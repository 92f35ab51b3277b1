"""Ann, Ben and the administrator Cleo as hosts, each with an event type, and a browser's way to their screens."""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_booking import catalog, scheduling
from flask_booking.models import Booking, BookingPage, EventType, Host
from flask_booking.scheduling import intake
from flask_booking.state import session
from tests.fixtures.days import today
from tests.fixtures.people import make_host

ROOT = "/settings/booking"


def tomorrow(hour: int = 12, minute: int = 0, days: int = 1) -> dt.datetime:
    """A time tomorrow (or later), in UTC."""
    return dt.datetime.combine(today() + dt.timedelta(days=days), dt.time(hour, minute), dt.UTC)


def book(event: EventType, start: dt.datetime, **guest: Any) -> Booking:
    """A booking by a guest; call it inside an application context."""
    details = {"name": "Sam Guest", "email": "sam@example.com", "time_zone": "Europe/Paris", **guest}
    return scheduling.book(event.id, scheduling.BookingRequest(start, intake.check(event, **details)))


@dataclasses.dataclass
class Screens:
    """The screens as one user sees them."""

    client: FlaskClient

    def get(self, path: str = "/", **query: Any) -> TestResponse:
        return self.client.get(ROOT + path, query_string=query)

    def post(self, path: str, **data: Any) -> TestResponse:
        return self.client.post(ROOT + path, data=data)

    def text(self, path: str = "/", status: int = 200, **query: Any) -> str:
        """What a screen says, without tags."""
        answer = self.get(path, **query)
        assert answer.status_code == status, answer.text[:2000]
        return said(answer)


def said(answer: TestResponse) -> str:
    """The words of a page."""
    body = re.sub(r"<(script|style|template)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


@dataclasses.dataclass
class Office:
    """The CRM with its three hosts; ids are those of addresses."""

    app: Flask
    users: dict[str, Any]
    events: dict[str, str]

    def as_user(self, name: str | None) -> Screens:
        """The screens of a user who is logged in; of a stranger with None."""
        client = self.app.test_client()
        if name is not None:
            with client.session_transaction() as cookie:
                cookie["_user_id"], cookie["_fresh"] = str(self.users[name]), True
        return Screens(client)

    def do(self, work: Callable[[], Any]) -> Any:
        """Run ``work`` in an application context of its own."""
        with self.app.app_context():
            return work()

    def event(self, name: str = "ann") -> EventType:
        """A host's event type; inside an application context."""
        return session().query(EventType).filter_by(public_id=self.events[name]).one()

    def host(self, name: str = "ann") -> Host:
        """A host; inside an application context."""
        return session().query(Host).filter_by(user_id=self.users[name]).one()

    def booking(self, of: str = "ann", start: dt.datetime | None = None, **guest: Any) -> str:
        """A booking with a host, by its id in addresses."""
        with self.app.app_context():
            return book(self.event(of), start or tomorrow(), **guest).public_id


def open_office(app: Flask) -> Office:
    """Ann, Ben and Cleo as hosts of ``app``, open day and night."""
    users, events = {}, {}
    with app.app_context():
        for name in ("Ann Meyer", "Ben Vogel", "Cleo Rao"):
            user, host = make_host(name)
            short = name.split()[0].lower()
            user.is_admin = short == "cleo"
            page = session().query(BookingPage).filter_by(host_id=host.id).one()
            event = catalog.create_event_type(page, {"title": "Intro", "durations": [30, 60], "notice": 0})
            users[short], events[short] = user.id, event.public_id
        session().commit()
    return Office(app, users, events)


@pytest.fixture
def office(app: Flask) -> Office:
    """The office on SQLite."""
    return open_office(app)


@pytest.fixture
def ann(office: Office) -> Screens:
    """Ann at her screens."""
    return office.as_user("ann")
