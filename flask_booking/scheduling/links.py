"""Meeting links that come after the booking: written into it, and told to whoever was told without."""

from __future__ import annotations

import collections.abc as c
import secrets

import sqlalchemy as sa

from ..models import (
    Audience,
    Booking,
    BookingHost,
    BookingStatus,
    CalendarEvent,
    EventState,
    Host,
    MessageState,
    OutboxMessage,
)
from ..models.columns import utcnow
from ..signals import ring
from ..state import Session, crm, session
from .calendar_events import Elsewhere, ask_again, calendar_message, elsewhere, events_of, give_up_making
from .outbox import Message, mail_payload, message, write
from .places import link_missing
from .transaction import current, lock_calendars, transact

LINKED = "linked"
"""The kind of the mail that brings a link after the confirmation."""
INVITED = "invited"
"""The kind of the mail that brings the invitation where a calendar's service should have, and didn't."""
_TELLING = ("booked", "accepted", "rescheduled", "reassigned", LINKED, INVITED)


def set_link(booking_id: int, url: str, *, password: str = "", by: int | None = None, instead: bool = False) -> bool:
    """Write the link of a meeting, also another one than before, and have everybody told.

    A confirmation that waits for it is sent now; who was told without it gets a mail, with a newer state of the meeting
    for calendars.  ``password`` is what guests need besides.  ``by`` is the host whose account made it: nothing is
    written when that one holds the meeting no more.  ``instead`` says that no other is to be made.  Returns whether
    anything changed.  One transaction.
    """
    db = session()

    def work() -> list[int] | None:
        booking = _locked(db, booking_id)
        had = (booking.location.get("url"), booking.location.get("password", "")) if booking is not None else None
        if booking is None or had == (url, password) or not url:
            return None
        if by is not None and all(host.id != by for host in booking.hosts):
            return None
        place = {key: value for key, value in booking.location.items() if key != "password"}
        booking.location = {**place, "url": url, **({"password": password} if password else {})}
        later: list[Message] = give_up_making(db, booking) if instead else []
        if booking.status is not BookingStatus.CONFIRMED or booking.ends_at <= utcnow():
            return write(db, later)
        waiting, told = _mails(db, booking)
        for mail in waiting:
            mail.due_at = min(mail.due_at, utcnow())
        events = events_of(db, booking)
        if told:
            booking.sequence += 1
            later += _again(booking, LINKED, told.values(), elsewhere(booking, events))
        why = f"{LINKED}:{booking.sequence}:{secrets.token_hex(4)}"
        for event in events:
            if told or not event.conference:  # else it came with the event, and is in there
                later.append(calendar_message(booking, event.host_id, why, host=event.host))
        db.flush()
        return [mail.id for mail in waiting] + write(db, later)

    ids = transact(db, work)
    if ids:
        ring(ids)
    return ids is not None


def try_again(booking_id: int) -> bool:
    """Have the link of a coming meeting made that couldn't be made before; False when there is nothing to be made."""
    db = session()

    def work() -> list[int]:
        booking = _locked(db, booking_id)
        if booking is None or booking.status is not BookingStatus.CONFIRMED or booking.ends_at <= utcnow():
            return []
        return write(db, ask_again(db, booking)) if link_missing(booking.location) else []

    ids = transact(db, work)
    if ids:
        ring(ids)
    return bool(ids)


def give_up_event(event_id: int, problem: str) -> None:
    """Note that a calendar will never have an event, and mail the invitation to whom its service should have told.

    ``problem`` is the code of a :class:`~flask_booking.connections.problems.ProviderProblem`.  What waits to be mailed
    carries the invitation then; who was mailed without gets it by itself: the same meeting in the same state, so that a
    calendar which has it all the same has it once.  One transaction.
    """
    db = session()

    def work() -> list[int]:
        booking_id = db.scalar(sa.select(CalendarEvent.booking_id).where(CalendarEvent.id == event_id))
        booking = _locked(db, booking_id) if booking_id is not None else None
        if booking is None:
            return []
        events = events_of(db, booking)
        event = next(one for one in events if one.id == event_id)
        event.state, event.problem = EventState.FAILED, problem
        left = elsewhere(booking, events)
        waiting, told = _mails(db, booking, cancelled=True)
        ids = []
        for mail in waiting:
            said = left.said(_host_of(booking, mail))
            kept = {key: value for key, value in mail.payload.items() if key not in ("in_calendar", "uid")}
            if mail.payload.get("in_calendar") and "in_calendar" not in said:
                mail.payload = {**kept, **said}
            if event.conference and mail.due_at > utcnow():
                mail.due_at = utcnow()  # it waited for the event's link
                ids.append(mail.id)
        if booking.status is not BookingStatus.CONFIRMED or booking.ends_at <= utcnow():
            return ids
        without = [
            mail
            for mail in told.values()
            if mail.payload.get("in_calendar") and "in_calendar" not in left.said(_host_of(booking, mail))
        ]
        db.flush()
        return ids + write(db, _again(booking, INVITED, without, left))

    ids = transact(db, work)
    if ids:
        ring(ids)


def _locked(db: Session, booking_id: int) -> Booking | None:
    """The booking as it is now, its hosts' calendars locked."""
    hosts = sa.select(BookingHost.host_id).where(BookingHost.booking_id == booking_id)
    lock_calendars(db, list(db.scalars(hosts)))
    booking = db.scalar(current(sa.select(Booking).where(Booking.id == booking_id)))
    if booking is not None:
        db.expire(booking, ["hosts"])
    return booking


def _mails(
    db: Session, booking: Booking, *, cancelled: bool = False
) -> tuple[list[OutboxMessage], dict[str, OutboxMessage]]:
    """The mails that are still to be sent, and the last one of each reader for whom none is.

    With ``cancelled`` those that call the meeting off count too.
    """
    kinds = (*_TELLING, "cancelled") if cancelled else _TELLING
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
    readers = {row.recipient for row in waiting}
    told = {row.recipient: row for row in rows if row not in waiting and row.state is not MessageState.DROPPED}
    return waiting, {reader: row for reader, row in told.items() if reader not in readers}


def _host_of(booking: Booking, mail: OutboxMessage) -> Host | None:
    """The host who reads a mail; None for the guest."""
    host_id = mail.payload.get("host_id")
    return session().get(Host, host_id) if host_id is not None else None


def _again(booking: Booking, kind: str, told: c.Iterable[OutboxMessage], now: Elsewhere) -> list[Message]:
    """A mail about the meeting as it is now to each reader of ``told``, as far as it still concerns them."""
    found: list[Message] = []
    for row in told:
        audience = Audience(row.payload.get("audience", Audience.GUEST.value))
        host = next((one for one in booking.hosts if one.id == row.payload.get("host_id")), None)
        if audience is Audience.HOST and host is None:
            continue
        base = {"base_url": row.payload["base_url"]} if "base_url" in row.payload else {}
        found.append(
            message(
                topic="mail",
                kind=kind,
                dedupe_key=f"{booking.uid}:{kind}:{booking.sequence}:{host.id if host else 'guest'}",
                booking=booking,
                recipient=crm().email_of(host.user) if host else booking.guest_email,
                payload={**mail_payload(booking, audience, host), **base, **now.said(host)},
            )
        )
    return found
