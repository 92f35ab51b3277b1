"""Whether a message is still wanted when its turn comes, and whose turn it is."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from ..calendars.care import BROKEN
from ..models import (
    Audience,
    Booking,
    BookingStatus,
    Connection,
    ConnectionState,
    MessageRule,
    MessageState,
    OutboxMessage,
)
from ..models.columns import utcnow
from ..scheduling.reminders import due_at
from ..state import Session

TIMED = ("reminder", "follow_up")


def unwanted(db: Session, message: OutboxMessage) -> str:
    """Why ``message`` must not be sent any more; an empty text when it must."""
    if message.kind == BROKEN:
        return _mended(db, message)
    if message.booking_id is None:
        return ""
    booking = message.booking
    if booking is None:
        return "the booking is gone"
    if message.kind in TIMED:
        if booking.no_reminders and message.payload.get("audience") == Audience.GUEST:
            return "the guest wants no reminders"
        met = message.kind == "follow_up" and booking.status is BookingStatus.COMPLETED
        if not met and booking.status is not BookingStatus.CONFIRMED:
            return f"the meeting is {booking.status}"
        if _moved(message, booking):
            return "the meeting was moved"
        if message.payload.get("host_id") not in (None, *(host.id for host in booking.hosts)):
            return "another host holds the meeting"
        if message.kind == "reminder":
            return _late(db, message, booking)
    elif message.topic == "mail" and _overtaken(db, message):
        return "a later message was sent already"
    return ""


def _moved(message: OutboxMessage, booking: Booking) -> bool:
    """Whether the meeting is at another time than ``message`` says.

    Its sequence doesn't tell: that rises with a link that comes late, or another host, too.
    """
    said = (dt.datetime.fromisoformat(message.payload[name]) for name in ("starts", "ends"))
    return tuple(said) != (booking.starts_at, booking.ends_at)


def _late(db: Session, message: OutboxMessage, booking: Booking) -> str:
    """Whether a reminder comes too late: one that was due before the meeting as soon as that has begun, one that is
    due at its start or before its end when it is over."""
    rule, now = db.get(MessageRule, message.rule_id or 0), utcnow()
    if rule is not None and due_at(rule, booking) < booking.starts_at <= now:
        return "the meeting has begun"
    return "the meeting is over" if booking.ends_at <= now else ""


def _mended(db: Session, message: OutboxMessage) -> str:
    """Whether the account of which a mail says that it stopped working works again, or is gone."""
    state = db.scalar(sa.select(Connection.state).where(Connection.public_id == message.payload.get("connection")))
    if state is None:
        return "the account was disconnected"
    return "" if state is ConnectionState.BROKEN else "the account works again"


def _overtaken(db: Session, message: OutboxMessage) -> bool:
    """Whether the reader knows of a later state of the meeting.

    A calendar that saw the cancellation of a meeting it didn't know would take the invitation for a new one.
    """
    later = db.scalars(
        sa.select(OutboxMessage.payload).where(
            *_same_reader(message), OutboxMessage.state == MessageState.DONE, OutboxMessage.kind.not_in(TIMED)
        )
    )
    mine = message.payload
    return any(
        said.get("audience") == mine.get("audience") and said.get("sequence", 0) > mine.get("sequence", 0)
        for said in later
    )


def held_up(db: Session, message_id: int, now: dt.datetime) -> bool:
    """Whether an elder message about the same booking for the same reader is due and must be delivered first.

    One that failed waits for its next try and holds up nobody.
    """
    message = db.get(OutboxMessage, message_id, populate_existing=True)
    if message is None or message.booking_id is None:
        return False
    elder = sa.select(OutboxMessage.id).where(*_same_reader(message), *_due(now), OutboxMessage.id < message_id)
    return db.scalar(elder.limit(1)) is not None


def next_in_line(db: Session, message_id: int, now: dt.datetime) -> int | None:
    """The eldest message that had to wait for the one just delivered."""
    message = db.get(OutboxMessage, message_id, populate_existing=True)
    if message is None or message.booking_id is None:
        return None
    younger = sa.select(OutboxMessage.id).where(*_same_reader(message), *_due(now), OutboxMessage.id > message_id)
    return db.scalar(younger.order_by(OutboxMessage.id).limit(1))


def _same_reader(message: OutboxMessage) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        OutboxMessage.booking_id == message.booking_id,
        OutboxMessage.topic == message.topic,
        OutboxMessage.recipient == message.recipient,
    )


def _due(now: dt.datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return OutboxMessage.state == MessageState.WAITING, OutboxMessage.due_at <= now
