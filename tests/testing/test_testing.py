"""What a CRM gets for its own tests, used on the example CRM as its developers would."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
import time_machine
from flask import Flask, redirect, request

from example_app.models import Activity, Contact, Mail, User
from flask_booking.doctor import CHECKS
from flask_booking.errors import InvalidInput, SlotTaken
from flask_booking.models import Booking, BookingStatus
from flask_booking.state import crm, session
from flask_booking.testing import Bookable, assert_mounted, book, booking_host, deliver, open_slots, walk
from flask_booking.testing.fixtures import bookable, booking_signals
from flask_booking.testing.mounted import OF_THE_MACHINE

__all__ = ["bookable", "booking_signals"]

MakeApp = Callable[..., Flask]


def ann() -> User:
    return User(email="ann@example.com", name="Ann Meyer", password_hash="-")


@pytest.fixture
def booking_user() -> User:
    return ann()


def test_a_host_can_be_booked_at_any_hour(bookable: Bookable) -> None:
    slots = open_slots(bookable.event, days=2)
    assert slots == sorted(slots)
    assert slots[1] - slots[0] == dt.timedelta(minutes=30)
    assert slots[0] - dt.datetime.now(dt.UTC) <= dt.timedelta(minutes=30)


def test_a_booking_is_written_with_all_that_follows(
    bookable: Bookable, booking_signals: list[tuple[str, Booking]]
) -> None:
    start = open_slots(bookable.event)[3]
    booking = book(bookable.event, start=start, notes="About the offer")
    assert (booking.starts_at, booking.status) == (start, BookingStatus.CONFIRMED)
    assert booking_signals == [("booking-booked", booking)]
    contact, activity = session().query(Contact).one(), session().query(Activity).one()
    assert (contact.email, activity.contact_id) == ("sam@example.com", contact.id)
    with pytest.raises(SlotTaken):
        book(bookable.event, start=start, email="eve@example.com")


@pytest.mark.parametrize("time", ["09:59:59", "23:29:59", "23:59:59"])
def test_no_time_is_chosen_that_passes_while_the_test_runs(app: Flask, time: str) -> None:
    day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    soon = dt.datetime.fromisoformat(f"{day}T{time}+00:00") + dt.timedelta(hours=1)
    with app.app_context(), time_machine.travel(soon - dt.timedelta(hours=1), tick=False):
        event = booking_host(ann()).event
        assert book(event).starts_at >= soon
        assert walk(app.test_client(), event, cancel=False).starts_at >= soon


def test_mails_are_returned_instead_of_sent(bookable: Bookable) -> None:
    booking = book(bookable.event)
    mails = deliver()
    assert {mail.to for mail in mails} == {"sam@example.com", "ann@example.com"}
    (guest,) = [mail for mail in mails if mail.to == "sam@example.com"]
    assert "Meeting" in guest.subject
    assert "Ann Meyer" in guest.text
    assert "Ann Meyer" in guest.html
    assert guest.event is not None
    assert guest.event["UID"] == booking.uid
    assert session().query(Mail).count() == 0
    assert deliver() == []


def test_mails_go_through_the_mailer_of_the_crm_when_they_shall(bookable: Bookable) -> None:
    book(bookable.event)
    assert len(deliver(send=True)) == session().query(Mail).count() == 2


def test_a_mailer_that_the_test_put_in_place_stays(bookable: Bookable) -> None:
    sent: list[EmailMessage] = []
    crm().send_mail = lambda message: not sent.append(message)  # type: ignore[method-assign, func-returns-value]
    book(bookable.event)
    assert len(deliver()) == 2
    assert sent == []
    book(bookable.event, email="eve@example.com")
    assert [mail.message for mail in deliver(send=True)] == sent


def test_a_mail_that_cannot_be_written_fails_the_test(make_app: MakeApp, database_url: str) -> None:
    app = make_app(database_url, BOOKING_MAIL_FROM="nobody")
    with app.app_context():
        book(booking_host(ann()).event)
        with pytest.raises(AssertionError, match="BOOKING_MAIL_FROM"):
            deliver()


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"BOOKING_URL_PREFIX": "/meet", "BOOKING_RATE_LIMIT_ENABLED": True, "BOOKING_MIN_FORM_SECONDS": 2},
        {"APPLICATION_ROOT": "/crm", "BOOKING_PROOF_OF_WORK": True, "WTF_CSRF_ENABLED": True},
    ],
)
def test_a_guest_walks_the_whole_way(make_app: MakeApp, database_url: str, config: dict[str, Any]) -> None:
    app = make_app(database_url, **config)
    with app.app_context():
        question = {"id": "q1", "label": "What is it about?", "kind": "short", "required": True}
        event = booking_host(ann(), questions=[question]).event
        with pytest.raises(AssertionError, match=r"booking: POST .*/details was answered with 422, saying .*about"):
            walk(app.test_client(), event)
        booking = walk(app.test_client(), event, a_q1="The offer")
        assert booking.status is BookingStatus.CANCELLED
        assert [entry.kind.value for entry in booking.history] == ["booked", "rescheduled", "cancelled"]
        assert walk(app.test_client(), booking_host(ann_two()).event, cancel=False).status is BookingStatus.CONFIRMED
    assert app.config["BOOKING_MIN_FORM_SECONDS"] == config.get("BOOKING_MIN_FORM_SECONDS", 0)


def ann_two() -> User:
    return User(email="ben@example.com", name="Ben Vogel", password_hash="-")


def test_an_event_type_that_cannot_be_says_which_value_is_wrong(app: Flask) -> None:
    with app.app_context(), pytest.raises(InvalidInput) as refused:
        booking_host(ann(), durations=[])
    assert "durations: " in "".join(refused.value.__notes__)


def test_a_sound_mounting_passes_whatever_the_machine_lacks(make_app: MakeApp, database_url: str) -> None:
    assert_mounted(make_app(database_url, BOOKING_REDIS_URL="redis://127.0.0.1:1/0", BOOKING_MAIL_FROM="nobody"))
    assert {check.name for check in CHECKS} >= OF_THE_MACHINE


def test_a_wall_is_found_by_walking_and_by_the_assertion(app: Flask) -> None:
    @app.before_request
    def wall() -> Any:
        return redirect("/login") if request.path.startswith("/book") else None

    with app.app_context():
        event = booking_host(ann()).event
        with pytest.raises(
            AssertionError, match="the host's page: GET /book/ann-meyer was answered with 302 to /login"
        ):
            walk(app.test_client(), event)
    with pytest.raises(AssertionError, match="Begin it with"):
        assert_mounted(app)
    assert_mounted(app, without=("public pages",))


def test_the_functions_need_no_pytest() -> None:
    code = "import sys, flask_booking.testing; sys.exit('pytest' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
