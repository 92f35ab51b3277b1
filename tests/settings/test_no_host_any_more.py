"""A meeting whose host's user was deleted is seen by the page's owner, who gives it to somebody or cancels it."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
import time_machine
from flask import render_template_string

from example_app.models import Activity, Contact, User
from flask_booking import catalog, scheduling
from flask_booking.errors import ChangeRefused
from flask_booking.jobs.outbox import deliver_due
from flask_booking.jobs.relay import tidy
from flask_booking.messages.gather import view_of
from flask_booking.messages.transport import CONSOLE
from flask_booking.messages.view import Reader
from flask_booking.models import Booking, BookingStatus, MessageState, OutboxMessage
from flask_booking.state import session

from .conftest import Office, Screens, said, tomorrow

GONE = "No host any more"


@pytest.fixture(autouse=True)
def _mails(office: Office) -> None:
    office.app.config["BOOKING_MAIL_URL"] = CONSOLE


def left(office: Office, **guest: str) -> str:
    """A booking with Ann that was given to Ben before the CRM deleted him."""
    public_id = office.booking("ann", **guest)
    with office.app.app_context():
        scheduling.reassign(row(public_id).id, office.host("ben").id)
        deliver_due(office.app)
        session().execute(sa.update(Contact).values(owner_id=office.users["ann"]))
        session().execute(sa.update(Activity).values(user_id=office.users["ann"]))
        session().delete(session().get(User, office.users["ben"]))
        session().commit()
        assert row(public_id).hosts == []
    return public_id


def row(public_id: str) -> Booking:
    return session().query(Booking).filter_by(public_id=public_id).one()


def mails(office: Office, capsys: pytest.CaptureFixture[str]) -> str:
    """What is sent now; nothing else may fail."""
    capsys.readouterr()
    with office.app.app_context():
        deliver_due(office.app)
        unfinished = sa.select(OutboxMessage.topic, OutboxMessage.last_error).where(
            OutboxMessage.state.in_((MessageState.WAITING, MessageState.FAILED)), OutboxMessage.rule_id.is_(None)
        )
        assert session().execute(unfinished).all() == []
    return capsys.readouterr().out


def test_its_owner_finds_it_among_the_bookings(office: Office, ann: Screens) -> None:
    public_id = left(office)
    assert GONE in ann.text("/bookings")
    assert GONE in ann.text("/bookings", show="all")
    assert f",{GONE},Sam Guest," in ann.get("/bookings.csv").text
    assert f"Host {GONE}" in ann.text(f"/bookings/{public_id}")
    assert "sam@example.com" not in ann.text("/bookings", show="cancelled")
    office.booking("cleo", email="kim@example.com")
    cleo = office.as_user("cleo")
    assert GONE not in cleo.text("/bookings")
    assert GONE in cleo.text("/bookings", of="all")


def test_the_contacts_page_says_so(office: Office) -> None:
    public_id = left(office)
    with office.app.test_request_context():
        page = render_template_string(
            """{% from "booking/crm/meetings.html" import meetings_of %}{{ meetings_of(contact) }}""",
            contact=row(public_id).contact,
        )
    assert f"<small>{GONE}" in page


def test_its_owner_reads_of_it_on_the_overview(office: Office, ann: Screens) -> None:
    assert "no host any more" not in ann.text()
    public_id = left(office)
    assert "1 meeting has no host any more" in ann.text()
    assert "no host any more" not in office.as_user("cleo").text()
    assert ann.post(f"/bookings/{public_id}/cancel").status_code == 303
    assert "no host any more" not in ann.text()


def test_its_owner_takes_it_and_everybody_is_told(
    office: Office, ann: Screens, capsys: pytest.CaptureFixture[str]
) -> None:
    public_id = left(office)
    assert ann.post(f"/bookings/{public_id}/reassign", to="ann").status_code == 303
    told = mails(office, capsys)
    assert "Subject: New host: Intro with Ann Meyer" in told
    assert "Subject: Handed to you: Sam Guest" in told
    assert GONE not in ann.text("/bookings")


def test_its_owner_cancels_it_and_the_guest_is_told(
    office: Office, ann: Screens, capsys: pytest.CaptureFixture[str]
) -> None:
    public_id = left(office)
    assert ann.post(f"/bookings/{public_id}/cancel").status_code == 303
    assert "Subject: Cancelled: Intro with Ann Meyer" in mails(office, capsys)
    assert GONE not in ann.text("/bookings")


def test_its_guest_is_told_who_answers_for_it_and_cannot_move_it(office: Office) -> None:
    public_id, refusal = left(office), "Please contact the host to change this meeting."
    with office.app.app_context():
        token = row(public_id).manage_token
        view = view_of(row(public_id), Reader.GUEST)
        assert (view.reschedule_url, bool(view.cancel_url)) == ("", True)
    guest = office.app.test_client()
    page = said(guest.get(f"/book/manage/{token}"))
    assert "Ann Meyer" in page
    assert refusal in page
    assert "Choose another time" not in page
    assert "Intro with Ann Meyer" in said(guest.get(f"/book/manage/{token}/cancel"))
    assert guest.get(f"/book/manage/{token}/reschedule").status_code == 303
    moved = guest.post(f"/book/manage/{token}/reschedule", data={"start": tomorrow(15).isoformat()})
    assert (moved.status_code, refusal in moved.text) == (409, True)
    start = {"start": tomorrow(15).isoformat()}
    answer = guest.post(f"/api/booking/v1/public/bookings/{token}/reschedule", json=start)
    assert (answer.status_code, answer.json["code"], answer.json["detail"]) == (409, "change_refused", refusal)
    assert guest.post(f"/book/manage/{token}/cancel").status_code == 303


def test_its_owner_cannot_move_it_before_somebody_holds_it(office: Office, ann: Screens) -> None:
    public_id = left(office)
    assert "Move …" not in ann.text(f"/bookings/{public_id}")
    refusal = "Nobody holds this meeting any more. Give it to a host first."
    assert refusal in ann.text(f"/bookings/{public_id}/reschedule", 409)
    moved = ann.post(f"/bookings/{public_id}/reschedule", start=tomorrow(15).isoformat())
    assert (moved.status_code, refusal in moved.text) == (409, True)
    assert ann.post(f"/bookings/{public_id}/reassign", to="ann").status_code == 303
    assert "Move …" in ann.text(f"/bookings/{public_id}")
    assert ann.post(f"/bookings/{public_id}/reschedule", start=tomorrow(15).isoformat()).status_code == 303


def test_a_guest_s_page_names_a_host_who_cannot_be_booked_any_more(office: Office) -> None:
    public_id = office.booking()
    with office.app.app_context():
        office.host().active = False
        session().commit()
        token = row(public_id).manage_token
    assert "Intro with Ann Meyer" in said(office.app.test_client().get(f"/book/manage/{token}/cancel"))


def test_a_request_is_not_accepted_for_nobody(office: Office, ann: Screens, capsys: pytest.CaptureFixture[str]) -> None:
    with office.app.app_context():
        catalog.update_event_type(office.event("ann"), {"requires_approval": True})
    public_id = left(office)
    assert GONE in ann.text("/bookings", show="pending")
    assert "1 meeting has no host any more" in ann.text()
    refused = ann.post(f"/bookings/{public_id}/accept")
    assert refused.status_code == 409
    assert "Nobody holds this meeting any more. Give it to a host first, or decline it." in refused.text
    with office.app.app_context():
        assert row(public_id).status is BookingStatus.PENDING
        with pytest.raises(ChangeRefused):
            scheduling.accept(row(public_id).id)
    assert ann.post(f"/bookings/{public_id}/reassign", to="ann").status_code == 303
    assert ann.post(f"/bookings/{public_id}/accept").status_code == 303
    assert "Subject: Confirmed: Intro with Ann Meyer" in mails(office, capsys)


def test_a_request_for_nobody_is_declined(office: Office, ann: Screens, capsys: pytest.CaptureFixture[str]) -> None:
    with office.app.app_context():
        catalog.update_event_type(office.event("ann"), {"requires_approval": True})
    public_id = left(office)
    assert ann.post(f"/bookings/{public_id}/decline").status_code == 303
    assert "Subject:" in mails(office, capsys)


def test_it_ends_like_any_other_when_nobody_does_anything(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    public_id = left(office)
    with time_machine.travel(tomorrow() + dt.timedelta(days=1)):
        tidy(office.app)
        mails(office, capsys)
    with office.app.app_context():
        assert (row(public_id).status, row(public_id).crm_error) == (BookingStatus.COMPLETED, "")
