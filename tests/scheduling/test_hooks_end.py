"""Hooks that commit or roll back, as much code of CRMs does, take nothing from what is promised."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_booking import jobs
from flask_booking.errors import BookingError
from flask_booking.models import Booking, OccupiedTime, OutboxMessage
from flask_booking.scheduling import book, cancel, reschedule
from flask_booking.state import crm, session
from tests.fixtures.people import make_bookable
from tests.scheduling.bookable import HOUR, MINUTE, instant, midnight, request

Hooked = Callable[[str, Callable[[], None]], None]


@pytest.fixture
def hooked(monkeypatch: pytest.MonkeyPatch) -> Hooked:
    """``hooked("contact_for", then)`` has the CRM's hook do ``then`` once, after what it usually does."""

    def hook(name: str, then: Callable[[], None]) -> None:
        usual, todo = getattr(crm(), name), [then]

        def called(*args: Any) -> Any:
            found = usual(*args)
            session().flush()
            if todo:
                todo.pop()()
            return found

        monkeypatch.setattr(crm(), name, called)

    return hook


def _meanwhile(app: Flask, work: Callable[[], object]) -> None:
    """Another process does ``work`` to its end, whatever that is."""

    def run() -> None:
        with app.app_context():
            try:
                work()
            except BookingError:
                session().rollback()

    other = threading.Thread(target=run)
    other.start()
    other.join(30)


def _count(model: Any) -> int:
    return session().scalar(sa.select(sa.func.count()).select_from(model)) or 0


@pytest.mark.parametrize("how", ["commit", "rollback"])
def test_a_hook_that_ends_the_transaction_lets_nobody_book_twice(each_app: Flask, hooked: Hooked, how: str) -> None:
    with each_app.app_context():
        ann = make_bookable(each_app)
        event = ann.another(interval=15)
        event_id, start = event.id, midnight()

        def end() -> None:
            getattr(session(), how)()
            _meanwhile(each_app, lambda: book(event_id, request(start + 15 * MINUTE, "other@example.com")))

        hooked("contact_for", end)
        with pytest.raises(BookingError):
            book(event_id, request(start))
        assert (_count(Booking), _count(OccupiedTime)) == (1, 1)


@pytest.mark.parametrize("how", ["commit", "rollback"])
@pytest.mark.parametrize("name", ["contact_for", "record_activity"])
def test_a_hook_that_ends_the_transaction_loses_no_booking(
    each_app: Flask, hooked: Hooked, how: str, name: str
) -> None:
    with each_app.app_context():
        ann = make_bookable(each_app)
        hooked(name, lambda: getattr(session(), how)())
        booking_id = book(ann.event.id, request(midnight())).id
        session().remove()
        jobs.deliver_due(each_app)
        booking = session().get(Booking, booking_id)
        assert booking is not None
        assert (_count(Booking), _count(OccupiedTime)) == (1, 1)
        assert (booking.contact.email, booking.crm_error) == ("sam@example.com", "")
        sent = session().scalars(sa.select(OutboxMessage.kind).where(OutboxMessage.topic == "mail")).all()
        assert list(sent).count("booked") == 2


@pytest.mark.parametrize("how", ["commit", "rollback"])
def test_a_hook_that_ends_the_transaction_loses_no_change(each_app: Flask, hooked: Hooked, how: str) -> None:
    with each_app.app_context():
        ann = make_bookable(each_app)
        booking = book(ann.event.id, request(midnight()))
        hooked("record_activity", lambda: getattr(session(), how)())
        assert reschedule(booking.id, instant(midnight() + HOUR), actor="guest").starts_at == instant(midnight() + HOUR)
        assert session().scalars(sa.select(OccupiedTime.starts)).all() == [midnight() + HOUR]
        hooked("record_activity", lambda: getattr(session(), how)())
        assert cancel(booking.id, actor="guest").status == "cancelled"
        session().remove()
        assert _count(OccupiedTime) == 0
