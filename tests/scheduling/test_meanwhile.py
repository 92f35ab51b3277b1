"""Hosts change what decides about bookings while guests book: neither is lost, and who is later knows of the other."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from example_app.extensions import db
from example_app.models import User
from flask_booking import catalog
from flask_booking.catalog import writing
from flask_booking.errors import BookingError, NotBookable
from flask_booking.models import BlockedTime, Booking, EventType, Host, Schedule
from flask_booking.scheduling import book, place_hold
from flask_booking.scheduling.hold import new_hold_token
from tests.fixtures.apps import MakeApp
from tests.fixtures.databases import Databases
from tests.scheduling.bookable import midnight, new_event, new_host, request

Change = Callable[[EventType], Any]


def open_event() -> EventType:
    """An event type of a new host."""
    user = User(email="ann@example.com", name="Ann", password_hash="")
    db.session.add(user)
    return new_event(new_host(user))


def waits_for_a_lock() -> bool:
    """Whether somebody does in the database, as far as it can tell."""
    if db.engine.dialect.name != "postgresql":
        return True  # there the statement that locks comes after the one that reads
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with db.engine.connect() as connection:
        return bool(connection.exec_driver_sql(waiting).scalar())


class Guest:
    """Somebody who asks while the host has the lock, and whose answer comes after it."""

    def __init__(self, app: Flask, ask: Callable[[], Any]) -> None:
        self.app, self.ask = app, ask
        self.answer: Any = None
        self.asks = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        with self.app.app_context():
            sa.event.listen(db.engine, "before_cursor_execute", self.note)
            try:
                self.answer = self.ask()
            except BookingError as error:
                self.answer = error.code
            finally:
                sa.event.remove(db.engine, "before_cursor_execute", self.note)

    def note(self, _connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if threading.current_thread() is self.thread and "UPDATE booking_host" in statement:
            self.asks.set()

    def begin(self) -> None:
        """Returns when the guest waits for the host's lock."""
        self.thread.start()
        assert self.asks.wait(20)
        while not waits_for_a_lock():
            pass


CHANGES: dict[str, tuple[Change, str]] = {
    "closed": (lambda event: catalog.set_event_type_active(event, False), "inactive"),
    "archived": (lambda event: catalog.set_archived(event, True), "inactive"),
    "notice": (lambda event: catalog.update_event_type(event, {"notice": 30 * 1440}), "slot_unavailable"),
    "approval": (lambda event: catalog.update_event_type(event, {"requires_approval": True}), "pending"),
    "hours": (
        lambda event: catalog.update_schedule(
            db.session.query(Schedule).one(), name="Never", time_zone="UTC", weekly=[[]] * 7
        ),
        "slot_unavailable",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_who_waits_for_the_host_is_answered_by_what_the_host_has_changed(
    each_app: Flask, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    change, expected = CHANGES[name]
    with each_app.app_context():
        event = open_event()
        event_id = event.id
        guest = Guest(each_app, lambda: book(event_id, request(midnight())).status.value)
        lock = writing.lock_calendars

        def locked(*args: Any) -> Any:
            versions = lock(*args)
            guest.begin()
            return versions

        monkeypatch.setattr(writing, "lock_calendars", locked)
        change(event)
        guest.thread.join()
        assert guest.answer == expected


def test_nor_is_a_time_kept_that_is_not_offered_any_more(each_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with each_app.app_context():
        event = open_event()
        event_id, token = event.id, new_hold_token(event.id)
        guest = Guest(each_app, lambda: place_hold(event_id, token, midnight()))
        lock = writing.lock_calendars
        monkeypatch.setattr(writing, "lock_calendars", lambda *args: (lock(*args), guest.begin()))
        catalog.set_event_type_active(event, False)
        guest.thread.join()
        assert guest.answer == "not_found"


JANUARY = dt.datetime.fromisoformat("2030-01-01T09:00")
SAVES: dict[str, Change] = {
    "event type": lambda event: catalog.update_event_type(event, {"notice": 60}),
    "switch": lambda event: catalog.set_event_type_active(event, False),
    "order": lambda event: catalog.order_event_types(event.page, [event.public_id]),
    "host": lambda event: catalog.update_host(event.hosts[0], {"limit_day": 3}),
    "zone": lambda event: catalog.move_to_zone(event.hosts[0], "Europe/Paris"),
    "hours": lambda event: catalog.create_schedule(event.hosts[0], "Evenings"),
    "override": lambda _event: catalog.add_override(db.session.query(Schedule).one(), "2030-01-01", None, []),
    "blocked time": lambda event: catalog.block_time(
        event.hosts[0], starts=JANUARY, ends=JANUARY + dt.timedelta(hours=3)
    ),
    "reminder": lambda event: catalog.save_rule(event.hosts[0], {"minutes": -60}),
}


@pytest.fixture(params=["REPEATABLE READ", "SERIALIZABLE"])
def strict_app(request: pytest.FixtureRequest, make_app: MakeApp, databases: Databases) -> Iterator[Flask]:
    """The example CRM on PostgreSQL, where a transaction sees nothing that is committed while it runs."""
    app = make_app(databases.clean("postgresql"), SQLALCHEMY_ENGINE_OPTIONS={"isolation_level": request.param})
    with app.app_context():
        yield app


@pytest.mark.parametrize("name", SAVES)
def test_what_a_host_saves_is_not_refused_because_somebody_books_meanwhile(strict_app: Flask, name: str) -> None:
    event = open_event()
    event_id = event.id
    assert event.title, "the host's request has begun to read"
    Guest(strict_app, lambda: book(event_id, request(midnight()))).run()
    SAVES[name](event)
    db.session.rollback()
    assert db.session.query(Booking).count() == 1


REMOVES: dict[str, tuple[Callable[[EventType], Any], Callable[[Any], object]]] = {
    "override": (
        lambda _event: catalog.add_override(db.session.query(Schedule).one(), "2030-01-01", None, []),
        catalog.remove_override,
    ),
    "blocked time": (SAVES["blocked time"], catalog.unblock_time),
    "reminder": (SAVES["reminder"], catalog.delete_rule),
    "hours": (SAVES["hours"], catalog.delete_schedule),
    "event type": (lambda event: event, catalog.delete_event_type),
}


@pytest.mark.parametrize("name", REMOVES)
def test_what_is_removed_twice_at_once_is_gone(each_app: Flask, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    make, remove = REMOVES[name]
    with each_app.app_context():
        row = make(open_event())
        model, key = type(row), row.id
        db.session.commit()

        def second() -> None:
            with each_app.app_context():
                remove(db.session.get(model, key))

        lock = writing.lock_calendars

        def overtaken(*args: Any) -> Any:
            monkeypatch.setattr(writing, "lock_calendars", lock)
            db.session.rollback()
            thread = threading.Thread(target=second)
            thread.start()
            thread.join()
            return lock(*args)

        monkeypatch.setattr(writing, "lock_calendars", overtaken)
        remove(row)
        assert db.session.get(model, key) is None


def test_what_is_saved_after_it_was_deleted_is_told_to_be_gone(each_app: Flask) -> None:
    with each_app.app_context():
        block = SAVES["blocked time"](open_event())
        key = block.id
        host = db.session.get(Host, block.host_id)
        with each_app.app_context():
            catalog.unblock_time(db.session.get(BlockedTime, key))
        with pytest.raises(NotBookable):
            catalog.block_time(host, starts=JANUARY, ends=JANUARY + dt.timedelta(hours=1), blocked=block)
