"""What closes a start: everything but the hours and the grid.

A meeting that starts at s and occupies [s - before, s + duration + after) touches [a, b) exactly when
a - duration - after < s < b + before. So each busy time, like each date beyond the window or at its limit,
closes an interval of starts, and a sweep over those intervals answers for all starts at once.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from operator import itemgetter

from flask_booking.availability.hours import DAY, LocalDay, local_date, local_days
from flask_booking.availability.rules import Busy, Calendar, Limits, Occupied, Reason, Rules, WindowKind

Closure = tuple[int, int, Reason, Busy | Occupied | None]
"""Starts in [from, until) are closed for a reason, by a row if there is one."""

FOREVER = 1 << 60
# Limits count whole weeks and months around the period asked about.
_LIMIT_REACH = {"per_day": 2 * DAY, "per_week": 8 * DAY, "per_month": 33 * DAY}
_TYPE_REASONS = (Reason.LIMIT_DAY, Reason.LIMIT_WEEK, Reason.LIMIT_MONTH)
_HOST_REASONS = (Reason.HOST_LIMIT_DAY, Reason.HOST_LIMIT_WEEK, Reason.HOST_LIMIT_MONTH)


def live(
    rows: Sequence[Occupied], now: int, ignore_booking: int | None = None, ignore_hold: int | None = None
) -> list[Occupied]:
    """Return the rows that count at `now`: no expired hold, and not the booking or hold that is being changed."""
    return [
        row
        for row in rows
        if (row.expires is None or now < row.expires)
        and (ignore_booking is None or row.booking_id != ignore_booking)
        and (ignore_hold is None or row.hold_id != ignore_hold)
    ]


def identity(row: Occupied) -> Hashable:
    """Return what a row counts as: its booking or its hold; a row with neither is itself."""
    if row.booking_id is not None:
        return "booking", row.booking_id
    if row.hold_id is not None:
        return "hold", row.hold_id
    return "row", id(row)


def gaps(closed: Iterable[Closure], start: int, end: int) -> list[tuple[int, int]]:
    """Return the parts of [start, end) that nothing closes, sorted."""
    found = []
    for begins, until, _, _ in sorted(closed, key=itemgetter(0)):
        if begins > start:
            if begins >= end:
                break
            found.append((start, begins))
        if until > start:
            start = until
    if start < end:
        found.append((start, end))
    return found


def too_soon(rules: Rules, now: int) -> list[Closure]:
    """Return what now and the notice close."""
    return [(-FOREVER, now, Reason.PAST, None), (now, now + rules.notice * 60, Reason.NOTICE, None)]


def outside_window(rules: Rules, calendar: Calendar, now: int, start: int, end: int) -> list[Closure]:
    """Return the local days covering [start, end) that the booking window doesn't reach (rule 6)."""
    bounds = _window(rules, calendar.hours.time_zone, now)
    if bounds is None:
        return []
    first, last = bounds
    days = local_days(calendar.hours.time_zone, start, end)
    return [(begins, until, Reason.WINDOW, None) for begins, until, day in days if not first <= day <= last]


def _window(rules: Rules, time_zone: str, now: int) -> tuple[int, int] | None:
    window = rules.window
    if window.kind is WindowKind.UNLIMITED:
        return None
    if window.kind is WindowKind.RANGE:
        return (window.first or dt.date.min).toordinal(), (window.last or dt.date.max).toordinal()
    today = local_date(time_zone, now).toordinal()
    if window.kind is WindowKind.DAYS:
        return 0, today + window.days
    return 0, _business_days_after(today, window.days)


def _business_days_after(day: int, count: int) -> int:
    """The ordinal of the `count`th Monday to Friday after a day, the day itself for none."""
    weekday = (day - 1) % 7
    friday_or_before = day - max(0, weekday - 4)
    weeks, rest = divmod(count, 5)
    over_weekend = 2 if min(weekday, 4) + rest > 4 else 0
    return max(day, friday_or_before + 7 * weeks + rest + over_weekend)


def conflicts(rules: Rules, calendar: Calendar, rows: Sequence[Occupied]) -> list[Closure]:
    """Return the starts that busy, blocked, unknown and occupied time closes (rules 5 and 8)."""
    before = rules.buffer_before * 60
    after = (rules.duration + rules.buffer_after) * 60 - 1
    closed: list[Closure] = []
    for reason, times in (
        (Reason.BUSY, calendar.busy),
        (Reason.BLOCKED, calendar.blocked),
        (Reason.UNKNOWN, calendar.unknown),
    ):
        if times:
            closed += [(b[0] - after, b[1] + before, reason, b) for b in times if b[0] < b[1]]
    booked, held = Reason.BOOKED, Reason.HELD  # once: reaching a member of an enum takes as long as the rest of a row
    for row in rows:
        if row.occupied_from < row.occupied_until:
            reason = held if row.booking_id is None and row.hold_id is not None else booked
            closed.append((row.occupied_from - after, row.occupied_until + before, reason, row))
    return closed


def at_limit(rules: Rules, calendar: Calendar, rows: Sequence[Occupied], start: int, end: int) -> list[Closure]:
    """Return the local days around [start, end) on which a limit of the event type or the host is reached."""
    if rules.limits == calendar.limits == Limits():
        return []
    reach = max(limit_reach(rules.limits), limit_reach(calendar.limits))
    days = local_days(calendar.hours.time_zone, start - reach, end + reach)
    own = [row for row in rows if row.event_type_id == rules.event_type_id]
    return [
        *_reached(rules.limits, own, days, rules.week_start, _TYPE_REASONS),
        *_reached(calendar.limits, rows, days, rules.week_start, _HOST_REASONS),
    ]


def limit_reach(limits: Limits) -> int:
    """Return how many seconds before and after a period bookings matter to its limits."""
    return max((_LIMIT_REACH[name] for name in _LIMIT_REACH if getattr(limits, name) is not None), default=0)


def _reached(
    limits: Limits,
    rows: Sequence[Occupied],
    days: Sequence[LocalDay],
    week_start: int,
    reasons: Sequence[Reason],
) -> Iterator[Closure]:
    def week(day: int) -> Hashable:
        return (day - 1 - week_start) // 7

    def month(day: int) -> Hashable:
        date = dt.date.fromordinal(day)
        return date.year, date.month

    def date(day: int) -> Hashable:
        return day

    starts = [day.start for day in days]
    periods: tuple[Callable[[int], Hashable], ...] = (date, week, month)
    for most, period, reason in zip((limits.per_day, limits.per_week, limits.per_month), periods, reasons, strict=True):
        if most is None:
            continue
        counted: dict[Hashable, set[Hashable]] = defaultdict(set)
        for row in rows:
            if days[0].start <= row.start < days[-1].end:
                counted[period(days[bisect_right(starts, row.start) - 1].ordinal)].add(identity(row))
        for begins, until, day in days:
            if len(counted.get(period(day), ())) >= most:
                yield begins, until, reason, None
