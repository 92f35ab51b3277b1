"""A month as a guest sees it: which days have times, the times of one day, and the way to the next free ones."""

from __future__ import annotations

import calendar
import collections.abc as c
import dataclasses
import datetime as dt
import itertools
import typing as t

from ..i18n import DateStyle, first_weekday, format_date, format_time, ngettext, together, utc_offset
from ..i18n import gettext as _
from ..zones import zone as read_zone
from .asked import written
from .language import weekdays
from .lookup import Times, first_after

UrlFor = c.Callable[..., str]
"""The address of this page with other parameters: ``url(month="2026-12", date=None)``."""

_AHEAD = 24
"""How many months ahead of the present the calendar can be turned."""


@dataclasses.dataclass(frozen=True)
class Day:
    """A cell of the grid; ``url`` is empty where nothing is free."""

    number: str
    label: str
    url: str = ""
    count: int = 0
    selected: bool = False
    today: bool = False


@dataclasses.dataclass(frozen=True)
class Time:
    """A start to choose: its form in the address, its text, and the whole date for those who hear it."""

    value: str
    text: str
    label: str
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of the day with its times."""

    name: str
    times: tuple[Time, ...]


@dataclasses.dataclass(frozen=True)
class Link:
    url: str
    text: str


@dataclasses.dataclass(frozen=True)
class Month:
    """All that the calendar shows.  ``day`` is the chosen day in words, empty when the month has none; ``at`` is its
    first time, or else the middle of what is shown: what the zone's offset is told of.  ``next_free`` leads to the
    first time after that day, ``first_free`` to the first of all where the day has none and nothing comes after it."""

    title: str
    previous: Link | None
    next: Link | None
    weekdays: list[tuple[str, str]]
    weeks: list[list[Day | None]]
    free: bool
    over: bool
    day: str
    at: dt.datetime
    parts: tuple[Part, ...]
    next_free: Link | None
    first_free: Link | None


def month_shown(
    times: Times, *, zone: str, month: dt.date | None, date: dt.date | None, now: dt.datetime, url: UrlFor
) -> Month:
    """The month asked for, else the month of ``date``, else the present one or, when that is full, the next free one.

    The day shown is ``date`` if it is in that month, else the first free one.
    """
    today = now.astimezone(read_zone(zone)).date()
    asked = month or date
    first = (asked or today).replace(day=1)
    by_day = _by_day(times, first, zone)
    if asked is None and not by_day:
        found = first_after(times, _midnight(_following(first), zone))
        if found is not None:
            first = _local(found, zone).date().replace(day=1)
            by_day = _by_day(times, first, zone)
    day = date if date is not None and date.replace(day=1) == first else min(by_day, default=None)
    starts = by_day.get(day, []) if day else []
    after = _midnight(_following(first), zone)
    coming = _coming(times, by_day, day, after)
    earlier = first_after(times, int(now.timestamp()), after) if coming is None and not starts else None
    return Month(
        title=format_date(first, style="month"),
        previous=_turn(_preceding(first), url) if first > today.replace(day=1) else None,
        next=_turn(_following(first), url) if coming and _months_between(today, first) < _AHEAD else None,
        weekdays=weekdays(),
        weeks=_weeks(first, by_day, day, today, url),
        free=bool(by_day),
        over=_following(first) <= today,
        day=format_date(day, style="day") if day else "",
        at=_local(starts[0], zone) if starts else dt.datetime.combine(day or first, dt.time(12), read_zone(zone)),
        parts=parts_of(starts, zone),
        next_free=_free(coming, first, zone, url),
        first_free=_free(earlier, first, zone, url),
    )


def parts_of(starts: c.Iterable[int], zone: str) -> tuple[Part, ...]:
    """The times of one day, parted into morning, afternoon and evening."""
    grouped = itertools.groupby(starts, key=lambda start: min(2, max(0, _local(start, zone).hour // 6 - 1)))
    names = (_("Morning"), _("Afternoon"), _("Evening"))
    return tuple(Part(names[part], tuple(time_of(start, zone) for start in group)) for part, group in grouped)


def time_of(start: int, zone: str) -> Time:
    """A start (epoch seconds) to choose."""
    local = _local(start, zone)
    text = format_time(local, zone)
    note = utc_offset(zone, local) if _comes_twice(local) else ""
    return Time(written(start), text, f"{format_date(local, zone, style='day')}, {text} {note}".strip(), note)


def _comes_twice(local: dt.datetime) -> bool:
    """Whether the clock of that day shows the same time twice."""
    return local.replace(fold=1 - local.fold).utcoffset() != local.utcoffset()


def _by_day(times: Times, first: dt.date, zone: str) -> dict[dt.date, list[int]]:
    by_day: dict[dt.date, list[int]] = {}
    for start in times.between(_midnight(first, zone), _midnight(_following(first), zone)):
        by_day.setdefault(_local(start, zone).date(), []).append(start)
    return by_day


def _weeks(
    first: dt.date, by_day: t.Mapping[dt.date, list[int]], chosen: dt.date | None, today: dt.date, url: UrlFor
) -> list[list[Day | None]]:
    weeks = calendar.Calendar(first_weekday()).monthdatescalendar(first.year, first.month)
    if _following(first) > today:  # weeks that are over only stand in the way
        weeks = [week for week in weeks if week[-1] >= today]
    return [
        [
            _day(date, len(by_day.get(date, ())), chosen, today, url) if date.month == first.month else None
            for date in week
        ]
        for week in weeks
    ]


def _day(date: dt.date, count: int, chosen: dt.date | None, today: dt.date, url: UrlFor) -> Day:
    words = format_date(date, style="day")
    if not count:
        return Day(format_date(date, style="day number"), words, today=date == today, selected=date == chosen)
    label = ngettext("%(day)s, %(num)s time free", "%(day)s, %(num)s times free", count, day=words)
    address = url(date=date.isoformat())
    return Day(format_date(date, style="day number"), label, address, count, date == chosen, date == today)


def _coming(times: Times, by_day: t.Mapping[dt.date, list[int]], day: dt.date | None, after: int) -> int | None:
    """The first time after the chosen day; beyond ``after``, its month's end, is looked only if need be."""
    later = [date for date in by_day if day is not None and date > day]
    return by_day[min(later)][0] if later else first_after(times, after)


def _free(start: int | None, first: dt.date, zone: str, url: UrlFor) -> Link | None:
    """The way to a free time; its year is told where it isn't that of the month shown."""
    if start is None:
        return None
    local = _local(start, zone)
    style: DateStyle = "day" if local.year == first.year else "full"
    text = together(format_date(local, zone, style=style), format_time(local, zone))
    return Link(url(month=f"{local:%Y-%m}", date=local.date().isoformat()), text)


def _turn(first: dt.date, url: UrlFor) -> Link:
    return Link(url(month=f"{first:%Y-%m}", date=None), format_date(first, style="month"))


def _local(start: int, zone: str) -> dt.datetime:
    return dt.datetime.fromtimestamp(start, read_zone(zone))


def _midnight(date: dt.date, zone: str) -> int:
    return int(dt.datetime.combine(date, dt.time(), read_zone(zone)).timestamp())


def _following(first: dt.date) -> dt.date:
    return (first + dt.timedelta(days=32)).replace(day=1)


def _preceding(first: dt.date) -> dt.date:
    return (first - dt.timedelta(days=1)).replace(day=1)


def _months_between(earlier: dt.date, later: dt.date) -> int:
    return (later.year - earlier.year) * 12 + later.month - earlier.month
