"""Calendar invitations: one meeting as an iCalendar object that mail clients understand (RFC 5545, 5546, 6047).

A meeting has one UID for life; each change and the cancellation raise SEQUENCE.  ORGANIZER is the sending mailbox with
the host's name: a client ignores a REQUEST whose organizer is its own reader, so a host who were the organizer would
never get the meeting into the calendar from mail.  Hosts are therefore attendees who have accepted.

Times are UTC, which needs no VTIMEZONE and can't be misread.
"""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass

import icalendar

from .plain import NAME_LENGTH, one_line, some_lines

PRODUCT = "-//flask-booking//flask_booking//EN"


class Method(enum.StrEnum):
    """What the receiving calendar shall do (RFC 5546 §1.4)."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"
    PUBLISH = "PUBLISH"
    """A copy to keep, with nobody to answer: downloads and feeds.  Attendees are left out (RFC 5546 §3.2.1)."""


class Partstat(enum.StrEnum):
    """Whether an attendee comes (RFC 5545 §3.2.12)."""

    NEEDS_ACTION = "NEEDS-ACTION"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    TENTATIVE = "TENTATIVE"


class Status(enum.StrEnum):
    """Where the meeting stands (RFC 5545 §3.8.1.11)."""

    TENTATIVE = "TENTATIVE"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True)
class Person:
    """A name, which may be empty or hostile, and a mail address."""

    name: str
    email: str


@dataclass(frozen=True)
class Attendee:
    """A person who takes part, whether they come, and whether an answer is asked for."""

    person: Person
    partstat: Partstat = Partstat.NEEDS_ACTION
    rsvp: bool = True


@dataclass(frozen=True)
class Invitation:
    """One meeting as it is told to one reader.  ``starts``, ``ends`` and ``stamp`` are aware datetimes.

    ``stamp`` is when this message was made (DTSTAMP); it must be the same when the message is made again.
    """

    method: Method
    uid: str
    sequence: int
    starts: dt.datetime
    ends: dt.datetime
    stamp: dt.datetime
    status: Status
    summary: str
    organizer: Person
    attendees: tuple[Attendee, ...] = ()
    description: str = ""
    location: str = ""
    url: str = ""


def host_attends(person: Person) -> Attendee:
    """A host: comes, and is asked nothing."""
    return Attendee(person, Partstat.ACCEPTED, rsvp=False)


def guest_attends(person: Person) -> Attendee:
    """A guest: the client shows its buttons to answer."""
    return Attendee(person, Partstat.NEEDS_ACTION, rsvp=True)


def calendar_bytes(invitation: Invitation) -> bytes:
    """The iCalendar object: UTF-8, CRLF, folded at 75 octets.  The same invitation always gives the same bytes."""
    calendar = icalendar.Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", PRODUCT)
    calendar.add("method", invitation.method.value)
    calendar.add_component(_event(invitation))
    return bytes(calendar.to_ical(sorted=True))


def _event(invitation: Invitation) -> icalendar.Event:
    event = icalendar.Event()
    event.add("uid", one_line(invitation.uid))
    event.add("sequence", invitation.sequence)
    event.add("dtstamp", _utc(invitation.stamp))
    event.add("dtstart", _utc(invitation.starts))
    event.add("dtend", _utc(invitation.ends))
    event.add("status", invitation.status.value)
    event.add("transp", "TRANSPARENT" if invitation.status is Status.CANCELLED else "OPAQUE")
    event.add("summary", one_line(invitation.summary))
    event.add("organizer", _mailbox(invitation.organizer), encode=False)
    for attendee in invitation.attendees if invitation.method is not Method.PUBLISH else ():
        event.add("attendee", _attendee(attendee), encode=False)
    if description := some_lines(invitation.description):
        event.add("description", description)
    if location := one_line(invitation.location):
        event.add("location", location)
    if url := _uri(invitation.url):
        event.add("url", url)
    return event


def _utc(value: dt.datetime) -> dt.datetime:
    if value.tzinfo is None:
        raise ValueError("an invitation needs aware datetimes")
    return value.astimezone(dt.UTC).replace(microsecond=0)


def _mailbox(person: Person) -> icalendar.vCalAddress:
    address = icalendar.vCalAddress("mailto:" + checked_address(person.email))
    # A parameter's value can't hold a quote (RFC 5545 §3.1), and has no escape that all clients know.
    if name := one_line(person.name, NAME_LENGTH).replace('"', "'"):
        address.params["CN"] = icalendar.vText(name)
    return address


def _attendee(attendee: Attendee) -> icalendar.vCalAddress:
    address = _mailbox(attendee.person)
    for name, value in (
        ("CUTYPE", "INDIVIDUAL"),
        ("ROLE", "REQ-PARTICIPANT"),
        ("PARTSTAT", attendee.partstat.value),
        ("RSVP", "TRUE" if attendee.rsvp else "FALSE"),
    ):
        address.params[name] = icalendar.vText(value)
    return address


def checked_address(email: str) -> str:
    """``email`` if it is one address that is safe in headers and calendar lines; ValueError otherwise."""
    local, at, domain = email.rpartition("@")
    if not (at and local and domain) or len(email) > 320 or one_line(email, 320) != email:
        raise ValueError("not a mail address")
    if any(character in ' "<>(),:;\\[]' for character in email):
        raise ValueError("not a mail address that can be written without quoting")
    if not all((*local.split("."), *domain.split("."))) or "@" in local:
        raise ValueError("not a mail address: something is missing beside a dot, or there is an @ too many")
    return email


def _uri(url: str) -> str:
    return url if url.startswith(("https://", "http://")) and not set(url) & set(' \r\n\t"<>') else ""
