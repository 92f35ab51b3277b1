"""What a host wants with connected calendars: which of them close time, where events go, and what is done in doubt.

All of it changes what guests are offered, or what a booking writes, so each change is one transaction under the host's
lock, which makes every remembered offer void.
"""

from __future__ import annotations

import collections.abc as c

import sqlalchemy as sa

from ..models import CalendarChanges, ConnectedCalendar, Host, StaleCalendars
from ..models.columns import utcnow
from ..scheduling.transaction import current, transact
from ..signals import wake_readers
from ..state import session
from . import store


def check_conflicts(calendar: ConnectedCalendar, wanted: bool) -> None:
    """Let a calendar close time, or not.  Commits."""

    def change(row: ConnectedCalendar) -> None:
        if wanted is not row.check_conflicts and not row.target:
            store.forget(session(), row)  # what nobody needs isn't kept, and isn't true any more when it is needed
        row.check_conflicts = wanted

    _change(calendar, change)


def tentative_blocks(calendar: ConnectedCalendar, wanted: bool) -> None:
    """Let events that aren't agreed on yet close time too, or not.  Commits."""

    def change(row: ConnectedCalendar) -> None:
        row.tentative_blocks = wanted

    _change(calendar, change)


def pause(calendar: ConnectedCalendar) -> None:
    """Leave a calendar alone: it isn't read, closes no time and gets no new events; what was read is forgotten.

    Commits.
    """

    def change(row: ConnectedCalendar) -> None:
        row.paused = True
        store.forget(session(), row)
        row.due_at, row.failures, row.problem = None, 0, ""

    _change(calendar, change)


def unpause(calendar: ConnectedCalendar) -> None:
    """Take a calendar up again.  Commits."""

    def change(row: ConnectedCalendar) -> None:
        row.paused, row.due_at = False, utcnow()

    _change(calendar, change)


def choose_target(host: Host, calendar: ConnectedCalendar | None, *, invites: bool = False) -> None:
    """Have events of new bookings made in ``calendar``, one of the host's that can be written to; in none with None.

    ``invites``: its service invites guests, and we mail no invitation.  Events that exist stay where they are.
    Commits.
    """
    db, host_id, wanted = session(), host.id, calendar.id if calendar is not None else None

    def work() -> list[int]:
        store.changed(db, host_id)
        due = []
        for row in db.scalars(current(sa.select(ConnectedCalendar).where(ConnectedCalendar.host_id == host_id))):
            chosen = row.id == wanted and row.writable
            if chosen and not row.target and not row.paused:
                row.due_at = utcnow()
                due.append(row.id)
            if row.target and not chosen and not row.check_conflicts:
                store.forget(db, row)
            row.target, row.invites = chosen, chosen and invites
        return due

    wake_readers(transact(db, work))


def decide(host: Host, stale_calendars: StaleCalendars, calendar_changes: CalendarChanges) -> None:
    """What is done while a calendar's state isn't known, and when an event of ours is changed there.  Commits."""
    db, host_id = session(), host.id

    def work() -> None:
        store.changed(db, host_id)
        row = db.get(Host, host_id, populate_existing=True)
        if row is not None:
            row.stale_calendars, row.calendar_changes = stale_calendars, calendar_changes

    transact(db, work)


def _change(calendar: ConnectedCalendar, change: c.Callable[[ConnectedCalendar], None]) -> None:
    db, calendar_id, host_id = session(), calendar.id, calendar.host_id

    def work() -> bool:
        store.changed(db, host_id)
        row = db.scalar(current(sa.select(ConnectedCalendar).where(ConnectedCalendar.id == calendar_id)))
        if row is None:
            return False
        change(row)
        return row.due_at is not None and row.due_at <= utcnow()

    if transact(db, work):
        wake_readers([calendar_id])
