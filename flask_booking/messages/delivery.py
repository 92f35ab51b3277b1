"""Delivering one mail of the outbox.

What is sent depends on the row and the booking alone: Message-ID, Date and DTSTAMP come from the row, so that a
delivery tried twice, because the first try died after the server had said yes, can be recognised by everybody behind.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import replace
from email.message import EmailMessage
from email.utils import parseaddr

import click
from flask import current_app

from ..errors import BookingConfigError
from ..models import Audience, BookingStatus, Host, MessageRule, OutboxMessage
from ..models.booking import AGREEING
from ..models.rule import Anchor
from ..state import crm, session
from . import account
from .email import compose
from .gather import invite, view_of
from .invitation import Method, Person, checked_address
from .render import render
from .transport import CONSOLE, MailPostponed, MailRefused, Transport, readable
from .view import Kind, MeetingView, Reader

_METHODS = {
    Kind.BOOKED: Method.REQUEST,
    Kind.ACCEPTED: Method.REQUEST,
    Kind.RESCHEDULED: Method.REQUEST,
    Kind.REASSIGNED: Method.REQUEST,
    Kind.LINKED: Method.REQUEST,
    Kind.INVITED: Method.REQUEST,
    Kind.CANCELLED: Method.CANCEL,
}
_BY_RULE = frozenset({Kind.REMINDER, Kind.FOLLOW_UP})


def send(mail: EmailMessage) -> None:
    """Hand a mail to the CRM's mailer, or else to ``BOOKING_MAIL_URL``.

    Raises :class:`MailRefused` when trying again is useless, :class:`MailPostponed`, or whatever the CRM's own mailer
    raises, when it isn't.
    """
    if crm().send_mail(mail):
        return
    url = current_app.config["BOOKING_MAIL_URL"]
    if not url:
        raise MailPostponed("there is no mail server: set BOOKING_MAIL_URL, or override CRM.send_mail")
    if url == CONSOLE:
        click.echo(readable(mail))
        return
    Transport.from_url(url).send(mail)


def compose_message(message: OutboxMessage) -> EmailMessage | None:
    """The mail of an outbox row with topic ``mail``; None when its rule was deleted or its reader has no address.

    Needs an application context, no request.  Raises :class:`MailRefused` when it can't be written.
    """
    booking, said = message.booking, message.payload
    if message.kind == account.KIND:
        return _about_account(message)
    if booking is None:
        return None
    reader = Reader(said.get("audience", Audience.GUEST.value))
    host = session().get(Host, said["host_id"]) if said.get("host_id") else None
    if reader is Reader.HOST and host is None:
        return None
    kind = Kind(message.kind)
    rule = session().get(MessageRule, said["rule_id"]) if kind in _BY_RULE and said.get("rule_id") else None
    if kind in _BY_RULE and (rule is None or not rule.active):
        return None
    if kind is Kind.RESCHEDULED and said.get("status") == BookingStatus.PENDING:
        kind = Kind.REQUESTED  # another time for the same question
    view = view_of(booking, reader, host=host, said=said)
    date = _due(view, rule) if rule else message.created_at
    method = _METHODS.get(kind) if _invited(message) else None
    view = replace(view, attached=method is not None, message=_own_words(message, kind, reader))
    recipient = Person(view.guest_name, view.guest_email)
    if host is not None:
        recipient = Person(crm().display_name(host.user), crm().email_of(host.user))
    if not recipient.email:
        return None
    return compose_view(
        kind,
        reader,
        view,
        recipient=recipient,
        key=message.dedupe_key,
        date=date,
        method=method,
        subject_template=rule.subject if rule else "",
        body_template=rule.body if rule else "",
    )


def _about_account(message: OutboxMessage) -> EmailMessage | None:
    """The mail to a host about a connected account."""
    host = session().get(Host, message.payload.get("host_id") or 0)
    recipient = Person(crm().display_name(host.user), crm().email_of(host.user)) if host is not None else None
    if host is None or recipient is None or not recipient.email:
        return None
    name, mailbox = sending_mailbox()
    rendered = account.render_account(host, message.payload)
    try:
        return compose(
            sender=Person(name, mailbox),
            reply_to=None,
            recipient=recipient,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            invitation=None,
            message_id=_message_id(message.dedupe_key, mailbox),
            date=message.created_at,
        )
    except ValueError as error:
        raise MailRefused(f"the mail can't be written: {error}") from None


def _message_id(key: str, mailbox: str) -> str:
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{mailbox.rpartition('@')[2]}>"


def compose_view(
    kind: Kind,
    reader: Reader,
    view: MeetingView,
    *,
    recipient: Person,
    key: str,
    date: dt.datetime,
    method: Method | None = None,
    subject_template: str = "",
    body_template: str = "",
) -> EmailMessage:
    """The mail about ``view``; ``key`` makes its Message-ID.  Raises :class:`MailRefused` for an impossible address."""
    name, mailbox = sending_mailbox()
    rendered = render(
        kind, reader, view, subject_template=subject_template or None, body_template=body_template or None
    )
    host = Person(view.host_names[0], view.host_emails[0]) if view.host_emails and view.host_emails[0] else None
    guest = Person(view.guest_name, view.guest_email)
    try:
        return compose(
            # Guests know their host, not the system that mails for him.
            sender=Person(view.host_name if reader is Reader.GUEST else name, mailbox),
            reply_to=host if reader is Reader.GUEST else guest,
            recipient=recipient,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            invitation=invite(view, reader, method, mailbox, date) if method else None,
            message_id=_message_id(key, mailbox),
            date=date,
            extra_headers=_unsubscribing(view) if kind in _BY_RULE and reader is Reader.GUEST else None,
        )
    except ValueError as error:
        raise MailRefused(f"the mail can't be written: {error}") from None


def _unsubscribing(view: MeetingView) -> dict[str, str]:
    """What lets a mail client stop this meeting's reminders by one click (RFC 8058), which needs HTTPS."""
    if not view.reminders_url.startswith("https://"):
        return {}
    return {"List-Unsubscribe": f"<{view.reminders_url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def sending_mailbox() -> tuple[str, str]:
    """Name and address of ``BOOKING_MAIL_FROM``.  Raises :class:`~flask_booking.errors.BookingConfigError`."""
    name, address = parseaddr(current_app.config["BOOKING_MAIL_FROM"])
    try:
        return name, checked_address(address)
    except ValueError:
        raise BookingConfigError("BOOKING_MAIL_FROM must look like Bookings <bookings@example.com>") from None


def _due(view: MeetingView, rule: MessageRule) -> dt.datetime:
    # Not the row's due_at: that moves with each retry, and the Date of a mail must not.
    anchor = view.starts if rule.anchor is Anchor.START else view.ends
    return anchor + dt.timedelta(minutes=rule.minutes)


def _invited(message: OutboxMessage) -> bool:
    """Whether calendars know of the meeting by the time of this message: a mere request was never in them."""
    booking, history_id = message.booking, message.payload.get("history_id")
    if booking is None or message.payload.get("status") == BookingStatus.PENDING:
        return False
    if message.payload.get("in_calendar"):  # the calendar's service tells the reader's calendar
        return False
    if history_id is None:
        return True
    return any(entry.id <= history_id and entry.kind in AGREEING for entry in booking.history)


def _own_words(message: OutboxMessage, kind: Kind, reader: Reader) -> str:
    """What the host wants said at the end of a confirmation or cancellation."""
    if message.booking is None or reader is not Reader.GUEST:
        return ""
    event = message.booking.event_type
    if kind in (Kind.BOOKED, Kind.ACCEPTED):
        return event.confirmation_message
    return event.cancellation_message if kind is Kind.CANCELLED and message.booking.agreed else ""
