"""Making the meeting at a service for links what the booking is: the outbox's topic ``conference``.

As with events in calendars (:mod:`flask_booking.calendars.writing`): a message says only that something changed, and
whoever delivers it makes the meeting what the booking is now.  What was intended is in the database before the service
is asked; a worker that dies in between is followed by one that looks for what it made.
"""

from __future__ import annotations

import dataclasses
import typing as t

import sqlalchemy as sa
from flask import current_app

from ..calendars import care
from ..connections.access import Access
from ..connections.lease import WRITING_SECONDS, Engaged, lease
from ..connections.opening import access_to, secret_of
from ..connections.problems import ALL, NeedsReconnect, NoAccount, ProviderProblem
from ..i18n import labelled, use_locale
from ..models import Booking, BookingStatus, Connection, ConnectionState, EventState, MeetingLink, OutboxMessage
from ..models.columns import utcnow
from ..scheduling.calendar_events import OWN_LINK, service_account
from ..scheduling.given_up import give_up_link
from ..scheduling.links import set_link
from ..scheduling.mailed import locked
from ..scheduling.places import password_apart
from ..scheduling.transaction import current
from ..state import session
from . import registry
from .provider import ConferencingProvider, Meeting, MeetingDraft, OwnAccess

HELD = (BookingStatus.CONFIRMED, BookingStatus.COMPLETED, BookingStatus.NO_SHOW)
"""Bookings that have a meeting.  A request has none: nobody has agreed to it."""
TOPIC_MOST = 200


@dataclasses.dataclass(frozen=True)
class _Job:
    """One meeting to be made so: everything that is needed while no transaction is open."""

    link_id: int
    booking_id: int
    connection_id: int
    host_id: int
    provider: ConferencingProvider
    access: Access
    draft: MeetingDraft
    known: Meeting | None
    wanted: bool
    sequence: int
    had: tuple[str, int]
    """What the link's row kept of the last time: the meeting's id, and the booking's sequence."""


def deliver(message: OutboxMessage) -> bool:
    """Make the meeting what its booking is now.  False when there is nothing to be made.

    Raises :class:`~flask_booking.connections.problems.ProviderProblem`, after noting it with the link.
    """
    if leaving := message.payload.get("leaving"):
        return _take_back(message, leaving)
    db = session()
    link = db.scalar(sa.select(MeetingLink).where(MeetingLink.booking_id == message.booking_id))
    if link is None:
        return False
    link_id, began = link.id, utcnow()
    connection_id = link.connection_id or _find_account(link)
    db.rollback()  # a lease is seen by nobody who is in a transaction that began before it
    if connection_id is None:
        return False
    try:
        with lease(connection_id, "writing", WRITING_SECONDS):
            job = _job(link_id, connection_id)
            return job is None or _make(job)
    except ProviderProblem as problem:
        db.rollback()
        _note(link_id, problem)
        care.note(connection_id, problem, began=began)
        raise


def reach(connection: Connection) -> tuple[ConferencingProvider, Access]:
    """The service of a connection, and the way to ask it in the name of its account.

    Raises :class:`~flask_booking.connections.problems.Misconfigured`, also when no key of ours opens its secrets.
    """
    provider = registry.provider(connection.provider)
    if isinstance(provider, OwnAccess):
        return provider, provider.open(secret_of(connection), dict(connection.settings), connection.account_name)
    return provider, access_to(connection, provider.service(current_app.config))


def draft_of(booking: Booking, connection: Connection) -> MeetingDraft:
    """The meeting in the language and zone of the account's owner."""
    with use_locale(connection.host.language):
        return MeetingDraft(
            mark=booking.public_id,
            title=labelled(booking.title, booking.guest_name)[:TOPIC_MOST],
            starts=int(booking.starts_at.timestamp()),
            ends=int(booking.ends_at.timestamp()),
            time_zone=connection.host.time_zone,
        )


def _find_account(link: MeetingLink) -> int | None:
    """An account for a link that has none (any more), or None when none is needed.  Raises :class:`NoAccount`."""
    db, link_id = session(), link.id
    booking = link.booking
    if not _wanted(booking, link) or booking.ends_at <= utcnow():
        return None
    connection_id = service_account(db, booking)
    if connection_id is None:
        _record(link_id, None, {"problem": NoAccount.code})
        raise NoAccount
    _record(link_id, None, {"connection_id": connection_id, "problem": ""})
    return connection_id


def _wanted(booking: Booking, link: MeetingLink) -> bool:
    """Whether there shall be a meeting at the service now."""
    return booking.status in HELD and link.problem != OWN_LINK


def _job(link_id: int, connection_id: int) -> _Job | None:
    db = session()
    link = db.get(MeetingLink, link_id, populate_existing=True)
    if link is None or link.connection_id != connection_id:
        return None  # another account makes it now: it has a message of its own
    connection = t.cast(Connection, db.get(Connection, connection_id, populate_existing=True))
    booking = t.cast(Booking, db.get(Booking, link.booking_id, populate_existing=True))
    if connection.state is not ConnectionState.ACTIVE:
        raise NeedsReconnect("the connection is broken")
    wanted, url = _wanted(booking, link), str(booking.location.get("url") or "")
    if not _to_do(booking, link, wanted):
        db.rollback()
        return None
    provider, access = reach(connection)
    known = Meeting(link.remote_id, url, str(booking.location.get("password") or ""))
    job = _Job(
        link_id=link_id,
        booking_id=booking.id,
        connection_id=connection_id,
        host_id=connection.host_id,
        provider=provider,
        access=access,
        draft=draft_of(booking, connection),
        # One whose link was never written is looked for: only that brings the link to light again.
        known=known if link.remote_id and (url or not wanted) else None,
        wanted=wanted,
        sequence=booking.sequence,
        had=(link.remote_id, link.sequence),
    )
    db.rollback()
    return job


def _to_do(booking: Booking, link: MeetingLink, wanted: bool) -> bool:
    if not wanted:
        return link.state is not EventState.REMOVED
    if link.state is EventState.WRITTEN and link.sequence == booking.sequence:
        return not booking.location.get("url")
    return booking.ends_at > utcnow()


def _make(job: _Job) -> bool:
    if not job.wanted:
        job.provider.remove(job.access, job.draft, job.known)
        _keep(job, {"state": EventState.REMOVED})
        return True
    meeting = job.provider.write(job.access, job.draft, job.known)
    values = {"state": EventState.WRITTEN, "problem": "", "remote_id": meeting.id, "sequence": job.sequence}
    if _keep(job, values):
        password = password_apart(meeting.join_url, meeting.password)
        set_link(job.booking_id, meeting.join_url, password=password, by=job.host_id)
    return True


def _keep(job: _Job, values: dict[str, t.Any]) -> bool:
    """Keep what the service has now; False when another account makes the link meanwhile.

    Who is so late that somebody else wrote has perhaps undone what is newer, so it is made again.  Raises
    :class:`~flask_booking.connections.lease.Engaged` for that.
    """
    remote_id, sequence = job.had
    unchanged = (MeetingLink.remote_id == remote_id) & (MeetingLink.sequence == sequence)
    if _record(job.link_id, job.connection_id, values, unchanged):
        return True
    if _record(job.link_id, job.connection_id, {"state": EventState.WANTED}):
        raise Engaged("somebody else wrote meanwhile", retry_after=1)
    return False


def _take_back(message: OutboxMessage, leaving: dict[str, t.Any]) -> bool:
    """Remove the meeting at the account of a host who holds the booking no more.

    An account that makes the booking's link again meanwhile has found the same meeting there, and uses it.
    """
    db, connection_id = session(), int(leaving["connection_id"])
    booking, connection = message.booking, db.get(Connection, connection_id)
    if booking is None or connection is None:
        return False
    draft, remote_id, began = draft_of(booking, connection), str(leaving.get("remote_id") or ""), utcnow()
    db.rollback()
    try:
        with lease(connection_id, "writing", WRITING_SECONDS):
            connection = db.get(Connection, connection_id, populate_existing=True)
            link = db.scalar(sa.select(MeetingLink).where(MeetingLink.booking_id == message.booking_id))
            if connection is None or (link is not None and link.connection_id == connection_id):
                return False
            if connection.state is not ConnectionState.ACTIVE:
                raise NeedsReconnect("the connection is broken")
            provider, access = reach(connection)
            db.rollback()
            provider.remove(access, draft, Meeting(remote_id, "") if remote_id else None)
    except ProviderProblem as problem:
        db.rollback()
        care.note(connection_id, problem, began=began)
        raise
    return True


def _record(link_id: int, connection_id: int | None, values: dict[str, t.Any], *where: t.Any) -> bool:
    """Write ``values``, unless another account makes the link meanwhile.  Commits."""
    db = session()
    mine = MeetingLink.connection_id.is_(None) if connection_id is None else MeetingLink.connection_id == connection_id
    changed = t.cast(
        "sa.CursorResult[t.Any]",
        db.execute(
            sa.update(MeetingLink).where(MeetingLink.id == link_id, mine, *where).values(values),
            execution_options={"synchronize_session": False},
        ),
    )
    db.commit()
    return changed.rowcount == 1


def _note(link_id: int, problem: ProviderProblem) -> None:
    """Keep why it failed."""
    if problem.code not in ALL:  # somebody else is at it
        return
    db = session()
    db.execute(
        sa.update(MeetingLink)
        .where(MeetingLink.id == link_id, MeetingLink.problem != OWN_LINK)
        .values(problem=problem.code),
        execution_options={"synchronize_session": False},
    )
    db.commit()


def give_up(message: OutboxMessage, error: Exception | None) -> list[int]:
    """What follows when a meeting isn't tried to be made any more: see :func:`.given_up.give_up_link`.

    Nothing does when another message about the meeting had it made meanwhile, or nobody needs it any more.
    """
    db, booking_id = session(), message.booking_id
    if message.payload.get("leaving") or booking_id is None:
        return []
    booking = locked(db, booking_id)
    link = db.scalar(current(sa.select(MeetingLink).where(MeetingLink.booking_id == booking_id)))
    if booking is None or link is None or not _to_do(booking, link, _wanted(booking, link)):
        return []
    known_as = error.code if isinstance(error, ProviderProblem) and error.code in ALL else link.problem
    return give_up_link(db, booking, link, known_as if known_as in ALL else ProviderProblem.code)
