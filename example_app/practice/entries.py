"""Entries of the practice calendar as iCalendar texts (RFC 5545): read, made, moved and taken out.

What an entry holds besides stays as it is, as with any calendar app: so a booking's entry is still known after a move.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events  # type: ignore[import-untyped]
from icalendar.error import InvalidCalendar

Moment = date | datetime
"""A date stands for all of that day; an entry's last one isn't part of it any more (RFC 5545 §3.6.1)."""

BUSY, TENTATIVE, FREE = "busy", "tentative", "free"
TOO_OFTEN = ("FREQ=HOURLY", "FREQ=MINUTELY", "FREQ=SECONDLY")
"""What repeats like this isn't shown: it would keep the page busy for longer than anybody waits."""
BOOKING = "X-FLASK-BOOKING-ID"
"""What tells the entries that bookings have made."""


@dataclass(frozen=True)
class Entry:
    """One time at which an entry takes place, in the reader's zone."""

    name: str
    """What the server calls it: the last part of its address."""
    title: str
    starts: datetime
    ends: datetime
    all_day: bool = False
    show: str = BUSY
    repeats: bool = False
    occurrence: str = ""
    """Which one of a series, by the start that the series gave it (ISO 8601)."""
    booking: bool = False
    url: str = ""

    @property
    def last_day(self) -> date:
        """The last day that it touches."""
        return max(self.starts, self.ends - timedelta(microseconds=1)).date()


def entries_in(name: str, text: str, first: datetime, last: datetime) -> Iterator[Entry]:
    """The times of an entry within ``[first, last)``, whose zone is the reader's; none for what can't be read."""
    zone = first.tzinfo
    try:
        calendar = icalendar.Calendar.from_ical(text)
        events: list[Any] = calendar.walk("VEVENT")
        series = {str(event.get("uid")) for event in events if "rrule" in event or "rdate" in event}
        if any(every in text for every in TOO_OFTEN):
            return
        for event in recurring_ical_events.of(calendar).between(first, last):
            starts, ends = event.start, event.end
            repeats = str(event.get("uid")) in series
            yield Entry(
                name=name,
                title=" ".join(str(event.get("summary", "")).split()) or "(no title)",
                starts=moment_in(zone, starts),
                ends=moment_in(zone, ends),
                all_day=not isinstance(starts, datetime),
                show=shown_as(event),
                repeats=repeats,
                occurrence=event["recurrence-id"].dt.isoformat() if repeats and "recurrence-id" in event else "",
                booking=BOOKING in event,
                url=str(event.get("url", "")),
            )
    except (ValueError, KeyError, InvalidCalendar):
        return


def moment_in(zone: Any, moment: Moment) -> datetime:
    """An instant in ``zone``; days begin there at midnight, and times without a zone are of there (§3.3.5)."""
    if not isinstance(moment, datetime):
        return datetime(moment.year, moment.month, moment.day, tzinfo=zone)
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def shown_as(event: Any) -> str:
    """What an entry says of its owner's time (RFC 5545 §3.8.2.7, §3.8.1.11)."""
    status = str(event.get("status", "")).upper()
    if str(event.get("transp", "")).upper() == "TRANSPARENT" or status == "CANCELLED":
        return FREE
    return TENTATIVE if status == "TENTATIVE" else BUSY


def new_text(title: str, starts: Moment, ends: Moment, show: str = BUSY, weekly: bool = False) -> str:
    """An entry as a resource of its own.

    A weekly one keeps its hour when clocks change, so its times have to be in a :class:`~zoneinfo.ZoneInfo`.
    """
    event = icalendar.Event()
    event.add("uid", str(uuid.uuid4()))
    event.add("dtstamp", datetime.now(UTC))
    event.add("summary", title)
    event.add("dtstart", starts if weekly else stored(starts))
    event.add("dtend", ends if weekly else stored(ends))
    event.add("status", "TENTATIVE" if show == TENTATIVE else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if show == FREE else "OPAQUE")
    if weekly:
        event.add("rrule", {"freq": "weekly"})
    calendar = icalendar.Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//Rowan//Practice calendar//EN")
    calendar.add_component(event)
    calendar.add_missing_timezones(first_date=date(2020, 1, 1))
    return written(calendar)


def moved(text: str, occurrence: str, day: date, hour: time | None, zone: ZoneInfo) -> str:
    """The entry on another day, as long as it was; of a series only the ``occurrence``, if one is named.

    ``hour`` is the start on a clock in ``zone``; without it the hour stays.  Entries of whole days have none.

    :raises ValueError: when there is no such entry.
    """
    calendar, master, one = parts(text, occurrence)
    event = master if one is None else one
    length, before = event.end - event.start, event.start
    if occurrence and one is None:
        before = of_series(master, occurrence)
        event = exception(master, before)
        calendar.add_component(event)
    starts: Moment = day
    if isinstance(before, datetime):
        clock = hour or moment_in(zone, before).time()
        starts = stored(at(day, clock.hour, clock.minute, zone))
    for key in ("dtstart", "dtend", "duration"):
        event.pop(key, None)
    event.add("dtstart", starts)
    event.add("dtend", starts + length)
    touch(event)
    return written(calendar)


def exception(master: Any, original: Moment) -> Any:
    """One of a series as an event of its own, still to be given its times (RFC 5545 §3.8.4.4)."""
    event: Any = icalendar.Event.from_ical(master.to_ical())
    for key in ("rrule", "rdate", "exdate", "exrule"):
        event.pop(key, None)
    event.add("recurrence-id", original)
    return event


def without(text: str, occurrence: str) -> str:
    """A series without one of its occurrences.

    :raises ValueError: when there is no such entry.
    """
    calendar, master, one = parts(text, occurrence)
    if one is not None:
        calendar.subcomponents.remove(one)
    master.add("exdate", of_series(master, occurrence))
    touch(master)
    return written(calendar)


def parts(text: str, occurrence: str) -> tuple[icalendar.Calendar, Any, Any]:
    """The text, its event or the rule of its series, and the exception for ``occurrence`` if there is one already."""
    calendar = icalendar.Calendar.from_ical(text)
    events: list[Any] = calendar.walk("VEVENT")
    masters = [event for event in events if "recurrence-id" not in event]
    if not masters:
        raise ValueError("nothing but exceptions of a series")
    if not occurrence:
        return calendar, masters[0], None
    wanted = of_series(masters[0], occurrence)
    exceptions = (event for event in events if "recurrence-id" in event and event["recurrence-id"].dt == wanted)
    return calendar, masters[0], next(exceptions, None)


def of_series(master: Any, occurrence: str) -> Moment:
    """The start that the series gave an occurrence, written as the series writes its own."""
    starts = master.start
    if not isinstance(starts, datetime):
        return date.fromisoformat(occurrence[:10])
    found = datetime.fromisoformat(occurrence)
    if starts.tzinfo is None or found.tzinfo is None:
        return found.replace(tzinfo=starts.tzinfo)
    return found.astimezone(starts.tzinfo)


def stored(moment: Moment) -> Moment:
    """An instant in UTC, which needs no time zone to be described beside it; a day as it is."""
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment


def touch(event: Any) -> None:
    """Say that the event was changed (RFC 5545 §3.8.7)."""
    sequence = int(event.pop("sequence", 0)) + 1
    event.add("sequence", sequence)
    for key in ("dtstamp", "last-modified"):
        event.pop(key, None)
        event.add(key, datetime.now(UTC))


def written(calendar: Any) -> str:
    return str(calendar.to_ical().decode())


def at(day: date, hour: int, minute: int, zone: ZoneInfo) -> datetime:
    """A time of day on a clock in ``zone``."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
