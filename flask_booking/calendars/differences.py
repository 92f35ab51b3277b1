"""What a host decides about an event that isn't as its booking says: somebody changed it, or it couldn't be written."""

from __future__ import annotations

import datetime as dt
import typing as t

import sqlalchemy as sa

from ..errors import ChangeRefused
from ..models import Booking, BookingHost, CalendarEvent, Difference, EventState
from ..models.columns import utcnow
from ..scheduling import follow_calendar
from ..scheduling.calendar_events import calendar_message, new_key
from ..scheduling.outbox import write
from ..scheduling.transaction import current, lock_calendars, transact
from ..signals import ring
from ..state import Session, session

PUT_BACK = "put_back"
"""The kind of the message that has an event written again."""


def open_ones(host_id: int) -> sa.Select[t.Any]:
    """The host's events of meetings to come about which something is to be decided, or that were given up."""
    return (
        sa.select(CalendarEvent)
        .join(Booking, Booking.id == CalendarEvent.booking_id)
        .where(
            CalendarEvent.host_id == host_id,
            sa.or_(CalendarEvent.difference != Difference.NONE, CalendarEvent.state == EventState.FAILED),
            Booking.ends_at > utcnow(),
        )
    )


def follow(event: CalendarEvent) -> None:
    """Move the booking to where its event was moved; the guest is told.

    Raises as :func:`~flask_booking.scheduling.follow_calendar`, and :class:`~flask_booking.errors.ChangeRefused` when
    the event wasn't moved.  Commits.
    """
    if event.difference is not Difference.MOVED:
        raise ChangeRefused
    event_id, seen = event.id, (event.seen_starts, event.seen_ends)
    starts, ends = (dt.datetime.fromtimestamp(epoch, dt.UTC) for epoch in seen)
    follow_calendar(event.booking_id, starts, ends)
    db, row = session(), CalendarEvent
    db.execute(
        sa.update(row)
        .where(row.id == event_id, row.seen_starts == seen[0], row.seen_ends == seen[1])
        .values(difference=Difference.NONE, seen_starts=0, seen_ends=0)
    )
    db.commit()


def put_back(event: CalendarEvent) -> bool:
    """Have the event written anew, as the booking says.

    Returns False when there is nothing to write it into: its calendar was disconnected.  Commits.
    """
    db, event_id, booking_id = session(), event.id, event.booking_id

    def work() -> list[int]:
        _lock_hosts(db, booking_id)
        row = db.scalar(current(sa.select(CalendarEvent).where(CalendarEvent.id == event_id)))
        if row is None or row.calendar_id is None:
            return []
        # Without a fingerprint it counts as never written, however it looks over there.
        row.fingerprint, row.state, row.problem = "", EventState.WANTED, ""
        row.difference, row.seen_starts, row.seen_ends = Difference.NONE, 0, 0
        return write(db, [calendar_message(row.booking, row.host_id, f"{PUT_BACK}:{new_key()}", host=row.host)])

    ids = transact(db, work)
    if ids:
        ring(ids)
    return bool(ids)


def _lock_hosts(db: Session, booking_id: int) -> None:
    lock_calendars(db, db.scalars(sa.select(BookingHost.host_id).where(BookingHost.booking_id == booking_id)))
