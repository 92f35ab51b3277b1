"""Calendars that nobody writes who means well."""

from __future__ import annotations

from collections.abc import Callable

from flask_booking.calendars.ics.components import scan
from flask_booking.calendars.ics.occurrences import read
from tests.calendars.drafts import WINDOW
from tests.fixtures.caldav import calendar_text

TIMES = "DTSTART:20261201T100000Z\nDTEND:20261201T110000Z\n"
HOURS = "BYHOUR=" + ",".join(map(str, range(24)))


def each(count: int, event: str) -> str:
    """So many events, in each of which ``@`` is its number."""
    return calendar_text(*(f"UID:@\n{event}".replace("@", str(number)) for number in range(count)))


def one(more: str, head: str = "") -> str:
    return calendar_text(f"UID:1\n{TIMES}{more}", head=head)


def changes_of_one_series() -> str:
    which = (f"202612{n % 28 + 1:02}T{n % 24:02}{n % 60:02}{n // 100:02}Z" for n in range(5000))
    changes = (f"UID:1\nRECURRENCE-ID;RANGE=THISANDFUTURE:{at}\n{TIMES}" for at in which)
    return calendar_text(f"UID:1\n{TIMES}RRULE:FREQ=DAILY", *changes)


def versions_of_one_event() -> str:
    days = (f"2026{n % 12 + 1:02}{n % 28 + 1:02}" for n in range(400))
    versions = [f"UID:1\nDTSTART:{day}T100000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY" for day in days]
    return calendar_text(*versions, *(f"UID:1\nRECURRENCE-ID:20261201T1{n % 10}0000Z\n{TIMES}" for n in range(500)))


def zones() -> str:
    part = "DTSTART:00010101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=SECONDLY\nRRULE:FREQ=DAILY"
    part = f"BEGIN:STANDARD\n{part};COUNT=99999999\nEND:STANDARD\n" * 100
    head = "".join(f"BEGIN:VTIMEZONE\nTZID:Z{n}\n{part}END:VTIMEZONE\n" for n in range(20))
    return calendar_text(*(f"UID:{n}\nDTSTART;TZID=Z{n}:20261201T100000\nDURATION:PT1H" for n in range(20)), head=head)


NEVER = "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"
HOSTILE: dict[str, Callable[[], str]] = {
    "a million occurrences": lambda: one("RRULE:FREQ=DAILY;COUNT=1000000").replace("20261201", "19000101"),
    "what never comes": lambda: each(300, TIMES + NEVER),
    "what never comes, counted": lambda: each(100, f"DTSTART:19300101T000000Z\nDURATION:PT1M\n{NEVER};COUNT=5"),
    "dense series": lambda: each(100, f"{TIMES}RRULE:FREQ=DAILY;{HOURS};BYMINUTE=0,30"),
    "weeks": lambda: each(5, "DTSTART:18500101T000000Z\nDURATION:PT1M\nRRULE:FREQ=YEARLY;BYWEEKNO=53;COUNT=9999"),
    "lists of dates": lambda: each(3, f"{TIMES}RDATE:{','.join(['20261201T100000Z'] * 9_000)}"),
    "changes of one series": changes_of_one_series,
    "versions of one event": versions_of_one_event,
    "time zones": zones,
    "deep nesting": lambda: one("BEGIN:X\n" * 200_000),
    "one long line": lambda: one("SUMMARY:" + "x" * 2_000_000),
    "one long folded line": lambda: one("SUMMARY:" + "x\n " * 1_000_000),
    "quotes": lambda: one('ATTENDEE;CN="' + '";X="' * 300_000 + ":mailto:x@example.com"),
    "parameters": lambda: one("ATTENDEE" + ";X=a,b,c" * 200_000 + ":mailto:x@example.com"),
    "backslashes": lambda: one("SUMMARY:" + "\\" * 1_000_000),
    "empty lines": lambda: one("\n" * 1_000_000),
    "small lines": lambda: one("A:\n" * 200_000),
    "many events": lambda: each(4_000, TIMES),
    "digits": lambda: one(f"SEQUENCE:{'9' * 1_000_000}\nRRULE:FREQ=DAILY;INTERVAL={'9' * 1_000_000}"),
}
"""Some of these keep a library busy for minutes."""


def occurrences(name: str) -> int:
    """How many occurrences are found in one of them."""
    reading = read(scan(HOSTILE[name]()), WINDOW, own=frozenset({"ann@example.com"}))
    return sum(map(len, reading.events.values()))
