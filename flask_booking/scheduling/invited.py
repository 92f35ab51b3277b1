"""Who invites whom to a meeting: we do by mail, or the service of a host's calendar does.

Each reader is invited by one side alone.  Who was invited by mail goes on being told by mail, whatever becomes of the
events: what the mail put into a calendar is changed only by another mail.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

import sqlalchemy as sa

from ..models import (
    Booking,
    BookingHost,
    BookingStatus,
    CalendarEvent,
    EventState,
    Host,
    MessageState,
    OutboxMessage,
)
from ..state import session

LINKED = "linked"
"""The kind of the mail that brings a link after the confirmation."""
INVITED = "invited"
"""The kind of the mail that brings the invitation where a calendar's service should have, and didn't."""
INVITING = ("booked", "accepted", "rescheduled", "reassigned", LINKED, INVITED)
"""The kinds of mails that carry an invitation, unless a calendar's service sends it."""
CANCELLED = "cancelled"


@dataclasses.dataclass(frozen=True)
class Elsewhere:
    """Who has a meeting from the service of a calendar: ``hosts``, and with ``invites`` the guest.

    ``uids`` are the names by which the calendars of the others know it, where that isn't the booking's own: by the
    host's key, and by None the guest's.
    """

    hosts: frozenset[int] = frozenset()
    invites: bool = False
    uids: c.Mapping[int | None, str] = dataclasses.field(default_factory=dict)

    def said(self, host: Host | None) -> dict[str, t.Any]:
        """What a mail to ``host``, or to the guest, has to know of it."""
        reached = self.invites if host is None else host.id in self.hosts
        if reached:
            return {"in_calendar": True}
        uid = self.uids.get(host.id if host is not None else None)
        return {"uid": uid} if uid else {}


def elsewhere(
    booking: Booking, events: c.Iterable[CalendarEvent], mailed: c.Mapping[int | None, str] | None = None
) -> Elsewhere:
    """Who has ``booking`` from a calendar's service now; ``mailed`` is what :func:`by_mail` says."""
    events = list(events)
    if mailed is None:
        mailed = by_mail(booking) if events else {}
    reached: list[CalendarEvent] = []
    uids: dict[int | None, str] = {
        reader: uid for reader, uid in mailed.items() if reader is not None and uid != booking.uid
    }
    held = {host.id for host in booking.hosts}
    for event in events:
        if event.calendar_id is not None and event.state is not EventState.FAILED:
            reached.append(event)
        elif event.remote_uid and event.remote_uid != booking.uid and event.state is not EventState.REMOVED:
            uids[event.host_id] = event.remote_uid
            if event.invites and event.host_id in held:
                uids[None] = event.remote_uid
    invites = any(event.invites and event.host_id in held for event in reached)
    hosts = frozenset(event.host_id for event in reached if event.host_id not in mailed)
    return Elsewhere(hosts, invites, uids)


def by_mail(booking: Booking) -> dict[int | None, str]:
    """Whose calendars have the meeting from our mails, and by what UID: by the host's key, and by None the guest."""
    mails = sa.select(OutboxMessage.kind, OutboxMessage.payload).where(
        OutboxMessage.booking_id == booking.id,
        OutboxMessage.topic == "mail",
        OutboxMessage.kind.in_((*INVITING, CANCELLED)),
        OutboxMessage.rule_id.is_(None),
        OutboxMessage.state != MessageState.DROPPED,
    )
    found: dict[int | None, str] = {}
    for kind, said in session().execute(mails.order_by(OutboxMessage.id)):
        if said.get("in_calendar") or said.get("status") == BookingStatus.PENDING:
            continue
        if kind == CANCELLED:
            found.pop(said.get("host_id"), None)
        else:
            found[said.get("host_id")] = str(said.get("uid") or booking.uid)
    return found


def guests_uid(booking: Booking) -> str:
    """The name by which the guest's calendar knows the meeting from a service that invited; empty when none did."""
    holders = sa.select(BookingHost.host_id).where(BookingHost.booking_id == booking.id)
    invited = sa.select(CalendarEvent.remote_uid).where(
        CalendarEvent.booking_id == booking.id,
        CalendarEvent.host_id.in_(holders),
        CalendarEvent.invites,
        CalendarEvent.state != EventState.REMOVED,
    )
    return session().scalar(invited.limit(1)) or ""
