"""Reminders and follow-ups: dated when due, in the host's own words, seen and tried before anybody gets them."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from flask_booking.jobs.wanted import unwanted
from flask_booking.messages.delivery import compose_message
from flask_booking.messages.rules import kind_of, preview, send_test
from flask_booking.messages.transport import MailPostponed
from flask_booking.messages.view import Kind
from flask_booking.models import Anchor, Audience, MessageRule, OutboxMessage
from flask_booking.scheduling import change
from flask_booking.state import session
from tests.fixtures.mail import MailServer
from tests.fixtures.people import Bookable
from tests.messages.delivering import HOST, book
from tests.messages.mail_client import calendar_part


def test_a_mail_client_stops_reminders_by_one_click(ann: Bookable) -> None:
    booking = book(ann)
    rows = session().scalars(sa.select(OutboxMessage).where(OutboxMessage.topic == "mail")).all()
    mails = {row.kind: mail.as_string() for row in rows if (mail := compose_message(row))}
    address = f"https://crm.example.com/app/book/manage/{booking.manage_token}/reminders"
    assert f"\r\nList-Unsubscribe: <{address}>\r\n" in mails["reminder"]
    assert "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in mails["reminder"]
    assert "List-Unsubscribe" not in mails["booked"]
    row = next(row for row in rows if row.kind == "reminder")
    row.due_at, row.attempts = row.due_at - dt.timedelta(days=9), 1
    session().commit()
    change.remind_guest(booking.id, False)
    assert unwanted(session(), row) == "the guest wants no reminders"


def test_a_reminder_is_dated_when_it_was_due_not_when_it_was_planned(ann: Bookable) -> None:
    booking = book(ann)
    row = session().scalars(sa.select(OutboxMessage).where(OutboxMessage.kind == "reminder")).one()
    mail = compose_message(row)
    assert mail is not None
    assert mail["Date"].datetime == booking.starts_at - dt.timedelta(hours=1)
    assert calendar_part(mail) is None


def test_a_reminder_of_a_deleted_rule_is_not_sent(ann: Bookable) -> None:
    book(ann)
    row = session().scalars(sa.select(OutboxMessage).where(OutboxMessage.kind == "reminder")).one()
    session().execute(sa.update(MessageRule).values(active=False))
    session().expire_all()
    assert compose_message(row) is None


def test_a_reminder_has_the_hosts_own_words(ann: Bookable) -> None:
    session().execute(sa.update(MessageRule).values(subject="Soon, {guest_first_name}", body="Bring {title} shoes."))
    session().commit()
    book(ann)
    mail = compose_message(session().scalars(sa.select(OutboxMessage).where(OutboxMessage.kind == "reminder")).one())
    assert mail is not None
    assert mail["Subject"] == "Soon, Grace"
    text = mail.get_body(("plain",))
    assert text is not None
    assert text.get_content().startswith("Bring Intro shoes.")


def test_a_rule_can_be_seen_and_tried_before_anybody_gets_it(ann: Bookable, smtp: MailServer) -> None:
    rule = MessageRule(
        host_id=ann.host.id,
        minutes=-1440,
        anchor=Anchor.START,
        audience=Audience.GUEST,
        subject="See you, {guest_first_name}",
        body="",
    )
    shown = preview(rule, ann.host)
    assert shown.subject == "See you, Sam"
    assert "Introduction" in shown.text
    send_test(rule, ann.host)
    (mail,) = smtp.to(HOST)
    assert mail["Subject"] == "Test: See you, Sam"
    smtp.refuse("451 later")
    with pytest.raises(MailPostponed):
        send_test(rule, ann.host)


def test_a_preview_has_the_looks_of_the_hosts_page(ann: Bookable) -> None:
    ann.event.page.accent = "#7a1fa2"
    ann.event.page.logo_url = "https://example.com/logo.png"
    session().commit()
    html = preview(
        MessageRule(host_id=ann.host.id, minutes=-60, audience=Audience.GUEST, anchor=Anchor.START), ann.host
    ).html
    assert "#7a1fa2" in html
    assert "https://example.com/logo.png" in html


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("minutes", "anchor", "kind"),
    [
        (-60, Anchor.START, Kind.REMINDER),
        (0, Anchor.START, Kind.REMINDER),
        (0, Anchor.END, Kind.FOLLOW_UP),
        (60, Anchor.END, Kind.FOLLOW_UP),
    ],
)
def test_what_comes_before_reminds_and_what_comes_after_follows_up(minutes: int, anchor: Anchor, kind: Kind) -> None:
    assert kind_of(MessageRule(minutes=minutes, anchor=anchor)) is kind
