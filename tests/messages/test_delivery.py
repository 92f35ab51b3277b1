"""The mails of a booking's whole life reach both sides, and leave their calendars right."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from flask_booking.errors import BookingConfigError
from flask_booking.jobs.outbox import deliver_due
from flask_booking.messages.delivery import compose_message, sending_mailbox
from flask_booking.messages.transport import MailRefused
from flask_booking.models import MessageState, OutboxMessage
from flask_booking.scheduling import change
from flask_booking.state import session
from tests.fixtures.mail import MailServer
from tests.fixtures.people import Bookable, make_host
from tests.messages.delivering import GUEST, HOST, book, clients, subjects
from tests.messages.mail_client import MailClient, calendar_part, read_calendar


def test_both_sides_learn_of_a_booking(ann: Bookable, smtp: MailServer) -> None:
    booking = book(ann)
    starts, ends = booking.starts_at, booking.ends_at
    deliver_due(ann.app)
    guest, host = clients(smtp, GUEST, HOST)
    assert subjects(guest) == ["Confirmed"]
    assert subjects(host) == ["New meeting"]
    for client, summary in ((guest, "Intro with Ann Meyer"), (host, "Intro: Grace Hopper")):
        (entry,) = client.calendar.values()
        assert (entry.starts, entry.ends, entry.summary, entry.sequence) == (starts, ends, summary, 0)


def test_replies_go_to_the_other_side(ann: Bookable, smtp: MailServer) -> None:
    book(ann)
    deliver_due(ann.app)
    guest, host = clients(smtp, GUEST, HOST)
    assert guest.inbox[0]["From"] == "Ann Meyer <bookings@example.com>"
    assert guest.inbox[0]["Reply-To"] == "Ann Meyer <ann@example.com>"
    assert host.inbox[0]["From"] == "Rowan CRM <bookings@example.com>"
    assert host.inbox[0]["Reply-To"] == "Grace Hopper <grace@example.com>"


def test_links_work_outside_of_a_request(ann: Bookable, smtp: MailServer) -> None:
    booking = book(ann)
    token, public_id, contact_id = booking.manage_token, booking.public_id, booking.contact_id
    deliver_due(ann.app)
    guest, host = (client.inbox[0].get_body(("plain",)) for client in clients(smtp, GUEST, HOST))
    assert guest is not None
    assert host is not None
    assert f"https://crm.example.com/app/book/manage/{token}/reschedule" in guest.get_content()
    assert f"https://crm.example.com/app/settings/booking/bookings/{public_id}" in host.get_content()
    assert f"https://crm.example.com/app/contacts/{contact_id}" in host.get_content()
    assert token not in host.get_content()


def test_a_developer_reads_mails_at_the_console_with_their_links_in_one_piece(
    ann: Bookable, smtp: MailServer, capsys: pytest.CaptureFixture[str]
) -> None:
    ann.app.config["BOOKING_MAIL_URL"] = "console:"
    booking = book(ann)
    token = booking.manage_token
    deliver_due(ann.app)
    printed = capsys.readouterr().out
    assert "To: Grace Hopper <grace@example.com>\nSubject: Confirmed: Intro with Ann Meyer" in printed
    assert "Subject: New meeting: Grace Hopper" in printed
    assert f"https://crm.example.com/app/book/manage/{token}/reschedule\n" in printed
    assert "Attachment: invite.ics\n" in printed
    assert smtp.delivered == []
    assert set(session().scalars(sa.select(OutboxMessage.state).where(OutboxMessage.done_at.is_not(None)))) == {
        MessageState.DONE
    }


def test_a_failing_contact_link_costs_the_link_alone(
    ann: Bookable, smtp: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from example_app.booking import RowanCRM

    def broken(self: RowanCRM, contact: Any) -> str:
        raise LookupError("no page")

    monkeypatch.setattr(RowanCRM, "contact_url", broken)
    book(ann)
    deliver_due(ann.app)
    assert len(smtp.to(HOST)) == 1


def test_a_moved_and_cancelled_meeting_leaves_no_trace_in_calendars(ann: Bookable, smtp: MailServer) -> None:
    booking_id = book(ann).id
    deliver_due(ann.app)
    change.reschedule(booking_id, ann.tomorrow(15), actor="guest", reason="A dentist.")
    deliver_due(ann.app)
    for client in clients(smtp, GUEST, HOST):
        assert [entry.starts for entry in client.calendar.values()] == [ann.tomorrow(15)]
    change.cancel(booking_id, actor="host", reason="I am ill.")
    deliver_due(ann.app)
    guest, host = clients(smtp, GUEST, HOST)
    assert guest.calendar == host.calendar == {}
    assert subjects(guest) == ["Confirmed", "New time", "Cancelled"]
    assert subjects(host) == ["New meeting", "New time", "Cancelled"]
    texts = [message.get_body(("plain",)).get_content() for message in guest.inbox]  # type: ignore[union-attr]
    assert "You moved your meeting" in texts[1]
    assert "Reason: A dentist." in texts[1]
    assert "Ann Meyer can't keep this meeting" in texts[2]


def test_messages_that_arrive_in_any_order_leave_the_calendar_right(ann: Bookable, smtp: MailServer) -> None:
    booking_id = book(ann).id
    deliver_due(ann.app)
    change.reschedule(booking_id, ann.tomorrow(15), actor="guest")
    deliver_due(ann.app)
    client = MailClient(GUEST)
    for delivered in reversed([one for one in smtp.delivered if GUEST in one.recipients]):
        client.receive(delivered.raw)
    assert [entry.starts for entry in client.calendar.values()] == [ann.tomorrow(15)]


def test_a_request_is_in_no_calendar_until_it_is_accepted(ann: Bookable, smtp: MailServer) -> None:
    ann.event.requires_approval = True
    session().commit()
    booking_id = book(ann).id
    deliver_due(ann.app)
    guest, host = clients(smtp, GUEST, HOST)
    assert guest.calendar == host.calendar == {}
    assert subjects(guest) == ["Request sent"]
    assert subjects(host) == ["Please answer"]
    change.reschedule(booking_id, ann.tomorrow(16), actor="guest")
    deliver_due(ann.app)
    guest, host = clients(smtp, GUEST, HOST)
    assert guest.calendar == host.calendar == {}
    assert subjects(host) == ["Please answer"] * 2
    change.accept(booking_id)
    deliver_due(ann.app)
    guest, host = clients(smtp, GUEST, HOST)
    assert [entry.starts for entry in guest.calendar.values()] == [ann.tomorrow(16)]
    assert [entry.starts for entry in host.calendar.values()] == [ann.tomorrow(16)]


def test_a_declined_request_was_never_in_a_calendar(ann: Bookable, smtp: MailServer) -> None:
    ann.event.requires_approval = True
    session().commit()
    booking_id = book(ann).id
    change.decline(booking_id, reason="Not this week.")
    deliver_due(ann.app)
    (guest,) = clients(smtp, GUEST)
    assert subjects(guest)[-1] == "Not possible"
    assert [calendar_part(message) for message in guest.inbox if "Not possible" in message["Subject"]] == [None]


def test_a_request_that_the_guest_withdraws_sends_no_cancellation_to_calendars(ann: Bookable, smtp: MailServer) -> None:
    ann.event.requires_approval = True
    session().commit()
    change.cancel(book(ann).id, actor="guest")
    deliver_due(ann.app)
    for client in clients(smtp, GUEST, HOST):
        assert subjects(client)[-1] == "Withdrawn"
        assert not [message for message in client.inbox if calendar_part(message) is not None]


PLACES = [
    {"kind": "link", "text": "Video call", "url": "https://meet.example.com/secret"},
    {"kind": "phone_host", "text": "+33 1 99 00 12 34", "url": ""},
    {"kind": "custom", "text": "Where we meet", "url": "https://meet.example.com/secret"},
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place["kind"])
def test_a_request_tells_its_guest_no_number_and_no_link_before_it_is_accepted(
    ann: Bookable, smtp: MailServer, place: dict[str, Any]
) -> None:
    ann.event.requires_approval = True
    session().commit()
    booking = book(ann)
    booking.location = place
    session().commit()
    secret = place["url"] or place["text"]

    def told_in() -> list[bool]:
        row = session().scalars(sa.select(OutboxMessage).where(OutboxMessage.recipient == GUEST)).all()[-1]
        mail = compose_message(row)
        assert mail is not None
        with ann.app.test_client() as client:
            page = client.get(f"/book/manage/{booking.manage_token}").text
            file = client.get(f"/book/manage/{booking.manage_token}/invite.ics").text.replace("\r\n ", "")
            told = client.get(f"/api/booking/v1/public/bookings/{booking.manage_token}").text
        parts = [part.get_content() for part in mail.walk() if part.get_content_type() in ("text/plain", "text/html")]
        return [secret in text for text in (*parts, page, file, told)]

    assert told_in() == [False] * 5
    change.accept(booking.id)
    assert told_in() == [True] * 5


def test_a_host_who_wants_no_more_mails_still_gets_what_the_calendar_needs(ann: Bookable, smtp: MailServer) -> None:
    booking_id = book(ann).id
    ann.host.notify_by_email = False
    session().commit()
    later = book(ann, email="later@example.com", start=ann.tomorrow(15)).id
    change.cancel(booking_id, actor="guest")
    change.cancel(later, actor="guest")
    deliver_due(ann.app)
    (host,) = clients(smtp, HOST)
    assert subjects(host) == ["New meeting", "Cancelled"]
    assert host.calendar == {}


def test_a_meeting_handed_over_moves_from_one_hosts_calendar_to_the_others(ann: Bookable, smtp: MailServer) -> None:
    _, ben = make_host("Ben Berg", "Europe/Berlin")
    booking_id = book(ann).id
    deliver_due(ann.app)
    change.reassign(booking_id, ben.id)
    deliver_due(ann.app)
    guest, before, after = clients(smtp, GUEST, HOST, "ben@example.com")
    assert before.calendar == {}
    assert subjects(before) == ["New meeting", "Cancelled"]
    assert subjects(after) == ["Handed to you"]
    assert len(after.calendar) == 1
    assert [entry.summary for entry in guest.calendar.values()] == ["Intro with Ben Berg"]


def test_a_request_handed_over_was_in_no_calendar(ann: Bookable, smtp: MailServer) -> None:
    ann.event.requires_approval = True
    _, ben = make_host("Ben Berg")
    booking_id = book(ann).id
    change.reassign(booking_id, ben.id)
    deliver_due(ann.app)
    for client in clients(smtp, GUEST, HOST, "ben@example.com"):
        assert client.inbox
        assert not [message for message in client.inbox if calendar_part(message) is not None]


def test_a_mail_tried_twice_is_the_same_to_the_byte(ann: Bookable) -> None:
    book(ann)
    rows = list(session().scalars(sa.select(OutboxMessage).where(OutboxMessage.topic == "mail")))
    for row in rows:
        row.created_at -= dt.timedelta(minutes=5)
        session().flush()
        first = compose_message(row)
        row.attempts, row.due_at = 7, row.due_at + dt.timedelta(hours=3)
        session().flush()
        session().expire_all()
        again = compose_message(row)
        assert first is not None
        assert again is not None
        assert first.as_bytes() == again.as_bytes()
        if row.kind == "booked":
            assert first["Date"].datetime == row.created_at.replace(microsecond=0)
    identifiers = {str(compose_message(row)["Message-ID"]) for row in rows}  # type: ignore[index]
    assert len(identifiers) == len(rows) == 3


def test_each_reader_reads_in_the_own_zone_and_language(ann: Bookable) -> None:
    ann.host.time_zone, ann.host.locale = "America/New_York", "en_US"
    session().commit()
    book(ann, time_zone="Asia/Kolkata", locale="de")
    rows = session().scalars(sa.select(OutboxMessage).where(OutboxMessage.kind == "booked"))
    texts = {}
    for row in rows:
        mail = compose_message(row)
        assert mail is not None
        body = mail.get_body(("plain",))
        assert body is not None
        texts[row.recipient] = body.get_content()
    assert "17:30 – 18:00 Uhr (Asia/Kolkata)" in texts[GUEST]
    assert "(America/New York)" in texts[HOST]
    assert "Kolkata (UTC+5:30)" in texts[HOST]


@pytest.mark.parametrize("email", ["jörg@example.com", "zoe+crm@müller.example"])
def test_a_guest_with_an_unusual_address_gets_the_mail(ann: Bookable, smtp: MailServer, email: str) -> None:
    book(ann, email=email)
    deliver_due(ann.app)
    assert len(smtp.delivered) == 2
    assert session().scalar(sa.select(sa.func.count()).where(OutboxMessage.state == MessageState.FAILED)) == 0


def test_an_impossible_address_is_given_up_at_once(ann: Bookable) -> None:
    book(ann, email='"a b"@example.com')
    row = session().scalars(sa.select(OutboxMessage).where(OutboxMessage.recipient == '"a b"@example.com')).first()
    assert row is not None
    with pytest.raises(MailRefused):
        compose_message(row)


def test_a_hostile_guest_leaves_both_calendars_readable(ann: Bookable, smtp: MailServer) -> None:
    book(ann, name='Eve "x"; \u202eROLE=CHAIR:mailto 😀' * 3)
    deliver_due(ann.app)
    for client in clients(smtp, GUEST, HOST):
        assert len(client.calendar) == 1
        part = calendar_part(client.inbox[0])
        assert part is not None
        _, event = read_calendar(part)
        assert [str(attendee) for attendee in event["ATTENDEE"]] == [f"mailto:{HOST}", f"mailto:{GUEST}"]


def test_without_a_mail_server_the_mail_waits_and_says_why(
    ann: Bookable, smtp: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from example_app.booking import RowanCRM

    monkeypatch.setattr(RowanCRM, "send_mail", lambda self, message: False)
    ann.app.config["BOOKING_MAIL_URL"] = None
    book(ann)
    deliver_due(ann.app)
    rows = session().scalars(sa.select(OutboxMessage).where(OutboxMessage.kind == "booked")).all()
    assert {row.state for row in rows} == {MessageState.WAITING}
    assert all("BOOKING_MAIL_URL" in row.last_error for row in rows)


def test_a_wrong_sender_is_a_configuration_error(ann: Bookable) -> None:
    ann.app.config["BOOKING_MAIL_FROM"] = "nobody"
    with pytest.raises(BookingConfigError, match="BOOKING_MAIL_FROM"):
        sending_mailbox()
