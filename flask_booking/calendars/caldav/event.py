"""A booking as an iCalendar event in the host's own calendar, made or changed line by line (RFC 5545, 6638).

What the host's app keeps with an event (alarms, categories, properties that nobody else knows) stays as it is: only the
lines that say what the booking says are replaced.  Times are UTC, which needs no VTIMEZONE; iCloud refuses an event
without DTEND.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re

from ..ics.components import CalendarText, Component, name_end, scan, unfolded
from ..ics.occurrences import MARK, NAMED, is_cancelled, sequence_of, times_of
from ..provider import EventDraft, Guest

PRODUCT = "-//flask-booking//flask_booking//EN"

_TIMES = frozenset({"DTSTART", "DTEND", "DURATION"})
_TEXTS = ("SUMMARY", "LOCATION", "DESCRIPTION", "URL", MARK, NAMED)
_OURS = _TIMES | {*_TEXTS, "SEQUENCE", "DTSTAMP", "LAST-MODIFIED"}
# What apps derive from the description and the place; it would go on showing the old ones.
_DERIVED = {"DESCRIPTION": {"X-ALT-DESC"}, "LOCATION": {"GEO", "X-APPLE-STRUCTURED-LOCATION"}}
_BREAKS = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ADDRESS = re.compile(r"[^\s\"<>(),:;\\\[\]@]{1,250}@[^\s\"<>(),:;\\\[\]@]{1,250}")


class NotOurs(Exception):
    """The text has no event with the booking's UID."""


@dataclasses.dataclass(frozen=True)
class People:
    """Who is listed in the event.  With ``invite`` the server invites the guests, in the name of ``organizer``, who has
    to be its owner; without, it is told to leave that to us (SCHEDULE-AGENT, RFC 6638 §7.1)."""

    organizer: Guest
    guests: tuple[Guest, ...]
    invite: bool = False


def new_text(draft: EventDraft, people: People | None, now: dt.datetime) -> str:
    """The event as a resource of its own."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "BEGIN:VEVENT", f"UID:{_line(draft.uid)}"]
    lines += [*_own_lines(draft, draft.sequence, now), "STATUS:CONFIRMED", "TRANSP:OPAQUE"]
    lines += _people_lines(people, frozenset())
    return folded([*lines, "END:VEVENT", "END:VCALENDAR"])


def changed_text(
    text: str, draft: EventDraft, people: People | None, now: dt.datetime, time_zone: str = ""
) -> str | None:
    """``text`` with the booking's event as ``draft`` says; None when it says so already.

    People who are listed stay, with their answers.  Raises :class:`NotOurs`.
    """
    calendar = scan(text)
    event = ours(calendar, draft.uid)
    lines = list(unfolded(text))
    places = _places(lines, draft.uid, sequence_of(event))
    said = {name: lines[place][name_end(lines[place]) :] for place, name in reversed(places.items())}
    wanted = dict(zip(_TEXTS, _texts(draft), strict=True))
    differs = {name for name in _TEXTS if _said(said.get(name, "")) != wanted[name]}
    if times_of(calendar, event, time_zone) != (draft.starts, draft.ends):
        differs.add("DTSTART")
    if is_cancelled(event):
        differs.add("STATUS")
    known = {line.value.strip().lower().removeprefix("mailto:") for line in event.all("ATTENDEE")}
    joining = _people_lines(people, frozenset(known), organized="ORGANIZER" in said)
    if not differs and not joining and sequence_of(event) >= draft.sequence:
        return None
    drop = _OURS.union(*(_DERIVED.get(name, set()) for name in differs), differs & {"STATUS"})
    # A sequence that the host's app has raised is never lowered (RFC 5546 §2.1.4).
    add = [*_own_lines(draft, max(draft.sequence, sequence_of(event)), now), *joining]
    if "STATUS" in differs:
        add.append("STATUS:CONFIRMED")
    kept = [line for place, line in enumerate(lines) if line and places.get(place) not in drop]
    # Right behind the event's UID, which is never dropped.
    at = next(place for place, name in places.items() if name == "UID")
    before = sum(1 for place, line in enumerate(lines[: at + 1]) if line and places.get(place) not in drop)
    return folded([*kept[:before], *add, *kept[before:]])


def ours(calendar: CalendarText, uid: str) -> Component:
    """The booking's event, the whole series if the host made it one.  Raises :class:`NotOurs`."""
    found = [event for event in calendar.events if event.value("UID") == uid and not event.value("RECURRENCE-ID")]
    if not found:
        raise NotOurs
    return max(found, key=sequence_of)


def _places(lines: list[str], uid: str, sequence: int) -> dict[int, str]:
    """The event's own lines, not those of its alarms: the name of the property by the line's number."""
    places: dict[int, str] = {}
    depth = 0
    for place, line in enumerate(lines):
        name = line[: name_end(line)].strip().upper()
        kind = line[name_end(line) + 1 :].strip().upper()
        if name == "BEGIN" and kind == "VEVENT":
            places, depth = {}, 1
        elif name == "END" and kind == "VEVENT":
            values = {one: lines[at][name_end(lines[at]) + 1 :].strip() for at, one in places.items()}
            if (
                values.get("UID") == uid
                and "RECURRENCE-ID" not in values
                and (values.get("SEQUENCE", "0") or "0") == str(sequence)
            ):
                return places
            places, depth = {}, 0
        elif depth:
            depth += {"BEGIN": 1, "END": -1}.get(name, 0)
            if depth == 1 and name not in ("BEGIN", "END"):
                places[place] = name
    raise NotOurs


def _said(rest: str) -> str:
    """A TEXT value as it is meant, from what stands behind the property's name."""
    value = rest[rest.find(":") + 1 :] if not rest.startswith(";") else rest.partition(":")[2]
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value).strip()


def _texts(draft: EventDraft) -> list[str]:
    """What the properties of ``_TEXTS`` are to say."""
    texts = [_line(draft.title), _line(draft.location), _block(draft.description), _uri(draft.url)]
    return [*texts, _line(draft.booking), _line(draft.uid)]


def _own_lines(draft: EventDraft, sequence: int, now: dt.datetime) -> list[str]:
    title, location, description, url, mark, uid = _texts(draft)
    lines = [
        f"DTSTAMP:{now.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART:{_utc(draft.starts)}",
        f"DTEND:{_utc(draft.ends)}",
        f"SEQUENCE:{sequence}",
        f"SUMMARY:{_escaped(title)}",
    ]
    lines += [f"LOCATION:{_escaped(location)}"] if location else []
    lines += [f"DESCRIPTION:{_escaped(description)}"] if description else []
    lines += [f"URL:{url}"] if url else []
    return [*lines, f"{MARK}:{_escaped(mark)}", f"{NAMED}:{uid}"]


def _people_lines(people: People | None, known: frozenset[str], *, organized: bool = False) -> list[str]:
    """Lines for the guests who aren't listed yet, and for the organizer that they need (RFC 5545 §3.8.4.3)."""
    if people is None or not _ADDRESS.fullmatch(people.organizer.email):
        return []
    agent = "SERVER" if people.invite else "CLIENT"
    more = f"ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION{';RSVP=TRUE' if people.invite else ''};SCHEDULE-AGENT={agent}"
    lines = [
        f"ATTENDEE{_named(guest)};{more}:mailto:{guest.email}"
        for guest in people.guests
        if _ADDRESS.fullmatch(guest.email) and guest.email.lower() not in known
    ]
    if not lines or organized:
        return lines
    own = "" if people.invite else ";SCHEDULE-AGENT=CLIENT"
    return [f"ORGANIZER{_named(people.organizer)}{own}:mailto:{people.organizer.email}", *lines]


def _named(person: Guest) -> str:
    # A parameter's value can't hold a quote (RFC 5545 §3.1), and has no escape that all apps know.
    name = _line(person.name)[:120].replace('"', "'").strip()
    return f';CN="{name}"' if name else ""


def _utc(seconds: int) -> str:
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y%m%dT%H%M%SZ}"


def _line(text: str) -> str:
    return " ".join(_CONTROLS.sub(" ", text).split())  # which also splits at every kind of line end


def _block(text: str) -> str:
    return _CONTROLS.sub("", _BREAKS.sub("\n", text)).strip()


def _uri(url: str) -> str:
    return url if url.startswith(("https://", "http://")) and not re.search(r"[\s\"<>\x00-\x20\x7f-\x9f]", url) else ""


def _escaped(text: str) -> str:
    for character in "\\;,":
        text = text.replace(character, "\\" + character)
    return text.replace("\n", "\\n")


def folded(lines: list[str]) -> str:
    """The lines as a text: CRLF, none longer than 75 octets, no character torn apart (RFC 5545 §3.1)."""
    out = []
    for line in lines:
        room, part = 75, ""
        for character in line:
            size = len(character.encode())
            if size > room:
                out.append(part)
                part, room = " ", 74
            part += character
            room -= size
        out.append(part)
    return "\r\n".join([*out, ""])
