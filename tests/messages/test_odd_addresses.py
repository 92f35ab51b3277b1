"""An address that no mail can be written to keeps mails from nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st

from flask_booking.crm import Guest
from flask_booking.jobs.outbox import deliver_due
from flask_booking.messages.email import is_address
from flask_booking.messages.invitation import Person
from flask_booking.models import MessageState, OutboxMessage
from flask_booking.scheduling import change, reserve
from flask_booking.scheduling.intake import Intake
from flask_booking.state import session
from tests.fixtures.mail import MailServer
from tests.fixtures.people import Bookable, make_bookable
from tests.messages.made import mail
from tests.messages.mail_client import calendar_part, read_calendar

ODD = [
    "ann",
    "Ann Meyer <ann@example.com>",
    "ann@example.com; bob@example.com",
    "ann@home@example.com",
    "ann.@example.com",
    "ann@example..com",
    "ann@mü--ller-.example",
    '"ann b"@example.com',
]


@pytest.fixture
def ann(make_app: Callable[..., Flask], database_url: str, smtp: MailServer) -> Iterator[Bookable]:
    """Ann, whose mails go to the real mail server of the test."""
    app = make_app(database_url, BOOKING_MAIL_URL=smtp.url, BOOKING_MAIL_FROM="Rowan CRM <bookings@example.com>")
    with app.app_context():
        yield make_bookable(app)


def booked_and_moved(ann: Bookable, guest: str) -> None:
    who = Guest(name="Grace", email=guest, time_zone="UTC", locale="en")
    intake = Intake(guest=who, answers=[], location={}, notes="")
    booking = reserve.book(ann.event.id, reserve.BookingRequest(start=ann.tomorrow(), intake=intake))
    change.reschedule(booking.id, ann.tomorrow(15), actor="guest")
    deliver_due(ann.app)


def given_up() -> set[str]:
    """The readers whose mails failed for good."""
    return {row.recipient for row in session().query(OutboxMessage).filter_by(state=MessageState.FAILED)}


@pytest.mark.parametrize("address", ODD)
def test_a_host_with_an_odd_address_keeps_no_mail_from_guests(ann: Bookable, smtp: MailServer, address: str) -> None:
    ann.user.email = address
    session().commit()
    booked_and_moved(ann, "grace@example.com")
    assert given_up() == {address}
    mails = smtp.to("grace@example.com")
    assert [str(message["Subject"]).partition(":")[0] for message in mails] == ["Confirmed", "New time"]
    for message in mails:
        assert message["Reply-To"] is None
        part = calendar_part(message)
        assert part is not None
        _, event = read_calendar(part)
        assert str(event["ATTENDEE"]) == "mailto:grace@example.com"
        assert str(event["ORGANIZER"]) == "mailto:bookings@example.com"


def test_a_guest_with_an_odd_address_keeps_no_mail_from_the_host(ann: Bookable, smtp: MailServer) -> None:
    booked_and_moved(ann, '"a b"@example.com')
    assert given_up() == {'"a b"@example.com'}
    assert len(smtp.to("ann@example.com")) == 2


def test_nobody_but_sender_and_recipient_decides_what_the_server_must_take() -> None:
    """A server without SMTPUTF8 refuses headers beyond ASCII (RFC 6531)."""
    joerg = Person("Jörg", "jörg@example.com")
    plain = mail(reply_to=joerg, invitation=None)
    assert plain["Reply-To"] is None
    assert plain.as_bytes().isascii()
    assert "jörg@example.com" in str(mail(joerg, reply_to=joerg)["Reply-To"])
    assert mail(joerg, reply_to=Person("Ann", "ann@example.com"))["Reply-To"].addresses[0].username == "ann"


@given(st.text(max_size=30) | st.from_regex(r"[a.é@\"\\]{1,8}@[a.ß@\-\[_]{1,8}", fullmatch=True))
@example("a.@b")
@example("a@b@c")
@example("\udc80@b")
def test_whatever_stands_in_an_address_it_is_written_as_one_or_not_at_all(text: str) -> None:
    message = mail(reply_to=Person("Ann", text), invitation=None)
    assert message.as_bytes()
    if message["Reply-To"] is not None:
        (address,) = message["Reply-To"].addresses
        assert is_address(text)
        assert address.username == text.rpartition("@")[0]


@pytest.mark.parametrize("address", ODD)
def test_a_mail_to_an_odd_address_itself_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="not a mail"):
        mail(Person("Ann", address), invitation=None)
