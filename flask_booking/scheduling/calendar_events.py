"""Bookings as events in the calendars of their hosts: what is intended, written with the booking.

That there is a row for a booking and a host means that the calendar's service tells the host of the meeting: mails to
that host carry no invitation then, else the calendar would have it twice.  The event itself is written by a job.
"""

from __future__ import annotations

import base64
import collections.abc as c
import dataclasses
import secrets
import typing as t

import sqlalchemy as sa

from ..links import base_url
from ..models import (
    Booking,
    BookingStatus,
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
from .invited import Elsewhere, by_mail, elsewhere
from .outbox import Message, change_key, message
from .places import CALENDAR_LINKS, link_missing, service_links

_AGREEING = frozenset({HistoryKind.BOOKED, HistoryKind.ACCEPTED})
_CHANGING = frozenset({HistoryKind.RESCHEDULED, HistoryKind.CANCELLED, HistoryKind.REASSIGNED})
NO_LINK = "no_link"
"""The problem of an event whose service made no meeting link: it is known that none will come."""
OWN_LINK = "own_link"
"""The problem of a link that needn't be made: the host gave one."""
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
    """What calendars and makers of links have to be told, and what mails need to know of it."""

    messages: list[Message] = dataclasses.field(default_factory=list)
    elsewhere: Elsewhere = dataclasses.field(default_factory=Elsewhere)
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
    events = [] if new else events_of(session, booking)
    link = None if new else session.scalar(sa.select(MeetingLink).where(MeetingLink.booking_id == booking.id))
    messages: list[Message] = []
    if entry.kind is HistoryKind.REASSIGNED:
        messages += _hand_over(booking, entry, events, link)
    if agreed:
        added = _missing_events(session, booking, events)
        events += added
        _ask_for_link(session, booking, events)
        if link is None and booking.location.get("kind") in service_links():
            link = MeetingLink(booking_id=booking.id)
            session.add(link)
        session.add_all(added)
    if link is not None and link.connection_id is None and booking.status is BookingStatus.CONFIRMED:
        link.connection_id = service_account(session, booking)
    if not events and link is None:
        return NOTHING
    mailed = by_mail(booking) if events and not new else {}
    if agreed and None in mailed:
        _leave_to_mails(booking, events, mailed[None])
    session.flush()
    why = change_key(booking, entry)
    if link is not None:
        messages.append(_to_service(booking, why))
    messages += [calendar_message(booking, event.host_id, why, host=event.host) for event in events]
    return Planned(messages, elsewhere(booking, events, mailed), _link_to_come(session, booking, events, link))


def _leave_to_mails(booking: Booking, events: c.Iterable[CalendarEvent], uid: str) -> None:
    """Have no event invite a guest whose calendar has the meeting from our mails, by the name of ``uid``.

    Only a service that has invited by that same name goes on.  An event that is to be removed stays as it is: by that
    its service tells the guest.
    """
    held = {host.id for host in booking.hosts}
    for event in events:
        same = event.remote_uid == uid and event.state is not EventState.REMOVED
        if event.host_id in held and not same:
            event.invites = False


def events_of(session: Session, booking: Booking) -> list[CalendarEvent]:
    """The booking's events in the calendars of its hosts, former ones included."""
    mine = sa.select(CalendarEvent).where(CalendarEvent.booking_id == booking.id).order_by(CalendarEvent.host_id)
    return list(session.scalars(mine.execution_options(populate_existing=True)))


def _missing_events(session: Session, booking: Booking, there: c.Sequence[CalendarEvent]) -> list[CalendarEvent]:
    """A row for each host with a calendar for events that has none."""
    hosts = list(booking.hosts)
    have = {event.host_id for event in there}
    own_key, _at, domain = booking.uid.partition("@")
    found = []
    for number, (host_id, target) in enumerate(mirrored.targets(session, hosts).items()):
        if target is None or host_id in have:
            continue
        first = number == 0
        found.append(
            CalendarEvent(
                booking_id=booking.id,
                host_id=host_id,
                calendar_id=target.calendar_id,
                key=own_key if first and not there and domain in _UIDS.values() else new_key(),
                state=EventState.WANTED,
                invites=first and target.invites,
                conference="",
            )
        )
    return found


def _ask_for_link(session: Session, booking: Booking, events: c.Iterable[CalendarEvent]) -> None:
    """Have the first host whose calendar makes such links make the meeting's, unless it has one."""
    kind = booking.location.get("kind")
    if kind not in CALENDAR_LINKS or booking.location.get("url"):
        return
    targets = mirrored.targets(session, list(booking.hosts))
    for event in events:
        target = targets.get(event.host_id)
        if target is not None and target.calendar_id == event.calendar_id and kind in target.conferencing:
            event.conference = str(kind)
            return


def _hand_over(
    booking: Booking, entry: HistoryEntry, events: c.Iterable[CalendarEvent], link: MeetingLink | None
) -> list[Message]:
    """Give up a link whose maker is one who holds the meeting no more: only the owner of an account can begin it.

    A guest who was invited by that host's calendar is told by it that the meeting is off.  Who then gets an invitation
    of ours must not have it cancelled by the same name.
    """
    held = {host.id for host in booking.hosts}
    gone = [event for event in events if event.host_id not in held]
    if any(event.invites and event.state is not EventState.REMOVED for event in gone):
        booking.uid = f"booking-{booking.public_id}-{entry.id}@flask-booking"
    left = any(event.conference for event in gone)
    messages = []
    if link is not None and (link.connection is None or link.connection.host_id not in held):
        left = True
        if link.connection_id is not None:
            messages.append(_to_service(booking, f"{entry.kind}:{entry.id}", leaving=link))
        link.connection_id, link.remote_id, link.sequence = None, "", -1
        link.state, link.problem = EventState.WANTED, ""
    if left:
        booking.location = {key: value for key, value in booking.location.items() if key != "password"} | {"url": ""}
    return messages


def service_account(session: Session, booking: Booking) -> int | None:
    """The account that makes the link: of the first host who has one that works, or else of one who has any."""
    host_ids, provider = [host.id for host in booking.hosts], booking.location["kind"]
    found = session.execute(
        sa.select(Connection.host_id, Connection.id)
        .where(Connection.host_id.in_(host_ids), Connection.provider == provider)
        .order_by(Connection.state != ConnectionState.ACTIVE, Connection.host_id, Connection.id)
    ).first()
    return found[1] if found else None


def _link_to_come(
    session: Session, booking: Booking, events: c.Iterable[CalendarEvent], link: MeetingLink | None
) -> bool:
    """Whether mails are worth holding back: a link is about to be made."""
    if not link_missing(booking.location) or booking.status is not BookingStatus.CONFIRMED:
        return False
    if link is not None:
        account = session.get(Connection, link.connection_id) if link.connection_id is not None else None
        return account is not None and account.state is ConnectionState.ACTIVE and link.state is EventState.WANTED
    making = [event for event in events if event.conference and event.calendar_id is not None]
    return any(event.state is not EventState.FAILED and event.problem != NO_LINK for event in making)


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


def ask_again(session: Session, booking: Booking) -> list[Message]:
    """Have a link made that couldn't be made before: by the account that was to make it, or one that is there now."""
    why = f"again:{secrets.token_hex(4)}"
    link = session.scalar(sa.select(MeetingLink).where(MeetingLink.booking_id == booking.id))
    if link is None and booking.location.get("kind") in service_links():
        link = MeetingLink(booking_id=booking.id)
        session.add(link)
    if link is not None:
        link.connection_id = link.connection_id or service_account(session, booking)
        link.state, link.problem = EventState.WANTED, ""
        session.flush()
        return [_to_service(booking, why)]
    events = events_of(session, booking)
    _ask_for_link(session, booking, [event for event in events if not event.conference])
    asked = [event for event in events if event.conference]
    for event in asked:
        if event.problem == NO_LINK:
            event.fingerprint, event.state = "", EventState.WANTED  # else it would only be looked at
        event.problem = ""
    session.flush()
    return [calendar_message(booking, event.host_id, why, host=event.host) for event in asked]


def give_up_making(session: Session, booking: Booking) -> list[Message]:
    """Have no link made (any more): the host gave one."""
    for event in events_of(session, booking):
        event.conference, event.problem = "", event.problem if event.problem != NO_LINK else ""
    link = session.scalar(sa.select(MeetingLink).where(MeetingLink.booking_id == booking.id))
    if link is None:
        return []
    link.problem = OWN_LINK
    link.state = EventState.WANTED if link.state is not EventState.REMOVED else link.state
    session.flush()
    return [_to_service(booking, f"own:{secrets.token_hex(4)}")] if link.connection_id is not None else []


def _to_service(booking: Booking, why: str, *, leaving: MeetingLink | None = None) -> Message:
    """What has the meeting at a service made into what the booking is, or with ``leaving`` taken back there."""
    payload: dict[str, t.Any] = {"base_url": base_url()}
    if leaving is not None:
        payload["leaving"] = {"connection_id": leaving.connection_id, "remote_id": leaving.remote_id}
    return message(
        topic="conference",
        kind=why.partition(":")[0],
        dedupe_key=f"{booking.uid}:{why}:conference{':leaving' if leaving else ''}",
        booking=booking,
        recipient=_address(leaving.connection.host if leaving and leaving.connection else booking.answering[0])
        or "host",
        payload=payload,
    )


def _address(host: Host | None) -> str:
    return crm().email_of(host.user) if host is not None else ""
