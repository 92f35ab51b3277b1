"""Accounts that stop working: noticed once, told to their owner, and taken up again when they work."""

from __future__ import annotations

import collections.abc as c
import datetime as dt
import logging
import typing as t

import sqlalchemy as sa

from ..connections.access import Access
from ..connections.problems import ALL, MissingScope, NeedsReconnect, ProviderProblem
from ..links import base_url
from ..models import (
    Booking,
    BookingHost,
    BookingStatus,
    CalendarEvent,
    ConnectedCalendar,
    Connection,
    ConnectionState,
    EventState,
    MeetingLink,
    MessageState,
    OutboxMessage,
)
from ..models.columns import utcnow
from ..models.stamps import restamp_mirror
from ..scheduling.calendar_events import OWN_LINK
from ..scheduling.outbox import message, write
from ..scheduling.transaction import current, lock_calendars, transact
from ..signals import ring, wake_readers
from ..state import crm, session
from . import registry
from .provider import Sign

_log = logging.getLogger(__name__)

A = t.TypeVar("A", covariant=True)

REFUSALS = 3
"""So often in a row an account has to be refused before it counts as broken: servers have bad days."""
APART = dt.timedelta(minutes=1)
"""Refusals closer to each other than that are one bad moment."""
BROKEN = "connection_broken"
"""The kind of the mail that tells the owner."""


def note(connection_id: int, problem: ProviderProblem, *, began: dt.datetime) -> None:
    """Draw the consequences for the account from a failure of something that was asked in its name since ``began``.

    A failure of what was asked before its owner signed in again says nothing.
    """
    if not isinstance(problem, MissingScope | NeedsReconnect):
        return
    db = session()

    def count() -> int:
        connection = db.scalar(current(sa.select(Connection).where(Connection.id == connection_id)))
        if connection is None or connection.connected_at > began:
            return 0
        now = utcnow()
        if connection.refused_at is None or now - connection.refused_at >= APART:
            connection.failures, connection.refused_at = connection.failures + 1, now
        # Whoever renews tokens has found out already that they are dead.
        final = isinstance(problem, MissingScope) or connection.state is ConnectionState.BROKEN
        return REFUSALS if final else connection.failures

    if transact(db, count) >= REFUSALS:
        break_off(connection_id, problem)


def break_off(connection_id: int, problem: ProviderProblem) -> bool:
    """Stop using an account until somebody mends it, and mail its owner.  False when it was broken already."""
    db = session()

    def work() -> list[int]:
        connection = db.scalar(current(sa.select(Connection).where(Connection.id == connection_id)))
        if connection is None or (connection.state is ConnectionState.BROKEN and _told(connection)):
            return []
        connection.state, connection.problem = ConnectionState.BROKEN, problem.code
        connection.broken_at = connection.broken_at or utcnow()
        lock_calendars(db, [connection.host_id])
        restamp_mirror(db, connection.host_id)  # it makes no links now, whoever noticed it first
        if _told(connection):  # mended and broken again within a second
            return []
        return write(
            db,
            [
                message(
                    topic="mail",
                    kind=BROKEN,
                    dedupe_key=f"{BROKEN}:{connection.public_id}:{int(connection.broken_at.timestamp())}",
                    recipient=crm().email_of(connection.host.user),
                    payload=_said(connection, problem),
                )
            ],
        )

    ids = transact(db, work)
    if ids:
        _log.warning("connection %s is broken: %s", connection_id, problem)
        ring(ids)
    return bool(ids)


class _Known(t.Protocol[A]):
    """A service that says whose an account is."""

    def account(self, access: Access) -> A: ...


def tried(connection: Connection, reach: c.Callable[[Connection], tuple[_Known[A], Access]]) -> A:
    """Ask the service, as ``reach`` finds it, whose account it is.  A broken one that answers is taken up again.

    Raises :class:`.ProviderProblem` after noting it; commits.
    """
    connection_id, broken, began = connection.id, connection.state is not ConnectionState.ACTIVE, utcnow()
    provider, access = reach(connection)
    session().rollback()
    try:
        account = provider.account(access)
    except ProviderProblem as problem:
        note(connection_id, problem, began=began)
        raise
    if broken:
        resume(connection_id)
    return account


def _said(connection: Connection, problem: ProviderProblem) -> dict[str, t.Any]:
    """What the mail has to say: which account, and what doesn't work without it."""
    service = registry.find(connection.provider)
    used = [calendar for calendar in connection.calendars if not calendar.paused]
    return {
        "audience": "host",
        "host_id": connection.host_id,
        "connection": connection.public_id,
        "account": connection.account_name,
        "service": service.label if service is not None else connection.provider.capitalize(),
        "signs_in": service is None or service.sign is Sign.OAUTH,
        "problem": problem.code,
        "closing": [calendar.name for calendar in used if calendar.check_conflicts],
        "targets": [calendar.name for calendar in used if calendar.target],
        "links": service is None,
        "base_url": base_url(),
    }


def tell_broken() -> None:
    """Tell the owners of accounts that broke when nobody came to tell them: a worker may have died over it."""
    db = session()
    query = sa.select(Connection.id, Connection.problem).where(
        Connection.state == ConnectionState.BROKEN, Connection.broken_at.is_(None)
    )
    found = db.execute(query.limit(100)).all()
    db.rollback()
    for connection_id, code in found:
        break_off(connection_id, ALL.get(code, NeedsReconnect)())


def _told(connection: Connection) -> bool:
    stamp = int(connection.broken_at.timestamp()) if connection.broken_at else 0
    key = f"{BROKEN}:{connection.public_id}:{stamp}"
    return session().scalar(sa.select(OutboxMessage.id).where(OutboxMessage.dedupe_key == key)) is not None


def resume(connection_id: int) -> None:
    """Take up an account again that was mended: read its calendars, and do what was left undone.  Commits."""
    db, now = session(), utcnow()

    def work() -> tuple[list[int], list[int]]:
        connection = db.scalar(current(sa.select(Connection).where(Connection.id == connection_id)))
        if connection is None:
            return [], []
        connection.state, connection.problem, connection.failures = ConnectionState.ACTIVE, "", 0
        connection.broken_at = None
        for calendar in connection.calendars:
            calendar.due_at, calendar.failures, calendar.problem = now, 0, ""
        _adopt_links(connection)
        waiting = [*_undone_events(connection_id), *_undone_links(connection_id), *_left_behind(connection_id)]
        ids = []
        for one in waiting:
            if one.state in (MessageState.FAILED, MessageState.WAITING) and not _claimed(one, now):
                one.state, one.due_at, one.attempts, one.done_at = MessageState.WAITING, now, 0, None
                ids.append(one.id)
        return ids, [calendar.id for calendar in connection.calendars]

    ids, calendar_ids = transact(db, work)
    if ids:
        ring(ids)
    wake_readers(calendar_ids)


def _undone_events(connection_id: int) -> list[OutboxMessage]:
    """The newest message about each event of the account that isn't as its booking says."""
    newest = (
        sa.select(sa.func.max(OutboxMessage.id))
        .join(CalendarEvent, CalendarEvent.booking_id == OutboxMessage.booking_id)
        .join(ConnectedCalendar, ConnectedCalendar.id == CalendarEvent.calendar_id)
        .where(
            ConnectedCalendar.connection_id == connection_id,
            OutboxMessage.topic == "calendar",
            sa.or_(CalendarEvent.state.in_((EventState.WANTED, EventState.FAILED)), CalendarEvent.problem != ""),
        )
        .group_by(OutboxMessage.booking_id, OutboxMessage.recipient)
    )
    return _messages(newest)


def _adopt_links(connection: Connection) -> None:
    """Have the account make the links of coming meetings that had none when they were booked or changed."""
    db = session()
    waiting = db.scalars(
        sa.select(MeetingLink)
        .join(Booking, Booking.id == MeetingLink.booking_id)
        .join(BookingHost, BookingHost.booking_id == Booking.id)
        .where(
            MeetingLink.connection_id.is_(None),
            BookingHost.host_id == connection.host_id,
            Booking.status == BookingStatus.CONFIRMED,
            Booking.ends_at > utcnow(),
        )
    )
    for link in waiting:
        if link.booking.location.get("kind") == connection.provider and link.problem != OWN_LINK:
            if link.problem:
                link.state = EventState.WANTED  # also one that was made, and couldn't be moved
            link.connection_id, link.problem = connection.id, ""
    db.flush()


def _undone_links(connection_id: int) -> list[OutboxMessage]:
    newest = (
        sa.select(sa.func.max(OutboxMessage.id))
        .join(MeetingLink, MeetingLink.booking_id == OutboxMessage.booking_id)
        .where(
            MeetingLink.connection_id == connection_id,
            OutboxMessage.topic == "conference",
            sa.or_(MeetingLink.state.in_((EventState.WANTED, EventState.FAILED)), MeetingLink.problem != ""),
        )
        .group_by(OutboxMessage.booking_id, OutboxMessage.recipient)
    )
    return _messages(newest)


def _left_behind(connection_id: int) -> list[OutboxMessage]:
    """What is to be taken back of meetings that the account's owner holds no more."""
    undone = (MessageState.FAILED, MessageState.WAITING)
    query = sa.select(OutboxMessage).where(OutboxMessage.topic == "conference", OutboxMessage.state.in_(undone))
    rows = session().scalars(query.execution_options(populate_existing=True))
    return [one for one in rows if one.payload.get("leaving", {}).get("connection_id") == connection_id]


def _messages(newest: t.Any) -> list[OutboxMessage]:
    db = session()
    ids = list(db.scalars(newest))
    query = sa.select(OutboxMessage).where(OutboxMessage.id.in_(ids)).execution_options(populate_existing=True)
    return list(db.scalars(query)) if ids else []


def _claimed(one: OutboxMessage, now: dt.datetime) -> bool:
    return one.claimed_until is not None and one.claimed_until > now
