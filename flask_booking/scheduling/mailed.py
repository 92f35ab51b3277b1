"""What was mailed about a meeting, or waits to be, and mails that say it anew."""

from __future__ import annotations

import collections.abc as c

import sqlalchemy as sa

from ..models import Audience, Booking, BookingHost, Host, MessageState, OutboxMessage
from ..models.columns import utcnow
from ..state import Session, crm, session
from .invited import CANCELLED, INVITING, Elsewhere
from .outbox import Message, mail_payload, message
from .transaction import current, lock_calendars

_AGAIN = "again:"


def locked(db: Session, booking_id: int) -> Booking | None:
    """The booking as it is now, its hosts' calendars locked."""
    hosts = sa.select(BookingHost.host_id).where(BookingHost.booking_id == booking_id)
    lock_calendars(db, list(db.scalars(hosts)))
    booking = db.scalar(current(sa.select(Booking).where(Booking.id == booking_id)))
    if booking is not None:
        db.expire(booking, ["hosts"])
    return booking


def mails(
    db: Session, booking: Booking, *, cancelled: bool = False
) -> tuple[list[OutboxMessage], dict[int | None, OutboxMessage]]:
    """The mails that are still to be sent, and the last one of each reader for whom none is: by the host's key, and by
    None the guest's.  An address tells no reader: it changes, and two may share one.

    With ``cancelled`` those that call the meeting off count too.
    """
    kinds = (*INVITING, CANCELLED) if cancelled else INVITING
    rows = db.scalars(
        sa.select(OutboxMessage)
        .where(
            OutboxMessage.booking_id == booking.id,
            OutboxMessage.topic == "mail",
            OutboxMessage.kind.in_(kinds),
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
    readers = {row.payload.get("host_id") for row in waiting}
    told = {
        row.payload.get("host_id"): row for row in rows if row not in waiting and row.state is not MessageState.DROPPED
    }
    return waiting, {reader: row for reader, row in told.items() if reader not in readers}


def host_of(booking: Booking, mail: OutboxMessage) -> Host | None:
    """The host who reads a mail; None for the guest."""
    host_id = mail.payload.get("host_id")
    return session().get(Host, host_id) if host_id is not None else None


def again(booking: Booking, kind: str, told: c.Iterable[OutboxMessage], now: Elsewhere) -> list[Message]:
    """A mail about the meeting as it is now to each reader of ``told``, as far as it still concerns them.

    A reader gets one of a kind for each state of the meeting.  That it is off is said again in the words of before.
    """
    found: list[Message] = []
    same = ("base_url", "actor", "reason") if kind == CANCELLED else ("base_url",)
    for row in told:
        audience = Audience(row.payload.get("audience", Audience.GUEST.value))
        host = next((one for one in booking.hosts if one.id == row.payload.get("host_id")), None)
        if audience is Audience.HOST and host is None:
            continue
        kept = {name: row.payload[name] for name in same if name in row.payload}
        reader = host.id if host else "guest"
        found.append(
            message(
                topic="mail",
                kind=kind,
                dedupe_key=f"{booking.uid}:{kind}:{booking.sequence}:{_AGAIN if kind == CANCELLED else ''}{reader}",
                booking=booking,
                recipient=crm().email_of(host.user) if host else booking.guest_email,
                payload={**mail_payload(booking, audience, host), **kept, **now.said(host)},
            )
        )
    return found
