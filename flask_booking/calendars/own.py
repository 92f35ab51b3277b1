"""Telling our own events in a calendar from everybody else's.

An event that we wrote is no busy time: the booking occupies already.  Only where its host has moved it to, the host is
busy too, until somebody decides about that.  An event of ours carries our mark, which counts only when
the booking is one of this host's: the same mark may come from another installation.  A copy of an invitation that we
mailed is ours too, recognised by its UID.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import datetime as dt
import typing as t

import sqlalchemy as sa

from ..models import Booking, BookingHost, CalendarEvent, ConnectedCalendar, Difference, EventState
from ..state import Session
from .provider import Changes, RemoteEvent

_UID_END = "@flask-booking"
_CHUNK = 400


@dataclasses.dataclass(frozen=True)
class Noticed:
    """One of our events (the key of its row) as a reading shows it; ``seen`` is None when it wasn't there any more."""

    event_id: int
    seen: RemoteEvent | None


@dataclasses.dataclass(frozen=True)
class Own:
    """Which events of a reading are ours, and what is to be noticed about them."""

    marks: c.Mapping[str, c.Container[tuple[int, int]]]
    """Our marks, and the times (epoch seconds) that the calendar got from us last, or is getting now."""
    uids: frozenset[str]
    noticed: list[Noticed]

    def has(self, event: RemoteEvent) -> bool:
        """Whether ``event`` is ours, and where we put it."""
        if event.booking in self.marks:
            return (event.starts, event.ends) in self.marks[event.booking]
        return event.uid in self.uids


def own_among(db: Session, calendar: ConnectedCalendar, changes: Changes) -> Own:
    """Find our own among ``changes`` of ``calendar``, and those of ours that are gone from it."""
    events = [event for resource in changes.resources for event in resource.events]
    marked = {event.booking: event for event in events if event.booking}
    rows = _rows_by_mark(db, calendar, marked)
    uids = {event.uid for event in events if event.uid.endswith(_UID_END)}
    here = {mark: row for mark, row in rows.items() if row.calendar_id == calendar.id}
    noticed = [Noticed(row.id, marked[mark]) for mark, row in here.items() if _differs(row, marked[mark])]
    seen = {row.id for row in here.values()}
    noticed += [Noticed(row_id, None) for row_id in _gone(db, calendar, changes) if row_id not in seen]
    put = {mark: {(row.starts, row.ends), _times(row.starts_at, row.ends_at)} for mark, row in rows.items()}
    return Own(put, frozenset(_own_uids(db, calendar.host_id, uids)), noticed)


def _rows_by_mark(db: Session, calendar: ConnectedCalendar, marks: c.Collection[str]) -> dict[str, t.Any]:
    found: dict[str, t.Any] = {}
    row = CalendarEvent
    for part in _parts(marks):
        query = (
            sa.select(
                Booking.public_id,
                Booking.starts_at,
                Booking.ends_at,
                row.id,
                row.calendar_id,
                row.starts,
                row.ends,
                row.difference,
            )
            .join(CalendarEvent, CalendarEvent.booking_id == Booking.id)
            .where(Booking.public_id.in_(part), CalendarEvent.host_id == calendar.host_id)
        )
        found.update((one.public_id, one) for one in db.execute(query))
    return found


def _differs(row: t.Any, event: RemoteEvent) -> bool:
    """Whether an event isn't as we wrote it, or wasn't when it was last looked at."""
    moved = (event.starts, event.ends) != (row.starts, row.ends)
    return moved or event.declined or event.cancelled or row.difference is not Difference.NONE


def _times(starts: dt.datetime, ends: dt.datetime) -> tuple[int, int]:
    return int(starts.timestamp()), int(ends.timestamp())


def _own_uids(db: Session, host_id: int, uids: c.Collection[str]) -> c.Iterator[str]:
    for part in _parts(uids):
        query = sa.select(Booking.uid).join(BookingHost, BookingHost.booking_id == Booking.id)
        yield from db.scalars(query.where(Booking.uid.in_(part), BookingHost.host_id == host_id))


def _gone(db: Session, calendar: ConnectedCalendar, changes: Changes) -> c.Iterator[int]:
    """Our events that a reading says are removed, or that a complete one should have had."""
    ours = sa.select(CalendarEvent.id).where(
        CalendarEvent.calendar_id == calendar.id, CalendarEvent.state == EventState.WRITTEN
    )
    for part in _parts(changes.removed):
        yield from db.scalars(ours.where(CalendarEvent.remote_id.in_(part)))
    if not changes.complete:
        # An event that was cancelled, or moved out of the window, may come without our mark.
        bare = [one.id for one in changes.resources if not any(event.booking for event in one.events)]
        for part in _parts(bare):
            yield from db.scalars(ours.where(CalendarEvent.remote_id.in_(part)))
    else:
        marks = {event.booking for resource in changes.resources for event in resource.events}
        query = (
            sa.select(CalendarEvent.id, Booking.public_id)
            .join(Booking, Booking.id == CalendarEvent.booking_id)
            .where(
                CalendarEvent.calendar_id == calendar.id,
                CalendarEvent.state == EventState.WRITTEN,
                CalendarEvent.ends > calendar.window_start,
                CalendarEvent.starts < calendar.window_end,
            )
        )
        yield from (row_id for row_id, mark in db.execute(query) if mark not in marks)


def _parts(values: c.Collection[str]) -> c.Iterator[list[str]]:
    rest = sorted(values)
    for first in range(0, len(rest), _CHUNK):
        yield rest[first : first + _CHUNK]
