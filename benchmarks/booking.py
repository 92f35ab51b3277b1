"""Bookings per second on PostgreSQL, beside the bare transaction that keeps two guests from having one time.

The bare one locks the host, reads what is taken around the time, writes the booking and the time it occupies, and
commits.  A real booking also asks the rules, finds or makes the contact, writes an activity and the history, and puts
mails and reminders into the outbox.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.pool import NullPool

from benchmarks.table import Row
from example_app import create_app
from example_app.extensions import db
from example_app.models import User
from flask_booking.crm import Guest
from flask_booking.encryption import new_public_id, new_token, token_hash
from flask_booking.models import Booking, BookingPage, EventType, Host, MessageRule, OccupiedTime, Schedule
from flask_booking.scheduling import BookingRequest, book
from flask_booking.scheduling.intake import Intake
from flask_booking.scheduling.transaction import current, lock_calendars, transact

POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432/test"
TURNS, EACH = 54, 10  # short turns: both meet the same noise of the machine
MINUTES = 30
SECONDS = MINUTES * 60


@contextmanager
def scratch_database() -> Iterator[str]:
    """A new database beside the one that ``BOOKING_TEST_POSTGRESQL_URL`` names, dropped afterwards."""
    given = sa.make_url(os.environ.get("BOOKING_TEST_POSTGRESQL_URL") or POSTGRESQL)
    name = f"booking_bench_{secrets.token_hex(6)}"
    engine = sa.create_engine(given, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        try:
            yield given.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def new_app(url: str, folder: str, **config: Any) -> Flask:
    """The example CRM on an empty database, without a worker."""
    settings = {
        "SQLALCHEMY_DATABASE_URI": url,
        "SECRET_KEY": "only for measuring",
        "INSTANCE_PATH": folder,
        "BOOKING_WORKER": False,
        "BOOKING_RATE_LIMIT_ENABLED": False,
    }
    app = create_app(settings | config)
    with app.app_context():
        db.create_all()
    return app


def new_event_type() -> EventType:
    """An event type of a new host who is always open, with a reminder, as hosts have them."""
    user = User(email="ann@example.com", name="Ann", password_hash="")
    host = Host(user=user, time_zone="America/New_York")
    db.session.add(host)
    db.session.flush()
    page = BookingPage(host_id=host.id, slug="ann")
    week = [[[0, 1440]]] * 7
    db.session.add(Schedule(host_id=host.id, name="Hours", time_zone=host.time_zone, weekly=week, is_default=True))
    db.session.add(MessageRule(host_id=host.id, minutes=-1440))
    event = EventType(page=page, hosts=[host], title="Intro", slug="intro", durations=[MINUTES], notice=0)
    event.window_days = 3650
    db.session.add(event)
    db.session.commit()
    return event


def at(epoch: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(epoch, dt.UTC)


def bare(event_id: int, host_id: int, start: int) -> None:
    """Lock, read what is taken, write the booking and its time, commit."""

    def work() -> None:
        lock_calendars(db.session, [host_id])
        taken = sa.select(OccupiedTime).where(
            OccupiedTime.host_id == host_id,
            OccupiedTime.occupied_from >= start - 86_400,
            OccupiedTime.occupied_from < start + SECONDS,
        )
        assert all(row.occupied_until <= start for row in db.session.scalars(current(taken)))
        public_id, token = new_public_id(), new_token()
        booking = Booking(
            public_id=public_id,
            event_type_id=event_id,
            title="Intro",
            starts_at=at(start),
            ends_at=at(start + SECONDS),
            host_time_zone="UTC",
            starts_local=at(start).replace(tzinfo=None),
            guest_name="Sam",
            guest_email="sam@example.com",
            guest_email_key="sam@example.com",
            guest_time_zone="UTC",
            uid=public_id,
            manage_token=token,
            manage_token_hash=token_hash(token),
        )
        db.session.add(booking)
        db.session.flush()
        db.session.add(
            OccupiedTime(
                host_id=host_id,
                booking_id=booking.id,
                event_type_id=event_id,
                starts=start,
                ends=start + SECONDS,
                occupied_from=start,
                occupied_until=start + SECONDS,
            )
        )

    transact(db.session, work)


def per_second(app: Flask, one: Callable[[], object]) -> float:
    """How many times a second ``one`` runs, each in an app context of its own, as requests have."""
    begun = time.perf_counter()
    for _number in range(EACH):
        with app.app_context():
            one()
    return EACH / (time.perf_counter() - begun)


def rows() -> list[Row]:
    """Bookings per second, by turns with the bare transaction; the medians are compared."""
    with scratch_database() as url, tempfile.TemporaryDirectory() as folder:
        app = new_app(url, folder)
        with app.app_context():
            event = new_event_type()
            event_id, host_id = event.id, event.hosts[0].id
        midnight = int(time.time()) // 86_400 * 86_400 + 86_400
        starts = itertools.count(midnight, SECONDS)
        guests = itertools.count()

        def one_booking() -> object:
            start = next(starts)
            intake = Intake(Guest("Sam", f"sam-{next(guests)}@example.com"), [], {}, "")
            return book(event_id, BookingRequest(at(start), intake))

        def one_bare() -> object:
            return bare(event_id, host_id, next(starts))

        measured: tuple[list[float], list[float]] = ([], [])
        for turn in range(-1, TURNS):
            pair = per_second(app, one_booking), per_second(app, one_bare)
            if turn >= 0:  # the first only warms up
                for some, figure in zip(measured, pair, strict=True):
                    some.append(figure)
        with app.app_context():
            db.engine.dispose()
    booked, bared = map(statistics.median, measured)
    return [Row("booking", booked, "bookings/s", baseline=bared, baseline_name="bare locking transaction", goal=0.5)]
