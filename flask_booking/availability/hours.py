"""From wall-clock hours to instants, and from instants to local dates.

This is the only place that asks a time zone anything. What it answers depends on the hours and the dates
alone, so it is remembered: a sweep over a month looks up no offset.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flask_booking.availability.rules import DAY_MINUTES, Hours
from flask_booking.zones import zone

DAY = 86_400
_EPOCH = dt.date(1970, 1, 1).toordinal()
# Years with room for the days looked at before and after; outside of them nothing can be met.
EARLIEST, LATEST = 0, 250_000_000_000
# Hours that have been open without a break for longer than this have no beginning.
_CHAIN_DAYS = 7
# A range lasts at most into the second date after its own, also when a zone skips one of them.
_RANGE_DAYS = 2


class Piece(NamedTuple):
    """Open time with one grid: starts lie at `start` + k × interval, before `until`; meetings end by `open_until`."""

    start: int
    until: int
    open_until: int


class LocalDay(NamedTuple):
    """The instants [start, end) that have one local date (`ordinal`, as `date.toordinal`)."""

    start: int
    end: int
    ordinal: int


class _Dated(NamedTuple):
    start: int
    end: int
    ordinal: int


def open_time(hours: Hours, first: dt.date, last: dt.date) -> list[tuple[int, int]]:
    """Return the open time that the local dates `first` to `last` (both included) declare, merged and sorted.

    Rule 2: each edge becomes an instant as RFC 5545 §3.3.5 has it, elapsed time lies between, a date that the
    zone skips has none. Raises `UnknownZone`.
    """
    chains = _chains(hours, first.toordinal(), last.toordinal())
    return [(chain[0].start, max(part.end for part in chain)) for chain in chains]


def pieces(hours: Hours, start: int, end: int) -> tuple[Piece, ...]:
    """Return the pieces of open time, sorted, that can hold a start in [start, end)."""
    return _pieces(hours, start // DAY, end // DAY)


def local_days(time_zone: str, start: int, end: int) -> tuple[LocalDay, ...]:
    """Return the local days of a zone that cover [start, end), sorted. Raises `UnknownZone`."""
    return _local_days(time_zone, start // DAY, end // DAY)


def local_date(time_zone: str, at: int) -> dt.date:
    """Return the local date of an instant."""
    return dt.datetime.fromtimestamp(at, zone(time_zone)).date()


def dates_needed(start: int, end: int) -> tuple[dt.date, dt.date]:
    """Return the first and the last local date whose hours can matter to starts in [start, end).

    Overrides of other dates need not be passed; those of each of these dates must be.
    """
    first, last = _needed(*(min(max(at, EARLIEST), LATEST) // DAY for at in (start, end)))
    return dt.date.fromordinal(first), dt.date.fromordinal(last)


def _needed(first_day: int, last_day: int) -> tuple[int, int]:
    # The local date is at most one day off the UTC day. Dates before it are looked at because their ranges may
    # reach into it, and because the grid of a chain of ranges begins where the chain does; dates after it because
    # a meeting may run on into their ranges.
    first = first_day + _EPOCH - 1 - _RANGE_DAYS
    last = last_day + _EPOCH + 1
    return first - _CHAIN_DAYS - _RANGE_DAYS - 1, last + 1 + _RANGE_DAYS


@lru_cache(maxsize=1024)
def _pieces(hours: Hours, first_day: int, last_day: int) -> tuple[Piece, ...]:
    found = []
    for chain in _chains(hours, *_needed(first_day, last_day)):
        open_until = max(part.end for part in chain)
        starts = _grid_starts(chain)
        for start, until in zip(starts, [*starts[1:], open_until], strict=True):
            if until > first_day * DAY and start < (last_day + 1) * DAY:
                found.append(Piece(start, until, open_until))
    return tuple(found)


def _grid_starts(chain: list[_Dated]) -> list[int]:
    """Where grids begin in ranges that overlap or touch: at the first range, as they are one.

    Round the clock, all week, has no first range, and a grid that depended on how far one looks back would
    offer what it then refuses. Dates more than a week into a chain therefore each begin a grid of their own.
    """
    begun = chain[0].ordinal
    starts, current = [chain[0].start], begun
    for part in chain:
        if part.ordinal - begun > _CHAIN_DAYS and part.ordinal > current and part.start > starts[-1]:
            starts.append(part.start)
            current = part.ordinal
    return starts


def _chains(hours: Hours, first: int, last: int) -> list[list[_Dated]]:
    """The ranges of the dates first to last (ordinals), those that overlap or touch together."""
    tz = zone(hours.time_zone)
    dated = []
    for ordinal in range(first, last + 1):
        ranges = hours.on(dt.date.fromordinal(ordinal))
        if ranges and not _skipped(tz, ordinal):
            for opens, closes in ranges:
                start, end = _instant(tz, ordinal, opens), _instant(tz, ordinal, closes)
                if start < end:  # a range inside a gap may end before it begins
                    dated.append(_Dated(start, end, ordinal))
    dated.sort()
    chains: list[list[_Dated]] = []
    open_until = None
    for part in dated:
        if open_until is not None and part.start <= open_until:
            chains[-1].append(part)
            open_until = max(open_until, part.end)
        else:
            chains.append([part])
            open_until = part.end
    return chains


def _instant(tz: ZoneInfo, ordinal: int, minutes: int) -> int:
    """RFC 5545 §3.3.5, which is `fold=0`: a repeated time is its first, a missing one has the offset before the gap."""
    days, minutes = divmod(minutes, DAY_MINUTES)
    hour, minute = divmod(minutes, 60)
    date = dt.date.fromordinal(ordinal + days)
    return int(dt.datetime(date.year, date.month, date.day, hour, minute, tzinfo=tz).timestamp())


def _skipped(tz: ZoneInfo, ordinal: int) -> bool:
    """Whether the zone has no such date (Samoa: 30 December 2011). Zones skip whole dates, so its midnight tells."""
    return dt.datetime.fromtimestamp(_instant(tz, ordinal, 0), tz).toordinal() != ordinal


@lru_cache(maxsize=1024)
def _local_days(time_zone: str, first_day: int, last_day: int) -> tuple[LocalDay, ...]:
    tz = zone(time_zone)
    days: list[LocalDay] = []
    at, stop = first_day * DAY, (last_day + 1) * DAY
    while at < stop:
        offset = _offset(tz, at)
        ordinal = (at + offset) // DAY + _EPOCH
        until = _first_change(tz, at, (ordinal - _EPOCH + 1) * DAY - offset, offset)
        if days and days[-1].ordinal == ordinal:
            days[-1] = LocalDay(days[-1].start, until, ordinal)
        else:
            days.append(LocalDay(at, until, ordinal))
        at = until
    return tuple(days)


def _first_change(tz: ZoneInfo, start: int, end: int, offset: int) -> int:
    """The first instant after `start`, at most `end`, with another offset. No zone changes twice within a day."""
    if _offset(tz, end - 1) == offset:
        return end
    low, high = start, end - 1
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(tz, middle) == offset:
            low = middle
        else:
            high = middle
    return high


def _offset(tz: ZoneInfo, at: int) -> int:
    offset = dt.datetime.fromtimestamp(at, tz).utcoffset()
    assert offset is not None  # noqa: S101 — ZoneInfo always has one; this tells the type checker
    return offset.days * DAY + offset.seconds
