"""Meeting links that come after the booking: written into it, and told to whoever was told without."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa

from ..models import Audience, Booking, BookingHost, BookingStatus, CalendarEvent, MessageState, OutboxMessage
from ..models.columns import utcnow
from ..signals import ring
from ..state import Session, crm, session
from .calendar_events import calendar_message
from .outbox import Message, mail_payload, message, write
from .transaction import current, lock_calendars, transact

LINKED = "linked"
"""The kind of the mail that brings a link after the confirmation."""
_WITHOUT = ("booked", "accepted", "rescheduled", "reassigned", LINKED)


def set_link(booking_id: int, url: str) -> bool:
    """Write the link of a meeting, also another one than before, and have everybody told.

    A confirmation that waits for it is sent now; who was told without it gets a mail, with a newer state of the meeting
    for calendars.  Returns whether anything changed.  One transaction.
    """
    db = session()

    def work() -> list[int] | None:
        hosts = sa.select(BookingHost.host_id).where(BookingHost.booking_id == booking_id)
        lock_calendars(db, list(db.scalars(hosts)))
        booking = db.scalar(current(sa.select(Booking).where(Booking.id == booking_id)))
        if booking is None or booking.location.get("url") == url or not url:
            return None
        booking.location = {**booking.location, "url": url}
        if booking.status is not BookingStatus.CONFIRMED or booking.ends_at <= utcnow():
            return []
        waiting, told = _mails(db, booking)
        for mail in waiting:
            mail.due_at = min(mail.due_at, utcnow())
        later: list[int] = []
        if told:
            booking.sequence += 1
            db.flush()
            later = write(db, [*_again(booking, told), *_to_calendars(db, booking)])
        return [mail.id for mail in waiting] + later

    ids = transact(db, work)
    if ids:
        ring(ids)
    return ids is not None


def _mails(db: Session, booking: Booking) -> tuple[list[OutboxMessage], list[OutboxMessage]]:
    """The mails that wait for the link, and the last one to each reader that went without it."""
    rows = db.scalars(
        sa.select(OutboxMessage)
        .where(
            OutboxMessage.booking_id == booking.id,
            OutboxMessage.topic == "mail",
            OutboxMessage.kind.in_(_WITHOUT),
            OutboxMessage.rule_id.is_(None),
        )
        .order_by(OutboxMessage.id)
        .execution_options(populate_existing=True)
    ).all()
    now = utcnow()
    waiting = [
        row
        for row in rows
        if row.state is MessageState.WAITING and (row.claimed_until is None or row.claimed_until <= now)
    ]
    readers = {row.recipient for row in waiting}
    told = {row.recipient: row for row in rows if row not in waiting and row.state is not MessageState.DROPPED}
    return waiting, [row for reader, row in told.items() if reader not in readers]


def _again(booking: Booking, told: list[OutboxMessage]) -> list[Message]:
    found: list[Message] = []
    for row in told:
        host = next((one for one in booking.hosts if one.id == row.payload.get("host_id")), None)
        audience = Audience(row.payload.get("audience", Audience.GUEST.value))
        if audience is Audience.HOST and host is None:
            continue
        kept = ("in_calendar", "base_url")
        more: dict[str, t.Any] = {key: row.payload[key] for key in kept if key in row.payload}
        found.append(
            message(
                topic="mail",
                kind=LINKED,
                dedupe_key=f"{booking.uid}:{LINKED}:{booking.sequence}:{host.id if host else 'guest'}",
                booking=booking,
                recipient=crm().email_of(host.user) if host else booking.guest_email,
                payload={**mail_payload(booking, audience, host), **more},
            )
        )
    return found


def _to_calendars(db: Session, booking: Booking) -> list[Message]:
    """The hosts' events show the link too, and the newer state."""
    host_ids = db.scalars(sa.select(CalendarEvent.host_id).where(CalendarEvent.booking_id == booking.id))
    return [calendar_message(booking, host_id, f"{LINKED}:{booking.sequence}") for host_id in sorted(host_ids)]
