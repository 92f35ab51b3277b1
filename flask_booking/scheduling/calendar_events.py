"""Bookings as events in the calendars of their hosts: what is intended, written with the booking.

That there is a row for a booking and a host means that the calendar's service tells the host of the meeting: mails to
that host carry no invitation then, else the calendar would have it twice.  The event itself is written by a job.
"""

from __future__ import annotations

import base64
import collections.abc as c
import dataclasses
import secrets

import sqlalchemy as sa

from ..links import base_url
from ..models import (
    Booking,
    CalendarEvent,
    Connection,
    ConnectionState,
    EventState,
    HistoryEntry,
    HistoryKind,
    Host,
    MeetingLink,
)
from ..state import Session, crm
from . import mirrored
from .outbox import Message, change_key, message

_AGREEING = frozenset({HistoryKind.BOOKED, HistoryKind.ACCEPTED})
_CHANGING = frozenset({HistoryKind.RESCHEDULED, HistoryKind.CANCELLED, HistoryKind.REASSIGNED})
CALENDAR_LINKS = frozenset({"google_meet", "teams"})
"""Places whose link is made with the event in the host's calendar."""
SERVICE_LINKS = frozenset({"zoom"})
"""Places whose link is made by a service of its own."""
MADE_LINKS = CALENDAR_LINKS | SERVICE_LINKS
_UIDS = {"google": "google.com"}
"""Services that name an event's UID after the event: its guests must be invited by the same one."""


def new_key() -> str:
    """128 random bits in base32hex (RFC 4648 §7), 26 characters: a name for an event that every service takes."""
    return base64.b32hexencode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def choose_uid(session: Session, booking: Booking, hosts: c.Sequence[Host]) -> None:
    """Give a booking that isn't written yet the UID that its event will have, where the first host's calendar is at a
    service that decides about UIDs itself."""
    target = mirrored.targets(session, hosts[:1])[hosts[0].id]
    if target is not None and target.provider in _UIDS:
        booking.uid = f"{new_key()}@{_UIDS[target.provider]}"


@dataclasses.dataclass(frozen=True)
class Planned:
    """What calendars and makers of links have to be told, and what mails need to know of it.

    ``hosts`` have the meeting from their calendar's service; ``invites`` says that it invites the guest too.
    """

    messages: list[Message] = dataclasses.field(default_factory=list)
    hosts: frozenset[int] = frozenset()
    invites: bool = False
    link_to_come: bool = False


NOTHING = Planned()


def plan(session: Session, booking: Booking, entry: HistoryEntry) -> Planned:
    """Write what ``entry`` means for calendars and meeting links, and say who has to do what.

    A new booking whose hosts have neither takes no query.
    """
    agreed = entry.kind in _AGREEING or (entry.kind is HistoryKind.REASSIGNED and booking.agreed)
    if not agreed and entry.kind not in _CHANGING:
        return NOTHING
    new = entry.kind is HistoryKind.BOOKED
    events = [] if new else _events(session, booking)
    link = None if new else session.scalar(sa.select(MeetingLink).where(MeetingLink.booking_id == booking.id))
    if agreed:
        added = _missing_events(session, booking, events)
        if link is None and booking.location.get("kind") in SERVICE_LINKS:
            link = MeetingLink(booking_id=booking.id, connection_id=_service_account(session, booking))
            session.add(link)
        session.add_all(added)
        events += added
    if not events and link is None:
        return NOTHING
    session.flush()
    messages = [_to_service(booking, entry)] if link is not None else []
    why = change_key(booking, entry)
    messages += [calendar_message(booking, event.host_id, why, host=event.host) for event in events]
    reached = [event for event in events if event.calendar_id is not None and event.state is not EventState.FAILED]
    return Planned(
        messages,
        frozenset(event.host_id for event in reached),
        invites=any(event.invites for event in reached),
        link_to_come=not booking.location.get("url") and (link is not None or any(one.conference for one in events)),
    )


def _events(session: Session, booking: Booking) -> list[CalendarEvent]:
    mine = sa.select(CalendarEvent).where(CalendarEvent.booking_id == booking.id).order_by(CalendarEvent.host_id)
    return list(session.scalars(mine))


def _missing_events(session: Session, booking: Booking, there: c.Sequence[CalendarEvent]) -> list[CalendarEvent]:
    """A row for each host with a calendar for events that has none."""
    hosts = list(booking.hosts)
    have = {event.host_id for event in there}
    place = booking.location
    own_key, _at, domain = booking.uid.partition("@")
    found = []
    for number, (host_id, target) in enumerate(mirrored.targets(session, hosts).items()):
        if target is None or host_id in have:
            continue
        kind = str(place.get("kind") or "")
        first = number == 0
        found.append(
            CalendarEvent(
                booking_id=booking.id,
                host_id=host_id,
                calendar_id=target.calendar_id,
                key=own_key if first and not there and domain in _UIDS.values() else new_key(),
                state=EventState.WANTED,
                invites=first and target.invites,
                conference=kind if first and kind in target.conferencing and not place.get("url") else "",
            )
        )
    return found


def _service_account(session: Session, booking: Booking) -> int | None:
    """The account that makes the link: of the first host who has one."""
    host_ids, provider = [host.id for host in booking.hosts], booking.location["kind"]
    found = session.execute(
        sa.select(Connection.host_id, Connection.id)
        .where(Connection.host_id.in_(host_ids), Connection.provider == provider)
        .order_by(Connection.state != ConnectionState.ACTIVE, Connection.host_id, Connection.id)
    ).first()
    return found[1] if found else None


def calendar_message(booking: Booking, host_id: int, why: str, *, host: Host | None = None) -> Message:
    """What has the event of a host made into what the booking is when it is delivered.

    ``why`` tells it from others like it, and begins with the message's kind.
    """
    host = host or next((one for one in booking.hosts if one.id == host_id), None)
    return message(
        topic="calendar",
        kind=why.partition(":")[0],
        dedupe_key=f"{booking.uid}:{why}:calendar:{host_id}",
        booking=booking,
        recipient=_address(host) or f"host {host_id}",
        payload={"host_id": host_id, "base_url": base_url()},
    )


def _to_service(booking: Booking, entry: HistoryEntry) -> Message:
    return message(
        topic="conference",
        kind=entry.kind.value,
        dedupe_key=f"{booking.uid}:{change_key(booking, entry)}:conference",
        booking=booking,
        recipient=_address(booking.hosts[0]) or "host",
        payload={"base_url": base_url()},
    )


def _address(host: Host | None) -> str:
    return crm().email_of(host.user) if host is not None else ""
