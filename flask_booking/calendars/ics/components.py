"""Reading iCalendar texts (RFC 5545 §3.1–3.4) that anybody may have written, line by line.

A library that reads a text into objects keeps all of it, and gives up on some of what calendars really contain.  Only a
few properties say when somebody is busy: those are picked out here, in one pass whose cost grows with the length of the
text alone.  Whatever can't be read is passed over.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import io
import re
import typing as t
import unicodedata

from ...connections.problems import Unreadable

LONGEST_TEXT = 20 * 1024 * 1024
"""Characters of one text."""
MOST_EVENTS = 50_000
"""Events in one text; few people have a tenth of that in all their life."""
MOST_LINES = 5_000
"""Lines of one kind in one event."""

_TIMES = frozenset({"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"})
_SHOWN = frozenset({"STATUS", "TRANSP", "ATTENDEE", "X-MICROSOFT-CDO-BUSYSTATUS"})
_EVENT = _TIMES | _SHOWN | {"UID", "SEQUENCE", "SUMMARY", "X-FLASK-BOOKING-ID", "X-FLASK-BOOKING-UID"}
_HEAD = frozenset({"NAME", "X-WR-CALNAME", "X-WR-TIMEZONE"})
_ZONE = frozenset({"DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE", "RDATE"})

_NONE: c.Mapping[str, str] = {}
_PARAMETER = re.compile(r';([^=;:"]+)=((?:"[^"]*"|[^";:,])*(?:,(?:"[^"]*"|[^";:,])*)*)')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Line(t.NamedTuple):
    """A property.  Names of parameters are in capitals, their values without quotes."""

    params: c.Mapping[str, str]
    value: str


@dataclasses.dataclass
class Component:
    """An event, or a part of a time zone, with the properties that matter, by their names in capitals.

    ``flooded``: there were more that say when it happens than anybody wants to read.
    """

    lines: dict[str, list[Line]] = dataclasses.field(default_factory=dict)
    flooded: bool = False

    def first(self, name: str) -> Line | None:
        """The property of this name, the first if there are several."""
        found = self.lines.get(name)
        return found[0] if found else None

    def value(self, name: str) -> str:
        """Its value without blanks around it; empty if there is none."""
        found = self.lines.get(name)
        return found[0].value.strip() if found else ""

    def all(self, name: str) -> list[Line]:
        """Every property of this name."""
        return self.lines.get(name, [])


@dataclasses.dataclass
class CalendarText:
    """What a text holds: its events; its time zones (the observances of each by TZID); properties of the whole.

    ``complete``: every calendar that was begun was ended, so nothing was cut off.
    """

    events: list[Component] = dataclasses.field(default_factory=list)
    zones: dict[str, list[Component]] = dataclasses.field(default_factory=dict)
    locations: dict[str, str] = dataclasses.field(default_factory=dict)
    """What X-LIC-LOCATION calls a time zone, by TZID."""
    head: dict[str, str] = dataclasses.field(default_factory=dict)
    begun: bool = False
    complete: bool = False


def decoded(body: bytes) -> str:
    """The text of an answer: UTF-8, which all calendars are meant to be in (RFC 5545 §3.1.4)."""
    return body.decode("utf-8-sig", errors="replace")


def scan(text: str) -> CalendarText:
    """Read ``text``.  Raises :class:`Unreadable` only for one that is too long or has too many events."""
    if len(text) > LONGEST_TEXT:
        raise Unreadable("too large")
    found = CalendarText()
    event: Component | None = None
    zone: list[Component] | None = None
    zone_names: dict[str, str] = {}
    deeper = 0
    for line in unfolded(text):
        end = name_end(line)
        name = line[:end].strip().upper()
        if name == "BEGIN":
            kind = line[end + 1 :].strip().upper()
            if kind == "VEVENT":
                event, zone, deeper = Component(), None, 0  # one that was never ended is kept as far as it was read
                found.events.append(event)
                if len(found.events) > MOST_EVENTS:
                    raise Unreadable("too many events")
            elif event is not None:
                deeper += 1  # an alarm has a summary and a duration too
            elif kind == "VTIMEZONE":
                zone, zone_names = [], {}
            elif zone is not None and len(zone) < 500:
                zone.append(Component())
            elif kind == "VCALENDAR":
                found.begun, found.complete = True, False
            else:
                deeper += 1
        elif name == "END":
            kind = line[end + 1 :].strip().upper()
            if kind == "VEVENT":
                event, deeper = None, 0
            elif kind == "VCALENDAR":
                event, zone, deeper, found.complete = None, None, 0, True
            elif kind == "VTIMEZONE" and zone is not None:
                if tzid := zone_names.get("TZID", ""):
                    found.zones[tzid] = zone
                    found.locations[tzid] = zone_names.get("X-LIC-LOCATION", "")
                zone = None
            elif deeper:
                deeper -= 1
        elif deeper:
            continue
        elif event is not None:
            if name in _EVENT:
                _keep(event, name, line, end)
        elif zone is not None:
            if name in ("TZID", "X-LIC-LOCATION"):
                zone_names[name] = _line(line, end).value.strip()
            elif name in _ZONE and zone:
                _keep(zone[-1], name, line, end)
        elif name in _HEAD:
            found.head.setdefault(name, plain(_line(line, end).value))
    return found


def _keep(component: Component, name: str, line: str, end: int) -> None:
    lines = component.lines.setdefault(name, [])
    if len(lines) < MOST_LINES:
        lines.append(_line(line, end))
    elif name in _TIMES:
        component.flooded = True


def unfolded(text: str) -> c.Iterator[str]:
    """The lines of ``text``, long ones put together again (RFC 5545 §3.1), whatever ends them."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n ", "").replace("\n\t", "")
    for line in io.StringIO(text, newline="\n"):
        yield line.removesuffix("\n")


def name_end(line: str) -> int:
    """Where a property's name ends: at a semicolon with parameters behind it, or at the colon before the value."""
    colon, semicolon = line.find(":"), line.find(";")
    if colon < 0:
        return semicolon if semicolon >= 0 else len(line)
    return semicolon if 0 <= semicolon < colon else colon


def _line(line: str, end: int) -> Line:
    if line[end : end + 1] != ";":
        return Line(_NONE, line[end + 1 :])
    params = {}
    while found := _PARAMETER.match(line, end):
        params[found[1].strip().upper()] = found[2].replace('"', "")
        end = found.end()
    colon = line.find(":", end)
    return Line(params, line[colon + 1 :] if colon >= 0 else "")


def plain(value: str, limit: int = 200) -> str:
    """A TEXT value (RFC 5545 §3.3.11) on one line, without control characters, at most ``limit`` characters."""
    if value.isprintable() and "\\" not in value:
        return " ".join(value.split())[:limit]
    value = _ESCAPED.sub(lambda found: " " if found[1] in "nN" else found[1], value[: 4 * limit])
    clean = "".join(" " if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") else one for one in value)
    return " ".join(clean.split())[:limit]
