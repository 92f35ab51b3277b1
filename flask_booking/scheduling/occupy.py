"""The rows that keep a time from being booked twice.  Callers hold the hosts' locks."""

from __future__ import annotations

import collections.abc as c
import typing as t

import sqlalchemy as sa

from ..availability import Calendar
from ..models import EventType, Hold, OccupiedTime
from ..state import Session
from .insert import insertion


def occupy(
    session: Session,
    event: EventType,
    host_ids: c.Iterable[int],
    starts: int,
    ends: int,
    *,
    booking_id: int | None = None,
    hold: Hold | None = None,
) -> None:
    """Take ``[starts, ends)`` (epoch seconds) of each host, with the event type's buffers around it."""
    times = times_of(session, event, host_ids, starts, ends, booking_id=booking_id, hold=hold)
    session.connection().execute(insertion(OccupiedTime), times)


def times_of(
    session: Session,
    event: EventType,
    host_ids: c.Iterable[int],
    starts: int,
    ends: int,
    *,
    booking_id: int | None = None,
    hold: Hold | None = None,
) -> list[dict[str, t.Any]]:
    """The rows that :func:`occupy` writes; those of a new booking are written with it instead."""
    return [
        {
            "host_id": host_id,
            "booking_id": booking_id,
            "hold_id": hold.id if hold else None,
            "event_type_id": event.id,
            "starts": starts,
            "ends": ends,
            "occupied_from": starts - event.buffer_before * 60,
            "occupied_until": ends + event.buffer_after * 60,
            "seat": _free_seat(session, host_id, starts) if event.seats > 1 else 0,
            "expires": hold.expires if hold else None,
        }
        for host_id in host_ids
    ]


def _free_seat(session: Session, host_id: int, starts: int) -> int:
    taken = set(
        session.scalars(
            sa.select(OccupiedTime.seat).where(OccupiedTime.host_id == host_id, OccupiedTime.starts == starts)
        )
    )
    return next(seat for seat in range(len(taken) + 1) if seat not in taken)


def others_occupy(session: Session, host_id: int, starts: int, ends: int, *, booking_id: int, now: int) -> bool:
    """Whether another booking or a hold takes a part of ``[starts, ends)`` (epoch seconds), buffers left aside."""
    row = OccupiedTime
    found = session.scalar(
        sa.select(row.id)
        .where(row.host_id == host_id, row.starts < ends, row.ends > starts)
        .where(sa.or_(row.booking_id.is_(None), row.booking_id != booking_id))
        .where(sa.or_(row.expires.is_(None), row.expires > now))
        .limit(1)
        .with_for_update()
    )
    return found is not None


def release_booking(session: Session, booking_id: int) -> None:
    """Give back the time of a booking."""
    session.execute(sa.delete(OccupiedTime).where(OccupiedTime.booking_id == booking_id))


def release_hold_rows(session: Session, hold_id: int) -> None:
    """Give back the time of a hold, and forget the hold."""
    session.execute(sa.delete(OccupiedTime).where(OccupiedTime.hold_id == hold_id))
    session.execute(sa.delete(Hold).where(Hold.id == hold_id))


def forget_expired_at(session: Session, host_id: int, starts: int, ends: int, now: int) -> None:
    """Delete what expired holds still have of ``[starts, ends)`` (epoch seconds), as :func:`forget_expired`."""
    row = OccupiedTime
    session.execute(
        sa.delete(row).where(
            row.host_id == host_id, row.starts < ends, row.ends > starts, row.hold_id.is_not(None), row.expires <= now
        )
    )


def forget_expired(session: Session, calendars: c.Iterable[Calendar], now: int) -> None:
    """Delete what expired holds still have in these calendars: it doesn't occupy, but the constraints would see it."""
    for calendar in calendars:
        expired = [row.hold_id for row in calendar.occupied if row.expires is not None and row.expires <= now]
        if expired:
            session.execute(
                sa.delete(OccupiedTime).where(
                    OccupiedTime.host_id == calendar.host_id, OccupiedTime.hold_id.in_(expired)
                )
            )
