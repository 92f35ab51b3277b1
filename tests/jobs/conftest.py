"""Apps that send over a real mail server, meetings in them, and worker processes that can be killed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_booking.crm import Guest
from flask_booking.models import Booking, ConnectedCalendar, Connection, MessageState, OutboxMessage
from flask_booking.models.columns import utcnow
from flask_booking.scheduling import BookingRequest, book
from flask_booking.scheduling.intake import Intake
from flask_booking.state import session
from tests.fixtures.apps import MakeApp
from tests.fixtures.days import today
from tests.fixtures.mail import MailServer
from tests.fixtures.people import make_bookable
from tests.jobs.workers import Forked, Worker, Workers, command, workers_in


@dataclass
class Office:
    """An app with a host (ann@example.com) who is free day and night, and the mail server it sends over."""

    app: Flask
    smtp: MailServer
    event_id: int

    def book(self, email: str = "sam@example.com", *, days: int = 5, hour: int = 12) -> int:
        """A meeting at that hour, so many days from today; returns the booking's id."""
        return book(self.event_id, self.request(email, days=days, hour=hour)).id

    @staticmethod
    def request(email: str = "sam@example.com", *, days: int = 5, hour: int = 12) -> BookingRequest:
        return BookingRequest(Office.at(days, hour), Intake(Guest("Sam Guest", email, time_zone="UTC"), [], {}, ""))

    @staticmethod
    def at(days: int, hour: int = 12) -> dt.datetime:
        return dt.datetime.combine(today() + dt.timedelta(days=days), dt.time(hour), dt.UTC)

    def messages(self, **columns: Any) -> list[OutboxMessage]:
        """The outbox as the database has it now, in order."""
        session().rollback()
        query = sa.select(OutboxMessage).filter_by(**columns).order_by(OutboxMessage.id)
        return list(session().scalars(query.execution_options(populate_existing=True)))

    def message(self, **columns: Any) -> OutboxMessage:
        [message] = self.messages(**columns)
        return message

    def to_guest(self) -> OutboxMessage:
        """The guest's confirmation, where there is one meeting."""
        return self.message(kind="booked", recipient="sam@example.com")

    def states(self) -> list[str]:
        """The states of what was due at once."""
        return [message.state.value for message in self.messages() if message.kind not in ("reminder", "follow_up")]

    def booking(self, booking_id: int) -> Booking:
        session().rollback()
        booking = session().get(Booking, booking_id, populate_existing=True)
        assert booking is not None
        return booking

    @staticmethod
    def leases_of_the_dead_end() -> None:
        """They are up to minutes long: it is as if those had passed."""
        db, past = session(), utcnow() - dt.timedelta(seconds=1)
        db.rollback()
        claimed = OutboxMessage.claimed_until.is_not(None)
        db.execute(sa.update(OutboxMessage).where(claimed).values(claimed_until=past))
        db.execute(sa.update(Connection).values(reading_until=past, writing_until=past, renewing_until=past))
        db.execute(sa.update(ConnectedCalendar).values(due_at=past))
        db.commit()

    def all_done(self) -> bool:
        return set(self.states()) == {MessageState.DONE.value}


MakeOffice = Callable[..., Office]


@pytest.fixture
def make_office(make_app: MakeApp, smtp: MailServer) -> Iterator[MakeOffice]:
    """``make_office(database_url, **config)`` is inside its application context until the test ends."""
    contexts = []

    def make(database_url: str, **config: Any) -> Office:
        own = {"BOOKING_MAIL_URL": smtp.url, "BOOKING_PUBLIC_URL": "https://crm.example.com"}
        app = make_app(database_url, **own | config)
        context = app.app_context()
        context.push()
        contexts.append(context)
        return Office(app, smtp, make_bookable(app).event.id)

    yield make
    for context in reversed(contexts):
        context.pop()


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    """An office on SQLite."""
    return make_office(database_url)


@pytest.fixture
def each_office(make_office: MakeOffice, each_database: str) -> Office:
    """An office on each kind of database in turn."""
    return make_office(each_database)


StartWorker = Callable[..., Worker]


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    with workers_in(tmp_path) as workers:
        yield workers


@pytest.fixture
def start_worker(workers: Workers) -> StartWorker:
    """``start_worker(office, "--processes", "3", pause_at="starting", every=1)``, as an operator starts it."""
    return lambda office, *arguments, **more: workers.start(command, office.app, *arguments, **more)


@pytest.fixture
def fork_worker(workers: Workers) -> StartWorker:
    """The same, sooner: for tests of what a worker does, not of how it starts."""
    return lambda office, *arguments, **more: workers.start(Forked, office.app, *arguments, **more)
