"""Requests: accepted, declined, unanswered and withdrawn ones, and what the lists call them."""

from __future__ import annotations

import datetime as dt
import re

from example_app.models import Activity
from flask_booking import scheduling
from flask_booking.models import BookingStatus
from flask_booking.models.columns import utcnow
from flask_booking.state import session

from .conftest import Office, Screens, tomorrow
from .test_bookings import row


def request_of(office: Office, *when: dt.datetime, **guest: str) -> str:
    with office.app.app_context():
        office.event().requires_approval = True
        session().commit()
    return office.booking("ann", *when, **guest)


def test_a_request_is_accepted(office: Office, ann: Screens) -> None:
    public_id = request_of(office)
    assert "asks for a meeting" in ann.text("/")
    ann.post(f"/bookings/{public_id}/accept")
    with office.app.app_context():
        assert row(public_id).status == BookingStatus.CONFIRMED
    assert "asks for a meeting" not in ann.text("/")
    assert ann.post(f"/bookings/{public_id}/accept").status_code == 409


def test_a_request_is_declined(office: Office, ann: Screens) -> None:
    public_id = request_of(office)
    ann.post(f"/bookings/{public_id}/decline", reason="Full")
    with office.app.app_context():
        assert (row(public_id).status, row(public_id).reason) == (BookingStatus.CANCELLED, "Full")


def test_a_request_that_nobody_answered_is_called_so(office: Office, ann: Screens) -> None:
    public_id = request_of(office)
    with office.app.app_context():
        row(public_id).pending_until = utcnow()
        session().commit()
        assert scheduling.complete_past() == 1
        assert row(public_id).reason == "", "it is told in the language of whoever reads it"
    assert ann.text(f"/bookings/{public_id}").count("The request wasn't answered in time.") == 2, "and in its history"
    assert "The request wasn't answered in time." in ann.get("/bookings.csv", show="cancelled").text


def test_a_request_that_its_guest_withdrew_is_called_so(office: Office, ann: Screens) -> None:
    public_id = request_of(office)
    with office.app.app_context():
        found = row(public_id)
        scheduling.cancel(found.id, actor="guest")
        assert found.history[-1].activity_id is not None
        assert session().query(Activity).order_by(Activity.id.desc()).first().subject == "Request withdrawn: Intro"
    assert "Request withdrawn by the guest" in ann.text(f"/bookings/{public_id}")


def test_lists_tell_a_request_that_ended_from_a_meeting_that_was_called_off(office: Office, ann: Screens) -> None:
    off = office.booking("ann", tomorrow(9), email="off@example.com")
    ann.post(f"/bookings/{off}/cancel")
    for email, hour in (("declined@example.com", 11), ("withdrawn@example.com", 13)):
        public_id = request_of(office, tomorrow(hour), email=email)
        with office.app.app_context():
            number = row(public_id).id
            if email.startswith("declined"):
                scheduling.decline(number, actor="host")
            else:
                scheduling.cancel(number, actor="guest")
    tags = re.findall(r'class="bk-tag bk-tag-cancelled">([^<]+)<', ann.get("/bookings", show="cancelled").text)
    assert tags == ["Withdrawn", "Declined", "Cancelled"]
