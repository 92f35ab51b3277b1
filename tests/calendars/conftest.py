"""A host whose calendar is in memory, and the means to have done what is due."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_booking import jobs
from flask_booking.calendars import mirror
from flask_booking.calendars.memory import Memory
from flask_booking.models import Booking, CalendarEvent, ConnectedCalendar, MessageState, OutboxMessage
from flask_booking.scheduling import BookingRequest, book
from flask_booking.state import session
from tests.calendars.made import new_calendar
from tests.calendars.odd import MakeOdd, Odd
from tests.fakes.caldav import quirky
from tests.fixtures.apps import MakeApp
from tests.fixtures.caldav import HostsCalendar
from tests.fixtures.people import Bookable, make_bookable
from tests.scheduling.bookable import guest


@dataclasses.dataclass
class Office:
    """Ann, her calendar ``work`` in ``service``, and what happens in time."""

    app: Flask
    ann: Bookable
    service: Memory
    calendar: ConnectedCalendar

    def book(self, hour: int = 12, **more: Any) -> Booking:
        """A meeting tomorrow at that hour; committed, and nothing delivered yet."""
        start = self.ann.tomorrow(hour)
        return book(self.ann.event.id, BookingRequest(start, guest(**more)))

    def deliver(self) -> None:
        """Have done what is due: events written, mails sent."""
        session().rollback()
        jobs.deliver_due(self.app)
        session().rollback()

    def sync(self, *, full: bool = False) -> bool:
        """Read the calendar."""
        done = mirror.sync(self.calendar.id, full=full)
        session().rollback()
        return done

    def event(self) -> CalendarEvent:
        """The row of the only booking's event."""
        session().expire_all()
        return session().query(CalendarEvent).one()

    def messages(self, topic: str) -> list[OutboxMessage]:
        session().expire_all()
        return session().query(OutboxMessage).filter_by(topic=topic).order_by(OutboxMessage.id).all()

    def states(self, topic: str) -> list[MessageState]:
        return [one.state for one in self.messages(topic)]

    @staticmethod
    def epoch(moment: dt.datetime) -> int:
        return int(moment.timestamp())


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def office(make_app: MakeApp, database_url: str, memory: Memory) -> Iterator[Office]:
    app = make_app(database_url, BOOKING_CALENDAR_PROVIDERS={"memory": memory}, BOOKING_WORKER=False)
    with app.app_context():
        ann = make_bookable(app)
        calendar = new_calendar(
            ann.host, remote_id="work", target=True, synced_at=None, reconciled_at=None, window_end=0, window_start=0
        )
        mirror.sync(calendar.id)
        session().rollback()
        yield Office(app, ann, memory, calendar)


@pytest.fixture
def odd(radicale_calendar: HostsCalendar) -> Iterator[MakeOdd]:
    """``odd(sync_status=403)`` is a calendar on a server with this habit."""
    with ExitStack() as stack:

        def make(certificate: Path | None = None, **habits: Any) -> Odd:
            fake = stack.enter_context(quirky(radicale_calendar.server.url, certificate, **habits))
            return Odd(radicale_calendar, fake, fake.url)

        yield make
