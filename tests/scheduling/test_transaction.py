"""A unit of work begins afresh, is tried again when the database asks for it, and leaves nothing when it fails."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from example_app.extensions import db
from example_app.models import Contact, User
from flask_booking.errors import Contention
from flask_booking.models import EventType, Host
from flask_booking.scheduling import book
from flask_booking.scheduling import transaction as transactions
from flask_booking.scheduling.transaction import is_contention, lock_calendars, transact
from flask_booking.state import state
from tests.fixtures.apps import MakeApp
from tests.scheduling.bookable import midnight, new_event, new_host, request


class DriverError(Exception):
    """What a driver raises, with whatever it tells."""

    def __init__(self, *args: object, **told: object) -> None:
        super().__init__(*args)
        vars(self).update(told)


BUSY = {
    "psycopg 3": DriverError("deadlock detected", sqlstate="40P01"),
    "psycopg2": DriverError("deadlock detected", pgcode="40001"),
    "PyMySQL and mysqlclient": DriverError(1213, "Deadlock found"),
    "MySQL Connector": DriverError("1213 (40001): Deadlock found", errno=1213, sqlstate="40001"),
    "MariaDB Connector": DriverError("Lock wait timeout exceeded", errno=1205),
    "SQLite": DriverError("database is locked"),
    "SQLite, in shared cache": DriverError("database table is locked: booking_host"),
}


def wrapped(error: Exception) -> sa.exc.DBAPIError:
    return sa.exc.OperationalError("UPDATE", {}, error)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions.time, "sleep", lambda _seconds: None)


@pytest.mark.parametrize("driver", BUSY)
def test_a_busy_database_is_known_by_every_driver(driver: str) -> None:
    assert is_contention(wrapped(BUSY[driver]))


@pytest.mark.parametrize("error", [DriverError("no such table"), DriverError(1062, "Duplicate"), DriverError()])
def test_other_errors_are_not_taken_for_it(error: Exception) -> None:
    assert not is_contention(wrapped(error))


def test_the_work_is_tried_again_until_it_is_done(crm: Flask) -> None:
    tried: list[int] = []

    def work() -> str:
        db.session.add(User(email=f"{len(tried)}@example.com", name="X", password_hash=""))
        db.session.flush()
        tried.append(1)
        if len(tried) < 4:
            raise wrapped(BUSY["SQLite"])
        return "done"

    assert transact(db.session, work) == "done"
    assert db.session.scalars(sa.select(User.email)).all() == ["3@example.com"]


def test_in_the_end_it_says_that_the_database_is_busy(crm: Flask) -> None:
    def work() -> None:
        raise wrapped(BUSY["SQLite"])

    with pytest.raises(Contention):
        transact(db.session, work)


@pytest.mark.parametrize("error", [ValueError("x"), wrapped(DriverError("no such table")), KeyboardInterrupt()])
def test_any_other_error_is_raised_at_once_and_undoes_all(crm: Flask, error: BaseException) -> None:
    tried: list[int] = []

    def work() -> None:
        tried.append(1)
        db.session.add(User(email="x@example.com", name="X", password_hash=""))
        db.session.flush()
        raise error

    with pytest.raises(type(error)):
        transact(db.session, work)
    assert tried == [1]
    assert db.session.scalars(sa.select(User)).all() == []


@pytest.mark.parametrize("named", ["isolation_level", "execution_options"])
def test_it_is_a_transaction_where_the_crm_commits_each_statement_by_itself(
    make_app: MakeApp, each_database: str, named: str
) -> None:
    told: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"}
    app = make_app(each_database, SQLALCHEMY_ENGINE_OPTIONS=told if named in told else {named: told})
    with app.app_context():
        db.session.add(User(email="first@example.com", name="X", password_hash=""))
        db.session.flush()
        db.session.rollback()
        assert db.session.scalars(sa.select(User.email)).all() == ["first@example.com"], "so the CRM wanted it"

        def work() -> None:
            db.session.add(User(email="second@example.com", name="X", password_hash=""))
            db.session.flush()
            raise KeyError

        with pytest.raises(KeyError):
            transact(db.session, work)
        assert db.session.scalars(sa.select(User.email)).all() == ["first@example.com"]
        db.session.execute(sa.delete(User))
        db.session.rollback()
        assert db.session.scalars(sa.select(User.email)).all() == [], "afterwards it is as the CRM wants it again"


class TestOnEachDatabase:
    """What only real databases show."""

    @pytest.fixture
    def event(self, each_app: Flask) -> Iterator[EventType]:
        with each_app.app_context():
            user = User(email="ann@example.com", name="Ann", password_hash="")
            db.session.add(user)
            yield new_event(new_host(user))

    def test_who_waited_for_the_lock_sees_what_was_written_meanwhile(self, each_app: Flask, event: EventType) -> None:
        """The second transaction has read before it waits: a plain read after the lock must not repeat that."""
        host_id = event.hosts[0].id
        db.session.commit()
        first_has_lock, seen = threading.Event(), []

        def second() -> None:
            with each_app.app_context():

                def work() -> None:
                    before = db.session.scalar(sa.select(Host.locale).where(Host.id == host_id))
                    first_has_lock.wait(20)
                    lock_calendars(db.session, [host_id])
                    locked = sa.select(Host.locale).where(Host.id == host_id)
                    seen.append((before, db.session.scalar(transactions.current(locked))))

                transact(db.session, work)

        def first() -> None:
            lock_calendars(db.session, [host_id])
            db.session.execute(sa.update(Host).where(Host.id == host_id).values(locale="fr"))
            first_has_lock.set()

        thread = threading.Thread(target=second)
        thread.start()
        transact(db.session, first)
        thread.join()
        assert seen[-1][1] == "fr"

    def test_a_deadlock_inside_a_hook_is_tried_again_and_not_taken_for_a_failing_hook(
        self, each_app: Flask, event: EventType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another transaction of the CRM holds the contact's owner and wants the host; the hook wants the owner."""
        if db.engine.dialect.name == "sqlite":
            pytest.skip("SQLite has one writer: there is no deadlock between rows")
        event_id, host_id, user_id = event.id, event.hosts[0].id, event.hosts[0].user_id
        db.session.add_all(User(email=f"{n}@example.com", name="X", password_hash="") for n in range(400))
        db.session.commit()
        other_has_users, hook_runs, tried = threading.Event(), threading.Event(), []

        def other() -> None:
            """Changes many rows, so that the database sacrifices the booking and not this one."""
            with each_app.app_context():
                db.session.execute(sa.update(User).values(colour="rust"))
                other_has_users.set()
                hook_runs.wait(20)
                with contextlib.suppress(sa.exc.DBAPIError):  # either may be the one that the database ends
                    db.session.execute(sa.update(Host).where(Host.id == host_id).values(locale="fr"))
                db.session.rollback()

        def hook(session: sa.orm.Session, *_args: object) -> Contact:
            tried.append(1)
            if len(tried) == 1:
                hook_runs.set()
            session.execute(sa.update(User).where(User.id == user_id).values(colour="moss"))
            contact = Contact(email="sam@example.com", name="Sam", owner_id=user_id)
            session.add(contact)
            return contact

        monkeypatch.setattr(state().crm, "contact_for", hook)
        thread = threading.Thread(target=other)
        thread.start()
        other_has_users.wait(20)
        booking = book(event_id, request(midnight()))
        thread.join()
        assert booking.crm_error == ""
        assert booking.contact.email == "sam@example.com"
