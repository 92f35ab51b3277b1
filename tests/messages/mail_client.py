"""A small model of what a mail client does with invitations: reads the bytes that arrived, keeps a calendar.

It follows RFC 5546 (who may add, update and cancel, and by which SEQUENCE) and RFC 6047 (the MIME parts), and refuses
what Gmail, Outlook and Apple Mail refuse.
"""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import re
from dataclasses import dataclass, field
from email.message import EmailMessage

import icalendar


class Unreadable(AssertionError):
    """A client would show a broken attachment instead of an event."""


@dataclass(frozen=True)
class Entry:
    """An event in the reader's calendar."""

    uid: str
    sequence: int
    stamp: dt.datetime
    starts: dt.datetime
    ends: dt.datetime
    summary: str


@dataclass
class MailClient:
    """The mailbox and calendar of one reader."""

    address: str
    inbox: list[EmailMessage] = field(default_factory=list)
    calendar: dict[str, Entry] = field(default_factory=dict)
    known: dict[str, tuple[int, dt.datetime]] = field(default_factory=dict)

    def receive(self, raw: bytes) -> None:
        """Take a mail as it came over the wire."""
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        if any(earlier["Message-ID"] == message["Message-ID"] for earlier in self.inbox):
            return  # servers and clients show the same Message-ID once
        check_mail(raw, message)
        self.inbox.append(message)
        event_part = calendar_part(message)
        if event_part is not None:
            self._apply(event_part)

    def _apply(self, part: EmailMessage) -> None:
        calendar, event = read_calendar(part)
        method = str(calendar["METHOD"])
        organizer = _address(event["ORGANIZER"])
        if organizer == self.address.lower():
            return  # a client ignores what claims to come from its own reader
        attendees = event.get("ATTENDEE", [])
        attendees = attendees if isinstance(attendees, list) else [attendees]
        if self.address.lower() not in [_address(attendee) for attendee in attendees]:
            raise Unreadable("the reader isn't invited")
        uid, sequence, stamp = str(event["UID"]), int(event["SEQUENCE"]), event.decoded("DTSTAMP")
        if uid in self.known and (sequence, stamp) < self.known[uid]:
            return  # RFC 5546 §2.1.5: an older message that was overtaken
        self.known[uid] = (sequence, stamp)
        if method == "REQUEST":
            starts, ends = event.decoded("DTSTART"), event.decoded("DTEND")
            self.calendar[uid] = Entry(uid, sequence, stamp, starts, ends, str(event["SUMMARY"]))
        elif method == "CANCEL":
            self.calendar.pop(uid, None)


def check_mail(raw: bytes, message: EmailMessage) -> None:
    """Raise :class:`Unreadable` unless the mail is well formed (RFC 5322, 2045) and its parts are where they belong."""
    if re.search(rb"(?<!\r)\n|\r(?!\n)", raw):
        raise Unreadable("a bare CR or LF on the wire")
    if max(map(len, raw.split(b"\r\n"))) > 998:
        raise Unreadable("a line is too long for SMTP")
    for name in ("From", "To", "Subject", "Date", "Message-ID"):
        if len(message.get_all(name, [])) != 1:
            raise Unreadable(f"{name} isn't there exactly once")
    for header in message.values():
        if header.defects:
            raise Unreadable(f"defects in {header!r}: {header.defects}")
    for part in message.walk():
        if part.defects:
            raise Unreadable(f"defects in the MIME structure: {part.defects}")
    if message["Auto-Submitted"] != "auto-generated":
        raise Unreadable("holiday notices would answer")
    kinds = [part.get_content_type() for part in message.walk()]
    invited = [*_ALTERNATIVE, "text/calendar", "application/ics"]
    if kinds not in (_ALTERNATIVE, ["multipart/mixed", *invited]):
        raise Unreadable(f"parts out of order: {kinds}")
    if kinds[0] == "multipart/mixed":
        calendar, attached = list(message.walk())[-2:]
        if calendar.get_payload(decode=True) != attached.get_payload(decode=True):
            raise Unreadable("the attachment differs from the invitation")
        if attached.get_filename() != "invite.ics":
            raise Unreadable("the attachment has no name")


_ALTERNATIVE = ["multipart/alternative", "text/plain", "text/html"]


def calendar_part(message: EmailMessage) -> EmailMessage | None:
    """The part with the invitation, None when the mail has none."""
    return next((part for part in message.walk() if part.get_content_type() == "text/calendar"), None)  # type: ignore[return-value]


def read_calendar(part: EmailMessage) -> tuple[icalendar.Calendar, icalendar.Event]:
    """The calendar object and its one event, checked as strictly as Outlook does."""
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    check_calendar(data)
    if part.get_content_charset() != "utf-8":
        raise Unreadable("the charset isn't said")
    calendar = icalendar.Calendar.from_ical(data)
    if str(part.get_param("method")) != str(calendar["METHOD"]):
        raise Unreadable("METHOD differs from the MIME parameter")
    events = calendar.walk("VEVENT")
    if len(events) != 1 or len(calendar.subcomponents) != 1:
        raise Unreadable("not exactly one event")
    event = events[0]
    for name in ("UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "ORGANIZER", "SEQUENCE", "STATUS"):
        if name not in event or isinstance(event[name], list):
            raise Unreadable(f"{name} isn't there exactly once")
    if (str(event["STATUS"]) == "CANCELLED") != (str(calendar["METHOD"]) == "CANCEL"):
        raise Unreadable("STATUS contradicts METHOD")
    return calendar, event


def check_calendar(data: bytes) -> None:
    """Raise :class:`Unreadable` unless the bytes keep to RFC 5545 §3.1: CRLF, 75 octets a line, UTF-8."""
    if re.search(rb"(?<!\r)\n|\r(?!\n)", data) or not data.endswith(b"END:VCALENDAR\r\n"):
        raise Unreadable("lines don't end with CRLF")
    for line in data.split(b"\r\n"):
        if len(line) > 75:
            raise Unreadable("a line isn't folded")
        line.decode()  # a fold must not split a character
    if re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", data):
        raise Unreadable("a control character")
    names = re.findall(rb"^([A-Z-]+)[:;]", data.replace(b"\r\n ", b""), re.MULTILINE)
    if names.index(b"METHOD") > names.index(b"BEGIN", 1):
        raise Unreadable("METHOD comes after the event")


def _address(value: object) -> str:
    return str(value).lower().removeprefix("mailto:")
