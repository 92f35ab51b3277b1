"""Reading calendars: when, by whom, and what becomes of what they say.

A calendar's row is its own queue: ``due_at`` says when to read it next.  Notifications only bring that forward, so ten
of them make one reading.  A reading asks the service outside of any transaction, and keeps the answer in one.
"""

from __future__ import annotations

import collections.abc as c
import datetime as dt
import logging
import random
import time
import typing as t

import sqlalchemy as sa
from flask import current_app

from ..connections.access import Access
from ..connections.lease import READING_SECONDS, Engaged, lease
from ..connections.problems import CursorExpired, Gone, ProviderProblem
from ..errors import Contention
from ..models import ConnectedCalendar, Connection, ConnectionState
from ..models.columns import utcnow
from ..state import session
from . import care, inbound, store, watches
from .provider import CalendarProvider, Changes, RemoteCalendar, Window
from .reach import reach, remote

_log = logging.getLogger(__name__)

DAY = 86_400
_BACKOFF = (60, 120, 300, 600, 1800, 3600)
"""Seconds until the next try, after the first, second, … failure in a row."""


def due(limit: int = 100) -> list[int]:
    """The calendars that are to be read now, what was due first coming first."""
    query = (
        sa.select(ConnectedCalendar.id)
        .join(Connection, Connection.id == ConnectedCalendar.connection_id)
        .where(
            ConnectedCalendar.due_at <= utcnow(),
            sa.or_(ConnectedCalendar.check_conflicts, ConnectedCalendar.target),
            ~ConnectedCalendar.paused,
            Connection.state == ConnectionState.ACTIVE,
            sa.or_(Connection.reading_until.is_(None), Connection.reading_until <= utcnow()),
        )
    )
    return list(session().scalars(query.order_by(ConnectedCalendar.due_at).limit(limit)))


def request(calendar_ids: c.Collection[int], *, whole: bool = False) -> None:
    """Have these calendars read as soon as a worker is free; all of them, and not only what changed, if ``whole``.

    Commits.
    """
    db, now = session(), utcnow()
    row = ConnectedCalendar
    later = sa.or_(row.due_at.is_(None), row.due_at > now)
    values: dict[str, t.Any] = {"due_at": now}
    if whole:
        later, values = sa.or_(later, row.reconciled_at.is_not(None)), {"due_at": now, "reconciled_at": None}
    db.execute(
        sa.update(row).where(row.id.in_(calendar_ids), later).values(values),
        execution_options={"synchronize_session": False},
    )
    db.commit()


def sync(calendar_id: int, *, full: bool = False) -> bool:
    """Read one calendar: what changed in it, or all of it when that is due or ``full``.

    Returns whether it was read.  A service's failure is recorded with the calendar and tried again later; only the
    database's errors are raised.  Begins and ends transactions of the session.
    """
    db = session()
    db.rollback()
    calendar = db.get(ConnectedCalendar, calendar_id, populate_existing=True)
    if calendar is None or calendar.paused or calendar.connection.state is not ConnectionState.ACTIVE:
        return False
    connection_id = calendar.connection_id
    db.rollback()
    try:
        with lease(connection_id, "reading", READING_SECONDS):
            _next(calendar_id, _interval(calendar_id))  # before the service is asked: what comes meanwhile isn't lost
            return _read(calendar_id, full)
    except Engaged:
        return False


def ask_now(host_ids: c.Sequence[int]) -> bool:
    """Read the calendars of these hosts that weren't read lately, while somebody waits; whether all could be read."""
    db, edge = session(), utcnow() - dt.timedelta(minutes=current_app.config["BOOKING_CALENDAR_STALE_MINUTES"])
    stale = sa.or_(ConnectedCalendar.synced_at.is_(None), ConnectedCalendar.synced_at <= edge)
    query = sa.select(ConnectedCalendar.id).where(
        ConnectedCalendar.host_id.in_(host_ids), ConnectedCalendar.check_conflicts, ~ConnectedCalendar.paused,
        ~ConnectedCalendar.missing, stale,
    )  # fmt: skip
    ids = list(db.scalars(query))
    db.rollback()
    return sum(sync(calendar_id) for calendar_id in ids) == len(ids)


def _read(calendar_id: int, full: bool) -> bool:
    db, began = session(), utcnow()
    calendar = t.cast(ConnectedCalendar, db.get(ConnectedCalendar, calendar_id, populate_existing=True))
    cursor, host_id, known = calendar.cursor, calendar.host_id, calendar.synced_at is not None
    whole = full or not cursor or _reconcile_due(calendar)
    try:
        provider, access = reach(calendar.connection)
        asked = remote(calendar)
        db.rollback()  # no transaction is open while the service is asked
        if whole and cursor and known:
            # What it tells as changed comes first: whatever the whole then shows besides, it had failed to tell.
            try:
                _take(provider, access, asked, calendar_id, host_id, cursor)
            except CursorExpired:
                known = False
            _take(provider, access, asked, calendar_id, host_id, "", proving=known)
        else:
            _take(provider, access, asked, calendar_id, host_id, "" if whole else cursor)
        watches.keep(provider, access, asked, calendar_id)
    except CursorExpired:
        return _again(calendar_id, full)
    except ProviderProblem as problem:
        db.rollback()
        _failed(calendar_id, problem, began)
        return False
    except Contention:
        db.rollback()
        _next(calendar_id, 5)
        return False
    return True


def _again(calendar_id: int, full: bool) -> bool:
    """The service has forgotten where we were: everything is read anew."""
    db = session()
    db.rollback()
    calendar = db.get(ConnectedCalendar, calendar_id, populate_existing=True)
    if calendar is None or not calendar.cursor:
        if calendar is not None:
            _failed(calendar_id, CursorExpired("without a cursor"), utcnow())
        return False
    calendar.cursor = ""
    db.commit()
    return _read(calendar_id, full)


def _take(
    provider: CalendarProvider,
    access: Access,
    asked: RemoteCalendar,
    calendar_id: int,
    host_id: int,
    cursor: str,
    *,
    proving: bool = False,
) -> Changes:
    """Ask once, keep the answer, and see to what it says of our own events."""
    now = int(time.time())
    window = mirrored_window(now)
    changes = provider.changes(access, asked, cursor, window)
    noticed = store.keep(store.Reading(calendar_id, host_id, window, now, changes, proving))
    for one in noticed:
        inbound.consider(provider, access, asked, one)
    return changes


def mirrored_window(now: int) -> Window:
    """What is read of a calendar: from yesterday to the horizon, by whole days so that it moves once a day."""
    today = now // DAY * DAY
    return Window(today - DAY, today + (int(current_app.config["BOOKING_CALENDAR_HORIZON_DAYS"]) + 1) * DAY)


def _reconcile_due(calendar: ConnectedCalendar) -> bool:
    if calendar.reconciled_at is None:
        return True
    return utcnow() - calendar.reconciled_at >= dt.timedelta(
        hours=current_app.config["BOOKING_CALENDAR_RECONCILE_HOURS"]
    )


def _interval(calendar_id: int) -> float:
    """Seconds until a calendar is read again without being asked to."""
    watched = watches.live(calendar_id)
    key = "BOOKING_CALENDAR_WATCHED_POLL_MINUTES" if watched else "BOOKING_CALENDAR_POLL_MINUTES"
    minutes = float(current_app.config[key])
    return minutes * 60 * random.uniform(0.9, 1.1)  # noqa: S311 - spreads readings, keeps no secret


def _next(calendar_id: int, seconds: float) -> None:
    db = session()
    db.execute(
        sa.update(ConnectedCalendar)
        .where(ConnectedCalendar.id == calendar_id)
        .values(due_at=utcnow() + dt.timedelta(seconds=seconds)),
        execution_options={"synchronize_session": False},
    )
    db.commit()


def _failed(calendar_id: int, problem: ProviderProblem, began: dt.datetime) -> None:
    """Record why a calendar couldn't be read, and when to try again."""
    db = session()
    calendar = db.get(ConnectedCalendar, calendar_id, populate_existing=True)
    if calendar is None:
        return
    calendar.failures += 1
    calendar.problem = problem.code
    if isinstance(problem, Gone):
        calendar.missing = True
    pause = _BACKOFF[min(calendar.failures, len(_BACKOFF)) - 1]
    wait = max(problem.retry_after or 0, pause * random.uniform(0.8, 1.2))  # noqa: S311 - keeps no secret
    calendar.due_at = utcnow() + dt.timedelta(seconds=wait)
    connection_id, failures = calendar.connection_id, calendar.failures
    if isinstance(problem, Gone):
        store.changed(db, calendar.host_id)
    db.commit()
    _log.warning("calendar %s can't be read (%d in a row): %s", calendar_id, failures, problem)
    care.note(connection_id, problem, began=began)
