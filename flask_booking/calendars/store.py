"""Writing what was read of a calendar into the mirror, in one transaction under the host's lock."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import datetime as dt
import hashlib

import sqlalchemy as sa

from ..models import BusyTime, ConnectedCalendar, Connection
from ..models.columns import utcnow
from ..models.stamps import restamp_mirror
from ..scheduling.transaction import current, lock_calendars, transact
from ..state import Session, session
from .own import Noticed, Own, own_among
from .provider import Changes, RemoteEvent, Resource, Show, Window

_CHUNK = 400
"""So many values go into one IN, or rows into one INSERT."""
Row = tuple[str, int, int, bool, str]
"""A busy time: key of its resource, start and end (epoch seconds), whether tentative, title."""


@dataclasses.dataclass(frozen=True)
class Reading:
    """One answer of a service about a calendar: what was asked, when (epoch seconds), and what came."""

    calendar_id: int
    host_id: int
    window: Window
    asked_at: int
    changes: Changes
    proving: bool = False
    """Whether the mirror should have known all of it already."""


def key_of(resource_id: str) -> str:
    """How the mirror finds a resource again."""
    return hashlib.sha256(resource_id.encode()).hexdigest()


def keep(reading: Reading) -> tuple[list[Noticed], dt.datetime | None]:
    """Write a reading; returns what it says of our own events there, and when all of the calendar was last read.

    When there is anything to notice, the calendar is due to be read as a whole until the caller has seen to it.

    Raises :class:`~flask_booking.errors.Contention`.  Nothing is written for a calendar that was disconnected or paused
    while it was read.
    """
    db = session()
    return transact(db, lambda: _keep(db, reading))


def _keep(db: Session, reading: Reading) -> tuple[list[Noticed], dt.datetime | None]:
    lock_calendars(db, [reading.host_id])
    query = sa.select(ConnectedCalendar).where(ConnectedCalendar.id == reading.calendar_id)
    calendar = db.scalar(current(query))
    if calendar is None or calendar.paused:
        return [], None
    if calendar.synced_at is not None and calendar.synced_at > _instant(reading.asked_at):
        return [], calendar.reconciled_at  # somebody asked later and was quicker: this is old news
    own = own_among(db, calendar, reading.changes)
    wanted = set(_rows(reading.changes.resources, own, reading.window))
    if reading.changes.complete:
        drift = _replace_all(db, calendar, wanted)
        calendar.drift = drift if reading.proving else calendar.drift
        calendar.window_start, calendar.window_end = reading.window.start, reading.window.end
        # Unless all of it was asked for again while the service was answering.
        if calendar.reconciled_at is not None or calendar.due_at is None or calendar.due_at > utcnow():
            calendar.reconciled_at = _instant(reading.asked_at)
    else:
        gone = {key_of(one.id) for one in reading.changes.resources} | {key_of(one) for one in reading.changes.removed}
        _delete(db, calendar, gone)
        _insert(db, calendar, wanted)
    calendar.cursor = reading.changes.cursor
    calendar.time_zone = reading.changes.time_zone[:64] or calendar.time_zone
    calendar.synced_at = _instant(reading.asked_at)
    calendar.failures, calendar.problem, calendar.missing = 0, "", False
    refused = (Connection.id == calendar.connection_id) & (Connection.failures > 0)
    db.execute(sa.update(Connection).where(refused).values(failures=0))
    restamp_mirror(db, reading.host_id)
    reconciled_at = calendar.reconciled_at
    if own.noticed:
        calendar.reconciled_at = None
    return own.noticed, reconciled_at


def _rows(resources: c.Iterable[Resource], own: Own, window: Window) -> c.Iterator[Row]:
    for resource in resources:
        key = key_of(resource.id)
        for event in resource.events:
            if _closes(event, window) and not own.has(event):
                yield key, event.starts, event.ends, event.show is Show.TENTATIVE, _title(event.title)


def _title(text: str) -> str:
    """One line, without what a database refuses: halves of a character that services cut apart, and NUL."""
    whole = text.encode(errors="ignore").decode().replace("\0", "")
    return " ".join(whole.split())[:200]


def _closes(event: RemoteEvent, window: Window) -> bool:
    inside = event.starts < window.end and event.ends > window.start and event.starts < event.ends
    return inside and event.show is not Show.FREE and not (event.cancelled or event.declined)


def _replace_all(db: Session, calendar: ConnectedCalendar, wanted: set[Row]) -> int:
    """Make the mirror of a calendar exactly ``wanted``; returns in how many rows it differed."""
    row = BusyTime
    known: dict[Row, int] = {}
    double: list[int] = []
    query = sa.select(row.id, row.resource_key, row.starts, row.ends, row.tentative, row.title)
    for key, *values in db.execute(query.where(row.calendar_id == calendar.id)):
        if tuple(values) in known:
            double.append(key)
        known.setdefault(tuple(values), key)  # type: ignore[arg-type]
    surplus = [known[one] for one in known.keys() - wanted] + double
    for first in range(0, len(surplus), _CHUNK):
        part = surplus[first : first + _CHUNK]
        db.execute(sa.delete(row).where(row.id.in_(part)), execution_options={"synchronize_session": False})
    missing = wanted - known.keys()
    _insert(db, calendar, missing)
    return len(surplus) + len(missing)


def _delete(db: Session, calendar: ConnectedCalendar, keys: c.Iterable[str]) -> None:
    row, rest = BusyTime, sorted(keys)
    for first in range(0, len(rest), _CHUNK):
        part = rest[first : first + _CHUNK]
        db.execute(
            sa.delete(row).where(row.calendar_id == calendar.id, row.resource_key.in_(part)),
            execution_options={"synchronize_session": False},
        )


def _insert(db: Session, calendar: ConnectedCalendar, rows: c.Iterable[Row]) -> None:
    values = [
        {
            "host_id": calendar.host_id,
            "calendar_id": calendar.id,
            "resource_key": key,
            "starts": starts,
            "ends": ends,
            "tentative": tentative,
            "title": title,
        }
        for key, starts, ends, tentative, title in sorted(rows)
    ]
    if values:
        db.execute(sa.insert(BusyTime.__table__), values)


def _instant(epoch: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(epoch, dt.UTC)


def changed(db: Session, host_id: int) -> None:
    """What every change of what a calendar counts for needs besides: the host's lock, and another stamp."""
    lock_calendars(db, [host_id])
    restamp_mirror(db, host_id)


def forget(db: Session, calendar: ConnectedCalendar) -> None:
    """Take what is known of a calendar out of the mirror; the caller holds the host's lock and commits."""
    db.execute(
        sa.delete(BusyTime).where(BusyTime.calendar_id == calendar.id), execution_options={"synchronize_session": False}
    )
    calendar.cursor, calendar.synced_at, calendar.reconciled_at = "", None, None
    calendar.window_start = calendar.window_end = calendar.drift = 0
    calendar.due_at = utcnow()
    restamp_mirror(db, calendar.host_id)
