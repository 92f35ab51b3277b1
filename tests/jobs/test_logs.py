"""What workers log names no person, whatever is logged and whoever wrote the error."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

import flask_booking
from flask_booking import jobs
from flask_booking.models import OutboxMessage
from flask_booking.scheduling import book
from flask_booking.signals import outbox_filled
from flask_booking.state import crm, session
from tests.fixtures.people import Bookable
from tests.public import guest as guests
from tests.scheduling.bookable import instant, midnight, request


def fail(what: Any) -> None:
    raise ValueError(str(what))


def test_errors_of_the_crms_own_code_are_told_by_their_place(
    app: Flask, ann: Bookable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(crm(), "send_mail", fail)
    monkeypatch.setattr(crm(), "contact_url", lambda contact: fail(contact.email))
    with caplog.at_level(logging.DEBUG):
        token = book(ann.event.id, request(midnight(), "sam@secret.example")).manage_token
        session().remove()
        jobs.deliver_due(app)
    assert "is waiting: ValueError" in caplog.text
    assert "contact_url failed with ValueError" in caplog.text
    assert "in fail" in caplog.text
    assert "secret" not in caplog.text
    assert token not in caplog.text
    kept = "".join(message.last_error for message in session().query(OutboxMessage))
    assert "ValueError" in kept
    assert "secret" not in kept


SECRET = "sam@secret.example"


@pytest.fixture
def broken_tables(app: Flask, ann: Bookable) -> Iterator[Callable[..., None]]:
    """``broken_tables("booking_booking")`` makes the database refuse what is written there, naming what was sent."""

    def breaks(*tables: str) -> None:
        app.config["PROPAGATE_EXCEPTIONS"] = False  # as in production: what nobody catches is logged by Flask
        for table in tables:
            for event in ("INSERT", "UPDATE"):
                trigger = f"CREATE TRIGGER {table}_{event} BEFORE {event} ON {table} BEGIN SELECT broken(); END"
                session().execute(sa.text(trigger))
        session().commit()

    yield breaks
    session().rollback()
    for name in session().scalars(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
        session().execute(sa.text(f"DROP TRIGGER {name}"))
    session().commit()


def test_no_page_and_no_job_logs_what_the_database_says_of_a_guest(
    app: Flask,
    ann: Bookable,
    broken_tables: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    booking = book(ann.event.id, request(midnight(), SECRET))
    token, public_id = booking.manage_token, booking.public_id
    guest, host = app.test_client(), app.test_client()
    with host.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = str(ann.user.id), True
    form = guests.choose(guest, "/book/ann/intro")
    body = {"start": instant(midnight(4)).isoformat(), "name": "Sam", "email": SECRET, "time_zone": "UTC"}
    rule = {"minutes": "1", "minutes_unit": "days", "when": "before-start", "audience": "guest", "subject": SECRET}
    broken_tables("booking_booking", "booking_message_rule")
    monkeypatch.setattr("flask_booking.jobs.thread.wake", lambda app: fail(SECRET))
    with caplog.at_level(logging.DEBUG):
        outbox_filled.send(app, ids=[1])
        answers = {
            "book_details": guests.send(guest, form, email=SECRET),
            "do_cancel": guest.post(f"/book/manage/{token}/cancel", data={"reason": SECRET}),
            "api.book": guest.post("/api/booking/v1/public/ann/intro/bookings", json=body),
            "api.cancel": guest.post(f"/api/booking/v1/public/bookings/{token}/cancel", json={"reason": SECRET}),
            "save_booking_notes": host.post(
                f"/settings/booking/bookings/{public_id}/notes", data={"host_notes": SECRET}
            ),
            "new_rule": host.post("/settings/booking/messages/new", data=rule),
        }
        session().remove()
        jobs.Relay(app).look()
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 500)
    assert all(f"{name} failed: OperationalError" in caplog.text for name in answers)
    assert "the bell of the outbox failed: ValueError" in caplog.text
    for private in (SECRET, token):
        assert private not in caplog.text
        assert not any(private in answer.text for answer in answers.values())


def test_nothing_in_the_package_logs_an_errors_own_words() -> None:
    sources = {path: path.read_text() for path in Path(flask_booking.__file__).parent.rglob("*.py")}
    assert [path for path, source in sources.items() if re.search(r"\.exception\(|exc_info=|print_exc", source)] == []
