"""Hosts whose pages a real browser opens, behind a real socket and with CSRF protection on."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from flask_booking import catalog
from flask_booking.models import Booking, BookingPage, EventType
from flask_booking.scheduling import BookingRequest, book
from flask_booking.scheduling.intake import check
from flask_booking.state import session
from tests.fixtures.days import today
from tests.fixtures.people import Bookable, make_host
from tests.fixtures.servers import LiveServer

NINE_TO_FIVE = [[[540, 1020]]] * 7
QUESTIONS = [
    {"id": "q1", "label": "Company", "kind": "short", "required": True},
    {"id": "q2", "label": "Topic", "kind": "choice", "options": ["Tax", "Hiring"]},
    {"id": "q3", "label": "I read the terms", "kind": "checkbox", "required": True},
]
PLACES = [
    {"id": "web", "kind": "link", "url": "https://meet.example.com/ann"},
    {"id": "call", "kind": "phone_guest"},
]


@dataclasses.dataclass
class Open:
    """Ann in New York, nine to five each day of the week: ``intro``, and ``consultation`` that asks a lot."""

    server: LiveServer
    ann: Bookable

    @property
    def url(self) -> str:
        return f"{self.server.url}/book/ann"

    def day(self, ahead: int = 3) -> dt.date:
        """A day that Ann is free on, far enough ahead for every zone."""
        return today() + dt.timedelta(days=ahead)

    def at(self, page: Page, event: str = "intro", ahead: int = 3, query: str = "") -> None:
        """Open the times of a day."""
        page.goto(f"{self.url}/{event}?month={self.day(ahead):%Y-%m}&date={self.day(ahead)}{query}")

    def bookings(self) -> list[Booking]:
        """All bookings as they are now."""
        session().rollback()
        session().expire_all()
        return session().query(Booking).order_by(Booking.id).all()

    def take(self, event: EventType, start: str) -> None:
        """Somebody else books this time, past every hold's form."""
        from flask_booking.models import Hold, OccupiedTime

        for row in [*session().query(Hold), *session().query(OccupiedTime)]:
            if row.expires:
                row.expires = 1
        session().commit()
        intake = check(
            event, name="Someone else", email="else@example.com", location="web", answers={"q1": "x", "q3": "yes"}
        )
        book(event.id, BookingRequest(dt.datetime.fromisoformat(start), intake))


@pytest.fixture
def opened(live_server: LiveServer) -> Iterator[Open]:
    """Ann's pages in a browser."""
    with live_server.app.app_context():
        user, host = make_host("Ann Meyer", "America/New_York", weekly=NINE_TO_FIVE)
        page = session().query(BookingPage).filter_by(host_id=host.id).one()
        values: dict[str, Any] = {"notice": 0, "window_days": 365}
        event = catalog.create_event_type(page, {"title": "Intro", "durations": [30, 60], **values})
        catalog.create_event_type(
            page,
            {
                "title": "Consultation",
                "durations": [60],
                "questions": QUESTIONS,
                "locations": PLACES,
                "description": "Bring a question, leave with a **plan**.",
                "policy": "Please cancel a day before.",
                **values,
            },
        )
        yield Open(live_server, Bookable(live_server.app, user, host, page, event))
