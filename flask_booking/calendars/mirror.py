"""Reading calendars: when, by whom, and what becomes of what they say.

A calendar's row is its own queue: ``due_at`` says when to read it next.  Notifications only bring that forward, so ten
of them make one reading.  A reading asks the service outside of any transaction, and keeps the answer in one.
"""

from __future__ import annotations

import collections.abc as c
import datetime as dt
import functools
import logging
import random
import time
import typing as t

import sqlalchemy as sa
from flask import current_app

from ..connections.access import Access
from ..connections.lease import READING_SECONDS, Engaged, lease
from ..connections.problems import CursorExpired, Gone, ProviderProblem
from ..errors import Contention, frames_of
from ..models import CalendarEvent, ConnectedCalendar, Connection, ConnectionState, EventState
from ..models.columns import utcnow
from ..scheduling.transaction import current, transact
from ..signals import wake_readers
from ..state import session
from . import care, connecting, inbound, store, watches
from .provider import CalendarProvider, RemoteCalendar, Window
from .reach import reach, remote

_log = logging.getLogger(__name__)

DAY = 86_400
_BACKOFF = (60, 120, 300, 600, 1800, 3600)
"""Seconds until the next try, after the first, second, … failure in a row."""


def due(limit: int = 100) -> list[int]:
    """The calendars that are to be read now, what was due first coming first."""
    free = sa.or_(Connection.reading_until.is_(None), Connection.reading_until <= utcnow())
    query = (
        sa.select(ConnectedCalendar.id)
        .join(Connection, Connection.id == ConnectedCalendar.connection_id)
        .where(ConnectedCalendar.due_at <= utcnow(), read_at_all(), free)
    )
    return list(session().scalars(query.order_by(ConnectedCalendar.due_at).limit(limit)))


def read_at_all() -> sa.ColumnElement[bool]:
    """Whether a calendar, joined with its connection, is one to read: it closes time, or has events of ours that its
    owner may change."""
    ours = sa.exists().where(
        CalendarEvent.calendar_id == ConnectedCalendar.id,
        CalendarEvent.state != EventState.REMOVED,
        CalendarEvent.ends > int(time.time()),
    )
    return sa.and_(
        Connection.state == ConnectionState.ACTIVE,
        ~ConnectedCalendar.paused,
        sa.or_(ConnectedCalendar.check_conflicts, ConnectedCalendar.target, ours),
    )


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
    wake_readers(sorted(calendar_ids))


def sync(calendar_id: int, *, full: bool = False, only_due: bool = False, waited_for: bool = False) -> bool:
    """Read one calendar: what changed in it, or all of it when that is due or ``full``.

    With ``only_due`` nothing is done when somebody else has just read it.  When somebody waits (``waited_for``), only
    what changed is read, and what follows from it is left to a worker.

    Returns whether it was read.  A failure is recorded with the calendar and tried again later; only the database's
    errors are raised.  Begins and ends transactions of the session.
    """
    connection_id = _connection_of(calendar_id, only_due)
    if connection_id is None:
        return False
    try:
        with lease(connection_id, "reading", READING_SECONDS):
            if _connection_of(calendar_id, only_due) is None:
                return False
            _next(calendar_id, _interval(calendar_id))  # before the service is asked: what comes meanwhile isn't lost
            return _read(calendar_id, full, waited_for)
    except Engaged:
        return False


def _connection_of(calendar_id: int, only_due: bool) -> int | None:
    """The account that a calendar is read in the name of; None when it isn't to be read (now)."""
    db = session()
    db.rollback()
    calendar = db.get(ConnectedCalendar, calendar_id, populate_existing=True)
    if calendar is None or calendar.paused or calendar.connection.state is not ConnectionState.ACTIVE:
        return None
    late = calendar.due_at is not None and calendar.due_at <= utcnow()
    connection_id = calendar.connection_id if late or not only_due else None
    db.rollback()
    return connection_id


def ask_now(host_ids: c.Sequence[int]) -> bool:
    """Read the calendars of these hosts that weren't read lately, while somebody waits; whether all could be read."""
    db, edge = session(), utcnow() - dt.timedelta(minutes=current_app.config["BOOKING_CALENDAR_STALE_MINUTES"])
    stale = sa.or_(ConnectedCalendar.synced_at.is_(None), ConnectedCalendar.synced_at <= edge)
    query = sa.select(ConnectedCalendar.id).where(
        ConnectedCalendar.host_id.in_(host_ids), ConnectedCalendar.check_conflicts, ~ConnectedCalendar.paused, stale
    )
    ids = list(db.scalars(query))
    db.rollback()
    return any([_patiently(calendar_id) for calendar_id in ids])  # noqa: C419 - each of them is to be read


def _patiently(calendar_id: int) -> bool:
    """Read a calendar for somebody who waits, also when a worker is just reading at that account."""
    for pause in (0, 0.5, 1, 2):
        time.sleep(pause)
        if sync(calendar_id, waited_for=True):
            return True
        read = session().scalar(sa.select(ConnectedCalendar.synced_at).where(ConnectedCalendar.id == calendar_id))
        session().rollback()
        if read is not None and utcnow() - read < dt.timedelta(minutes=1):
            return True
        if not _engaged(calendar_id):
            return False
    return False


def _engaged(calendar_id: int) -> bool:
    query = sa.select(Connection.reading_until).join(ConnectedCalendar).where(ConnectedCalendar.id == calendar_id)
    until = session().scalar(query)
    session().rollback()
    return until is not None and until > utcnow()


def _read(calendar_id: int, full: bool, waited_for: bool = False) -> bool:
    db, began = session(), utcnow()
    calendar = t.cast(ConnectedCalendar, db.get(ConnectedCalendar, calendar_id, populate_existing=True))
    cursor, host_id, known = calendar.cursor, calendar.host_id, calendar.synced_at is not None
    whole = full or not cursor or (_reconcile_due(calendar) and not waited_for)
    try:
        provider, access = reach(calendar.connection)
        asked = remote(calendar)
        db.rollback()  # no transaction is open while the service is asked
        take = functools.partial(_take, provider, access, asked, calendar_id, host_id, waited_for=waited_for)
        if whole and cursor and known:
            # What it tells as changed comes first: whatever the whole then shows besides, it had failed to tell.
            try:
                take(cursor)
            except CursorExpired:
                known = False
            take("", proving=known)
        else:
            take("" if whole else cursor)
        if not waited_for:
            watches.keep(provider, access, asked, calendar_id)
    except CursorExpired:
        return _again(calendar_id, full, waited_for)
    except ProviderProblem as problem:
        db.rollback()
        _failed(calendar_id, problem, began)
        if isinstance(problem, Gone):
            _look_for(calendar_id)
        return False
    except Contention:
        db.rollback()
        _next(calendar_id, 5)
        return False
    except sa.exc.DBAPIError:
        raise
    except Exception as error:  # a provider's mistake: neither a guest who waits nor other calendars shall bear it
        db.rollback()
        _log.error("reading calendar %s failed with %s\n%s", calendar_id, type(error).__name__, frames_of(error))
        _failed(calendar_id, ProviderProblem(type(error).__name__), began)
        return False
    return True


def _look_for(calendar_id: int) -> None:
    """A calendar isn't found: gone is what the account's own list lacks too, for one wrong 404 mustn't open a week."""
    calendar = session().get(ConnectedCalendar, calendar_id)
    if calendar is not None:
        try:
            connecting.refresh(calendar.connection)
        except ProviderProblem as problem:
            session().rollback()
            _log.info("the calendars of connection %s can't be listed: %s", calendar.connection_id, problem)


def _again(calendar_id: int, full: bool, waited_for: bool) -> bool:
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
    return _read(calendar_id, full, waited_for)


def _take(
    provider: CalendarProvider,
    access: Access,
    asked: RemoteCalendar,
    calendar_id: int,
    host_id: int,
    cursor: str,
    *,
    proving: bool = False,
    waited_for: bool = False,
) -> None:
    """Ask once, keep the answer, and see to what it says of our own events.

    Until that is done, all of the calendar is due to be read again: whoever dies over it leaves it to the next.
    """
    now = int(time.time())
    window = mirrored_window(now)
    changes = provider.changes(access, asked, cursor, window)
    noticed, reconciled_at = store.keep(store.Reading(calendar_id, host_id, window, now, changes, proving))
    if not noticed or waited_for:
        return
    for one in noticed:
        inbound.consider(provider, access, asked, one)
    db = session()
    db.execute(
        sa.update(ConnectedCalendar).where(ConnectedCalendar.id == calendar_id).values(reconciled_at=reconciled_at),
        execution_options={"synchronize_session": False},
    )
    db.commit()


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
    """Record why a calendar couldn't be read, and when to try again.  What was read of it gets stale by itself."""
    db = session()

    def work() -> tuple[int, int] | None:
        calendar = db.scalar(current(sa.select(ConnectedCalendar).where(ConnectedCalendar.id == calendar_id)))
        if calendar is None:
            return None
        calendar.failures += 1
        calendar.problem = problem.code
        pause = _BACKOFF[min(calendar.failures, len(_BACKOFF)) - 1]
        wait = max(problem.retry_after or 0, pause * random.uniform(0.8, 1.2))  # noqa: S311 - keeps no secret
        calendar.due_at = utcnow() + dt.timedelta(seconds=wait)
        return calendar.connection_id, calendar.failures

    recorded = transact(db, work)
    if recorded is None:
        return
    connection_id, failures = recorded
    _log.warning("calendar %s can't be read (%d in a row): %s", calendar_id, failures, problem)
    care.note(connection_id, problem, began=began)
