"""Making the event in a host's calendar what the booking is: the outbox's topic ``calendar``.

A message says only that something changed.  Whoever delivers it looks at the booking as it is now and makes the
calendar so; messages that come late find nothing left to do.  What was intended is in the database before the service
is asked, and names the event: a worker that dies in between is followed by one that finds what it made.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

import sqlalchemy as sa

from ..connections.access import Access
from ..connections.lease import WRITING_SECONDS, Engaged, lease
from ..connections.problems import ALL, Gone, NeedsReconnect, ProviderProblem
from ..models import Booking, CalendarEvent, ConnectedCalendar, ConnectionState, Difference, EventState, OutboxMessage
from ..models.columns import utcnow
from ..scheduling.calendar_events import NO_LINK
from ..scheduling.given_up import give_up_event, invite_instead, stop_waiting
from ..scheduling.links import set_link
from ..scheduling.mailed import locked
from ..scheduling.places import link_missing
from ..scheduling.transaction import current, transact
from ..signals import ring
from ..state import session
from . import care
from .draft import draft_of, fingerprint, wanted
from .provider import CalendarProvider, EventDraft, RemoteCalendar, Written
from .reach import reach, remote

LINK_PATIENCE = 600
"""Seconds after which a meeting link that is still being made counts as one that won't come."""


INVITED_AFTER = dt.timedelta(hours=1)
"""How long a guest waits for the invitation from a service that can't be reached; then we invite."""
SOON = dt.timedelta(hours=2)
"""Before a meeting that begins so soon no guest waits."""


class LinkPending(ProviderProblem):
    """The event is written, and its meeting link is still being made."""

    code = "link_pending"


@dataclasses.dataclass(frozen=True)
class _Job:
    """One event to be made so: everything that is needed while no transaction is open."""

    event_id: int
    booking_id: int
    host_id: int
    connection_id: int
    provider: CalendarProvider
    access: Access
    calendar: RemoteCalendar
    draft: EventDraft
    known: Written | None
    print: str
    wanted: bool
    had: str
    url: str
    """The link that the booking has."""
    pending: bool
    """Whether there is one to come."""
    age: float
    """Seconds since the event was written."""


def deliver(message: OutboxMessage) -> bool:
    """Make the event what the booking is now.  False when there is nothing to be made.

    Raises :class:`~flask_booking.connections.problems.ProviderProblem`, after noting it with the event.
    """
    db = session()
    event = db.scalar(
        sa.select(CalendarEvent).where(
            CalendarEvent.booking_id == message.booking_id, CalendarEvent.host_id == message.payload["host_id"]
        )
    )
    if event is None or event.calendar is None:
        return False
    event_id, connection_id = event.id, event.calendar.connection_id
    db.rollback()  # a lease is seen by nobody who is in a transaction that began before it
    base, since, began = str(message.payload.get("base_url") or ""), message.created_at, utcnow()
    try:
        with lease(connection_id, "writing", WRITING_SECONDS):
            job = _job(event_id, base)
            return job is None or _make(job)
    except ProviderProblem as problem:
        db.rollback()
        if problem.code in ALL:  # else somebody else is at it, or it needs some seconds
            _update(CalendarEvent.id == event_id, {"problem": problem.code})
            _invite_instead(event_id, since)
        care.note(connection_id, problem, began=began)
        raise


def _job(event_id: int, base: str) -> _Job | None:
    db = session()
    event = db.get(CalendarEvent, event_id, populate_existing=True)
    if event is None or event.calendar is None:
        return None
    calendar = event.calendar
    if calendar.connection.state is not ConnectionState.ACTIVE:
        raise NeedsReconnect("the connection is broken")
    draft = draft_of(event, base=base)
    job = _Job(
        event_id=event.id,
        booking_id=event.booking_id,
        host_id=event.host_id,
        connection_id=calendar.connection_id,
        provider=t.cast(t.Any, None),
        access=t.cast(t.Any, None),
        calendar=remote(calendar),
        draft=draft,
        known=known(event),
        print=fingerprint(event),
        wanted=wanted(event),
        had=event.fingerprint,
        url=str(event.booking.location.get("url") or ""),
        pending=bool(event.conference) and (not event.booking.location.get("url") or event.problem == LinkPending.code),
        age=(utcnow() - event.written_at).total_seconds() if event.written_at is not None else 0,
    )
    if not _to_do(event, job):
        db.rollback()
        return None
    provider, access = reach(calendar.connection)
    db.rollback()
    return dataclasses.replace(job, provider=provider, access=access)


def _to_do(event: CalendarEvent, job: _Job) -> bool:
    if _shown(event):
        return job.wanted and job.pending and event.problem != NO_LINK
    return not job.wanted or event.booking.ends_at > utcnow() or bool(event.remote_id)


def _shown(event: CalendarEvent) -> bool:
    """Whether the calendar has the event as the booking is, or hasn't what it shouldn't have, as far as we know."""
    if not wanted(event):
        return event.state is EventState.REMOVED
    return event.state is EventState.WRITTEN and event.fingerprint == fingerprint(event)


def known(event: CalendarEvent) -> Written | None:
    """The event as its service had it last; None before it was written, as far as anybody knows."""
    if not event.remote_id:
        return None
    return Written(id=event.remote_id, etag=event.etag, uid=event.remote_uid, starts=event.starts, ends=event.ends)


def _make(job: _Job) -> bool:
    if not job.wanted:
        job.provider.remove(job.access, job.calendar, job.draft, job.known)
        _record(job, {"state": EventState.REMOVED, "problem": "", "difference": Difference.NONE})
        return True
    looking = job.had == job.print and job.known is not None
    if looking:
        written = job.provider.look(job.access, job.calendar, job.draft, t.cast(Written, job.known))
    else:
        written = _write(job)
    if written is None:
        return True  # gone meanwhile: the next reading of the calendar sees to it
    age = job.age if looking else 0
    fresh = bool(job.draft.conference) and written.join_url not in ("", job.url)
    problem = LinkPending.code if fresh else _missing(job, written, age)
    _record(
        job,
        {
            "state": EventState.WRITTEN,
            "problem": problem,
            "remote_id": written.id,
            "remote_uid": written.uid[:255],
            "etag": written.etag[:255],
            "page_url": written.page_url,
            "fingerprint": job.print,
            "starts": job.draft.starts,
            "ends": job.draft.ends,
            "difference": Difference.NONE,
            **({} if looking else {"written_at": utcnow()}),
        },
    )
    if fresh:  # also another link than before, of an event that was made anew
        set_link(job.booking_id, written.join_url, by=job.host_id)
        _update(CalendarEvent.id == job.event_id, {"problem": ""})
    elif problem == LinkPending.code:
        raise LinkPending(retry_after=3 if age < 60 else 30)
    return True


def _missing(job: _Job, written: Written, age: float) -> str:
    """What is the matter with a link that the event should have, and hasn't; ``age`` is how long it has been waited
    for, in seconds."""
    if not job.draft.conference or written.join_url or not (job.pending or written.join_pending):
        return ""
    return LinkPending.code if written.join_pending and age < LINK_PATIENCE else NO_LINK


def _write(job: _Job) -> Written:
    try:
        return job.provider.write(job.access, job.calendar, job.draft, job.known)
    except Gone:
        if job.known is None:
            raise
        # Somebody deleted it.  The booking stands, and was changed since: it is written anew.
        return job.provider.write(job.access, job.calendar, job.draft, None)


def _record(job: _Job, values: dict[str, t.Any]) -> None:
    """Keep what the calendar has now, if nobody else wrote meanwhile: who is late may have undone what is newer, and so
    the event is made again.  Raises :class:`~flask_booking.connections.lease.Engaged` for that."""
    unchanged = (CalendarEvent.id == job.event_id) & (CalendarEvent.fingerprint == job.had)
    if not _update(unchanged, values):
        _update(CalendarEvent.id == job.event_id, {"fingerprint": "", "state": EventState.WANTED})
        raise Engaged("somebody else wrote meanwhile", retry_after=1)


def _update(where: t.Any, values: dict[str, t.Any]) -> bool:
    db = session()

    def work() -> int:
        done = db.execute(
            sa.update(CalendarEvent).where(where).values(values), execution_options={"synchronize_session": False}
        )
        return t.cast("sa.CursorResult[t.Any]", done).rowcount

    return transact(db, work) == 1


def _invite_instead(event_id: int, since: dt.datetime) -> None:
    """Have us invite the guest when the service, which should, has been tried in vain for long enough."""
    db = session()

    def work() -> list[int]:
        booking_id = db.scalar(sa.select(CalendarEvent.booking_id).where(CalendarEvent.id == event_id))
        booking = locked(db, booking_id) if booking_id is not None else None
        now = utcnow()
        if booking is None or (now - since < INVITED_AFTER and booking.starts_at - now > SOON):
            return []
        return invite_instead(db, booking, event_id)

    ring(transact(db, work))


def give_up(message: OutboxMessage, error: Exception | None) -> list[int]:
    """What follows when an event isn't tried to be written any more: see :func:`.given_up.give_up_event`.

    Nothing does when another message about the event had it written meanwhile.  A worker that died may have written it
    too, and no further than to the service: the invitation that is mailed then is the same.
    """
    db, booking_id = session(), message.booking_id
    booking = locked(db, booking_id) if booking_id is not None else None
    row = CalendarEvent
    mine = sa.select(row).where(row.booking_id == booking_id, row.host_id == message.payload["host_id"])
    event = db.scalar(current(mine))
    if booking is None or event is None:
        return []
    if not _shown(event):
        known_as = error.code if isinstance(error, ProviderProblem) and error.code in ALL else event.problem
        return give_up_event(db, booking, event.id, known_as if known_as in ALL else ProviderProblem.code)
    if event.conference and link_missing(booking.location):
        event.problem = NO_LINK
        return stop_waiting(db, booking)
    return []


def let_go(connection_id: int) -> list[int]:
    """What follows for meetings whose events an account should still have made that is being disconnected: whoever its
    service should have told is told by mail.  Returns the ids of the messages that are due; doesn't commit.
    """
    db, ids = session(), list[int]()
    query = (
        sa.select(CalendarEvent)
        .join(ConnectedCalendar, ConnectedCalendar.id == CalendarEvent.calendar_id)
        .join(Booking, Booking.id == CalendarEvent.booking_id)
        .where(ConnectedCalendar.connection_id == connection_id, Booking.ends_at > utcnow())
        .order_by(CalendarEvent.id)
    )
    for event in [one for one in db.scalars(current(query)) if not _shown(one)]:
        booking, before = locked(db, event.booking_id), event.state
        if booking is not None:
            ids += give_up_event(db, booking, event.id, event.problem)
            event.state = before  # nobody has to see to it: nothing is followed there any more
    return ids
