"""What can happen to a booking after it was made.  Each operation is one transaction under the hosts' locks."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import datetime as dt
import time

import sqlalchemy as sa

from ..errors import CalendarUnknown, ChangeRefused, InvalidInput, NotBookable, SlotTaken
from ..i18n import gettext as _
from ..models import Assignment, Booking, BookingHost, BookingStatus, EventType, HistoryEntry, HistoryKind, Host
from ..models.booking import LEGAL_MOVES
from ..models.columns import utcnow
from ..state import Session, crm, session
from ..zones import zone
from . import reminders
from . import snapshot as snapshots
from .asking import ask_calendars
from .choose import Ignoring, choose
from .hooks import Hooks, with_hooks
from .intake import many_lines
from .occupy import forget_expired, forget_expired_at, occupy, others_occupy, release_booking
from .outbox import write
from .reasons import SYSTEM
from .tell import Told, new_entry, tell_all
from .transaction import current, lock_calendars

REASON_MOST = 2000
LONGEST_MEETING = 24 * 3600
"""Seconds; what a host makes longer in a calendar isn't followed."""


def reschedule(booking_id: int, start: dt.datetime, *, actor: str, reason: str = "", now: int | None = None) -> Booking:
    """Move a booking to ``start`` (aware); its duration, guest and links stay.

    Raises :class:`SlotTaken`, :class:`SlotUnavailable`, :class:`ChangeRefused` (past, not live, without a host, or too
    late for the guest), :class:`InvalidInput` (a reason is required), :class:`Contention`.
    """
    moment = int(time.time()) if now is None else now
    db = session()

    def change(booking: Booking) -> HistoryEntry | None:
        event = booking.event_type
        check_changeable(booking, actor, moment, moving=True)
        if start == booking.starts_at:
            return None
        text = _reason(event, reason, actor)
        at, minutes = int(start.timestamp()), booking.minutes
        chosen = _free(db, booking, booking.hosts, at, minutes, moment)
        before = booking.starts_at
        release_booking(db, booking.id)
        _set_time(booking, start.astimezone(dt.UTC))
        occupy(db, event, chosen, at, at + minutes * 60, booking_id=booking.id)
        return new_entry(booking, HistoryKind.RESCHEDULED, actor, {"from": before.isoformat(), "reason": text})

    return _change(db, booking_id, change)


def follow_calendar(booking_id: int, start: dt.datetime, end: dt.datetime) -> Booking:
    """Move a booking to where its host has moved its event in a calendar: ``start`` and ``end`` are aware.

    The host may overrule the own hours, notice and grid; only other meetings and holds stand in the way.  Raises
    :class:`SlotTaken`, :class:`ChangeRefused` (over, not live, in the past, or of several hosts), :class:`Contention`.
    """
    db, moment = session(), int(time.time())
    at, until = int(start.timestamp()), int(end.timestamp())

    def change(booking: Booking) -> HistoryEntry | None:
        check_changeable(booking, "host", moment, moving=True)
        if (start, end) == (booking.starts_at, booking.ends_at):
            return None
        if len(booking.hosts) != 1 or not moment < at < until <= at + LONGEST_MEETING:
            raise ChangeRefused
        event, host_id = booking.event_type, booking.hosts[0].id
        if others_occupy(db, host_id, at, until, booking_id=booking.id, now=moment):
            raise SlotTaken
        forget_expired_at(db, host_id, at, until, moment)
        before, minutes = booking.starts_at, booking.minutes
        release_booking(db, booking.id)
        booking.ends_at = booking.starts_at + (end - start)
        _set_time(booking, start.astimezone(dt.UTC))
        occupy(db, event, [host_id], at, until, booking_id=booking.id)
        detail = {"from": before.isoformat(), "minutes": minutes, "reason": ""}
        return new_entry(booking, HistoryKind.RESCHEDULED, "host", detail)

    return _change(db, booking_id, change)


def cancel(booking_id: int, *, actor: str, reason: str = "", now: int | None = None) -> Booking:
    """Cancel a booking; its time is free at once.  Cancelling again changes nothing.

    Raises :class:`ChangeRefused`, :class:`InvalidInput` (a reason is required), :class:`Contention`.
    """
    moment = int(time.time()) if now is None else now
    db = session()

    def change(booking: Booking) -> HistoryEntry | None:
        if booking.status is BookingStatus.CANCELLED:
            return None
        check_changeable(booking, actor, moment, moving=False)
        return _end(db, booking, HistoryKind.CANCELLED, actor, _reason(booking.event_type, reason, actor))

    return _change(db, booking_id, change)


def decline(booking_id: int, *, reason: str = "", actor: str = "host") -> Booking:
    """Say no to a request; its time is free at once.  Raises :class:`ChangeRefused` when there is no request."""
    db = session()

    def change(booking: Booking) -> HistoryEntry | None:
        if booking.status is not BookingStatus.PENDING:
            raise ChangeRefused(_("This request was answered already."))
        return _end(db, booking, HistoryKind.DECLINED, actor, many_lines(reason)[:REASON_MOST])

    return _change(db, booking_id, change)


def accept(booking_id: int) -> Booking:
    """Say yes to a request.  Raises :class:`ChangeRefused` when there is no request, or no host any more."""
    db = session()

    def change(booking: Booking) -> HistoryEntry | None:
        if booking.status is not BookingStatus.PENDING:
            raise ChangeRefused(_("This request was answered already."))
        if not booking.hosts:
            raise ChangeRefused(_("Nobody holds this meeting any more. Give it to a host first, or decline it."))
        booking.status, booking.pending_until = BookingStatus.CONFIRMED, None
        booking.sequence += 1
        return new_entry(booking, HistoryKind.ACCEPTED, "host")

    return _change(db, booking_id, change)


def mark(booking_id: int, status: BookingStatus, *, actor: str = "host") -> Booking:
    """Say that a meeting was held (``completed``) or that the guest didn't come (``no_show``).

    Raises :class:`ChangeRefused` before the meeting began, and for moves that aren't legal.
    """
    db = session()

    def change(booking: Booking) -> HistoryEntry | None:
        if booking.status is status:
            return None
        if status not in LEGAL_MOVES[booking.status] or status is BookingStatus.CANCELLED:
            raise ChangeRefused
        if booking.starts_at > utcnow():
            raise ChangeRefused(_("This meeting hasn't begun yet."))
        booking.status = status
        return new_entry(booking, HistoryKind(status.value), actor)

    return _change(db, booking_id, change)


def reassign(booking_id: int, host_id: int, *, now: int | None = None) -> Booking:
    """Give a meeting to another host, who must be free then.  Raises :class:`SlotTaken` and :class:`ChangeRefused`."""
    moment = int(time.time()) if now is None else now
    db = session()

    def change(booking: Booking) -> HistoryEntry | None:
        new = db.get(Host, host_id)
        if new is None or not new.active or not crm().same_tenant(new.user, booking.event_type.page.host.user):
            raise NotBookable(_("There is no such host."))
        if [host.id for host in booking.hosts] == [host_id]:
            return None
        check_changeable(booking, "host", moment, moving=False)
        at, minutes = (
            int(booking.starts_at.timestamp()),
            booking.minutes,
        )
        _free(db, booking, [new], at, minutes, moment)
        release_booking(db, booking.id)
        before = [host.id for host in booking.hosts]
        booking.hosts = [new]
        occupy(db, booking.event_type, [host_id], at, at + minutes * 60, booking_id=booking.id)
        booking.sequence += 1
        left, joined = [one for one in before if one != host_id], [host_id] if host_id not in before else []
        return new_entry(booking, HistoryKind.REASSIGNED, "host", {"left": left, "joined": joined})

    return _change(db, booking_id, change, also=[host_id])


def remind_guest(booking_id: int, wanted: bool) -> Booking:
    """Let the guest get the reminders and follow-ups of a booking, or none of them any more."""
    db = session()

    def change(booking: Booking) -> None:
        booking.no_reminders = not wanted
        write(db, reminders.plan(db, booking))

    return _change(db, booking_id, change)


def complete_past(*, limit: int = 200) -> int:
    """Mark confirmed meetings that are over as completed, and let requests lapse that nobody answered.

    Returns how many were changed; call again while it equals ``limit``.
    """
    db = session()
    now = utcnow()
    over = db.execute(
        sa.select(Booking.id, Booking.status)
        .where(
            sa.or_(
                (Booking.status == BookingStatus.CONFIRMED) & (Booking.ends_at <= now),
                (Booking.status == BookingStatus.PENDING) & (Booking.pending_until <= now),
            )
        )
        .order_by(Booking.id)
        .limit(limit)
    ).all()
    for booking_id, status in over:
        try:
            if status is BookingStatus.CONFIRMED:
                mark(booking_id, BookingStatus.COMPLETED, actor=SYSTEM)
            else:
                decline(booking_id, actor=SYSTEM)
        except ChangeRefused:
            continue  # somebody changed it in the meantime
    return len(over)


def check_changeable(booking: Booking, actor: str, now: int, *, moving: bool) -> None:
    """Raise :class:`ChangeRefused` with the reason why ``actor`` may not move or cancel the booking now."""
    event = booking.event_type
    if not booking.live:
        raise ChangeRefused(_("This meeting was already cancelled or is over."))
    starts = int(booking.starts_at.timestamp())
    if (starts if actor == "guest" else int(booking.ends_at.timestamp())) <= now:
        raise ChangeRefused(_("This meeting has begun and can't be changed any more."))
    left = moving and not booking.hosts
    if actor != "guest":
        if left:
            raise ChangeRefused(_("Nobody holds this meeting any more. Give it to a host first."))
        return
    if left or not (event.may_reschedule if moving else event.may_cancel):
        raise ChangeRefused(_("Please contact the host to change this meeting."))
    if starts - event.change_cutoff * 60 <= now:
        raise ChangeRefused(_("It is too late to change this meeting here. Please contact the host."))


def _reason(event: EventType, reason: str, actor: str) -> str:
    text = many_lines(reason)
    if event.reason_required and actor == "guest" and not text:
        raise InvalidInput(_("Please give a reason."), fields={"reason": _("Please give a reason.")})
    if len(text) > REASON_MOST:
        most = _("Please use at most %(most)s characters.", most=REASON_MOST)
        raise InvalidInput(most, fields={"reason": most})
    return text


def _set_time(booking: Booking, start: dt.datetime) -> None:
    length = booking.ends_at - booking.starts_at
    booking.starts_at, booking.ends_at = start, start + length
    booking.starts_local = start.astimezone(zone(booking.host_time_zone)).replace(tzinfo=None)
    if booking.pending_until is not None:
        booking.pending_until = start
    booking.sequence += 1


def _end(db: Session, booking: Booking, kind: HistoryKind, actor: str, reason: str) -> HistoryEntry:
    release_booking(db, booking.id)
    booking.status = BookingStatus.CANCELLED
    booking.cancelled_at, booking.cancelled_by, booking.reason = utcnow(), actor, reason
    booking.sequence += 1
    return new_entry(booking, kind, actor, {"reason": reason})


def _free(db: Session, booking: Booking, hosts: c.Sequence[Host], at: int, minutes: int, now: int) -> list[int]:
    """The hosts, all of whom must be free at ``at`` (epoch seconds), whatever the event type says of new bookings.

    Raises :class:`SlotTaken` and :class:`SlotUnavailable`.
    """
    snapshot = snapshots.load(
        db, booking.event_type, hosts, at, at + 1, now=now, longest=minutes, locked=True, final=True
    )
    snapshot = dataclasses.replace(snapshot, assignment=Assignment.ALL)
    forget_expired(db, snapshot.calendars, now)
    return choose(snapshot, minutes, at, now=now, ignoring=Ignoring(booking_id=booking.id))


def _change(
    db: Session, booking_id: int, change: c.Callable[[Booking], HistoryEntry | None], *, also: c.Sequence[int] = ()
) -> Booking:
    """Run ``change`` on the booking as it is now, with its hosts' calendars locked, and tell everybody."""

    def work(hooks: Hooks) -> tuple[Booking, Told | None]:
        _lock_hosts_of(db, booking_id, also)
        booking = db.scalar(current(sa.select(Booking).where(Booking.id == booking_id)))
        if booking is None:
            raise NotBookable
        db.expire(booking, ["hosts"])
        entry = change(booking)
        return booking, tell_all(db, booking, entry, hooks) if entry else None

    try:
        booking, told = with_hooks(db, work)
    except CalendarUnknown:
        its_hosts = db.scalars(sa.select(BookingHost.host_id).where(BookingHost.booking_id == booking_id))
        if not ask_calendars(db, [*its_hosts, *also]):
            raise
        booking, told = with_hooks(db, work)
    if told is not None:
        told.spread(booking)
    return booking


def _lock_hosts_of(db: Session, booking_id: int, also: c.Iterable[int]) -> None:
    """Lock the calendars of a booking's hosts, and of others.  Whoever had the lock before may have given the booking
    other hosts: those are locked as well."""
    hosts = sa.select(BookingHost.host_id).where(BookingHost.booking_id == booking_id)
    locked: set[int] = set()
    while missing := {*db.scalars(hosts), *also} - locked:
        lock_calendars(db, missing)
        locked |= missing
