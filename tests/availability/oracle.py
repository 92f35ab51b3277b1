"""A second availability, slow and plain, written from the rules' text: it looks at one minute at a time.

It shares nothing with the package but the values that are passed in, and reads the zones of the tzdata
wheel itself. Hours, busy time and clocks are on whole minutes here; instants are UTC minutes since 1970
inside, seconds outside.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from flask_booking.availability import Calendar, Hours, Limits, Occupied, Reason, Rules, WindowKind

EPOCH = dt.date(1970, 1, 1)
BACK, AHEAD = 13, 8  # days looked at before and after the period, more than any range or chain can matter


@lru_cache(maxsize=64)
def wheel_zone(key: str) -> ZoneInfo:
    with (files("tzdata") / "zoneinfo").joinpath(*key.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=key)


def local(key: str, second: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(second, wheel_zone(key))


@lru_cache(maxsize=2048)
def walls(key: str, day: int) -> list[int]:
    """What a clock on the wall shows at every minute of a UTC day, in minutes since 1970 there."""
    zone, day_zero = wheel_zone(key), EPOCH.toordinal()
    shown = []
    for minute in range(day * 1440, day * 1440 + 1440):
        now = dt.datetime.fromtimestamp(minute * 60, zone)
        shown.append(((now.toordinal() - day_zero) * 24 + now.hour) * 60 + now.minute)
    return shown


class Clock:
    """What a clock on the wall shows at every minute from day `first` to day `last` (UTC days since 1970)."""

    def __init__(self, key: str, first: int, last: int) -> None:
        self.begin, self.end = first * 1440, last * 1440
        self.shows: dict[int, int] = {}
        self.first_time: dict[int, int] = {}
        for day in range(first, last):
            for minute, wall in enumerate(walls(key, day), day * 1440):
                self.shows[minute] = wall
                self.first_time.setdefault(wall, minute)  # a repeated time is its first occurrence
        self.dates = {wall // 1440 for wall in self.first_time}

    def instant(self, wall: int) -> int:
        if wall in self.first_time:
            return self.first_time[wall]
        for minute in range(self.begin + 1, self.end):
            before, after = self.shows[minute - 1], self.shows[minute]
            if before < wall < after:  # a missing time is read with the offset before the gap
                return wall - (before - (minute - 1))
        raise LookupError(wall)


@lru_cache(maxsize=16)
def clock(key: str, first: int, last: int) -> Clock:
    return Clock(key, first, last)


@lru_cache(maxsize=64)
def opening(hours: Hours, first: int, last: int) -> tuple[set[int], dict[int, int]]:
    """The open minutes, and for each of them the minute its grid begins at."""
    shown = clock(hours.time_zone, first, last)
    ranges = []
    for day in sorted(shown.dates)[1:-3]:  # the dates at the rim are not whole
        date = EPOCH + dt.timedelta(days=day)
        for a, b in hours.overrides.get(date, hours.weekly[date.weekday()]):
            start, end = shown.instant(day * 1440 + a), shown.instant(day * 1440 + b)
            if start < end:
                ranges.append((start, end, day))
    minutes: set[int] = set()
    begins: dict[int, list[int]] = {}
    first_of: dict[int, int] = {}
    for start, end, day in ranges:
        minutes.update(range(start, end))
        begins.setdefault(start, []).append(day)
        first_of[day] = min(start, first_of.get(day, start))
    grid: dict[int, int] = {}
    began, began_on, anchor = 0, 0, 0
    for minute in sorted(minute for minute in minutes if shown.begin <= minute < shown.end):
        if minute - 1 not in minutes:  # ranges that overlap or touch are one, and begin here
            began, began_on, anchor = minute, min(begins[minute]), minute
        for day in begins.get(minute, ()):
            # Open for more than a week without a break: each date begins a grid of its own.
            if day - began_on > 7 and first_of[day] == minute and minute > began:
                anchor = minute
        grid[minute] = anchor
    return minutes, grid


class Oracle:
    def __init__(
        self,
        rules: Rules,
        calendar: Calendar,
        *,
        now: int,
        start: int,
        end: int,
        ignore_booking: int | None = None,
        ignore_hold: int | None = None,
    ) -> None:
        self.rules, self.calendar, self.now, self.start, self.end = rules, calendar, now, start, end
        self.key = calendar.hours.time_zone
        first = start // 86400 // 2 * 2  # so that near periods share a clock
        assert end // 86400 + 4 <= first + AHEAD
        self.minutes, self.grid = opening(calendar.hours, first - BACK, first + AHEAD)
        self.rows = []
        for row in calendar.occupied:
            expired = row.expires is not None and row.expires <= now
            moved = ignore_booking is not None and row.booking_id == ignore_booking
            own = ignore_hold is not None and row.hold_id == ignore_hold
            if not (expired or moved or own):
                self.rows.append(row)

    def slots(self) -> list[int]:
        asked = range(-(-self.start // 60), -(-self.end // 60))
        met = {row.start // 60 for row in self.rows}  # guests of a group may meet outside of hours
        return [m * 60 for m in asked if (m in self.grid or m in met) and self.offered(m * 60)]

    def offered(self, at: int, *, any_grid: bool = False) -> bool:
        """`any_grid` is the question rule 10 asks of the other members: free, whatever the host's own grid."""
        if not any_grid and not self.on_grid(at) and not self.guests(at):
            return False  # spares looking at the rest
        ignored = {Reason.OFF_GRID} if any_grid else set()
        return not (self.violations(at) - ignored)

    def on_grid(self, at: int) -> bool:
        minute, rest = divmod(at, 60)
        if rest or minute not in self.grid:
            return False
        step = self.rules.interval or self.rules.duration
        k, off = divmod(minute - self.grid[minute] - self.rules.offset, step)
        return off == 0 and k >= 0

    def violations(self, at: int) -> set[Reason]:
        found = set()
        if at < self.now:
            found.add(Reason.PAST)
        elif at < self.now + self.rules.notice * 60:
            found.add(Reason.NOTICE)
        if not self.in_window(at):
            found.add(Reason.WINDOW)
        guests = self.guests(at)
        if guests:
            if guests < self.rules.seats:
                return found  # neither hours nor busy time nor limits close a meeting that exists already
            found.add(Reason.FULL)
        ends = at + self.rules.duration * 60
        if not all(minute in self.minutes for minute in range(at // 60, -(-ends // 60))):
            overridden = local(self.key, at).date() in self.calendar.hours.overrides
            found.add(Reason.OVERRIDE if overridden else Reason.CLOSED)
        elif not self.on_grid(at):
            found.add(Reason.OFF_GRID)
        return found | self.conflicts(at, ends) | self.limits(at)

    def in_window(self, at: int) -> bool:
        window = self.rules.window
        date = local(self.key, at).date()
        last = local(self.key, self.now).date()
        if window.kind is WindowKind.UNLIMITED:
            return True
        if window.kind is WindowKind.RANGE:
            return (window.first is None or window.first <= date) and (window.last is None or date <= window.last)
        if window.kind is WindowKind.DAYS:
            return date <= last + dt.timedelta(days=window.days)
        for _ in range(window.days):
            last += dt.timedelta(days=1)
            while last.weekday() >= 5:
                last += dt.timedelta(days=1)
        return date <= last

    def guests(self, at: int) -> int:
        """Seats taken in the meeting of this event type at exactly this time."""
        if self.rules.seats == 1:
            return 0
        ends = at + self.rules.duration * 60
        return self.count(
            [r for r in self.rows if (r.event_type_id, r.start, r.end) == (self.rules.event_type_id, at, ends)]
        )

    @staticmethod
    def count(rows: list[Occupied]) -> int:
        bookings = {row.booking_id for row in rows if row.booking_id is not None}
        holds = {row.hold_id for row in rows if row.booking_id is None and row.hold_id is not None}
        others = [row for row in rows if row.booking_id is None and row.hold_id is None]
        return len(bookings) + len(holds) + len(others)

    def conflicts(self, at: int, ends: int) -> set[Reason]:
        taken = [(b.start, b.end, Reason.BUSY) for b in self.calendar.busy]
        taken += [(b.start, b.end, Reason.BLOCKED) for b in self.calendar.blocked]
        taken += [(b.start, b.end, Reason.UNKNOWN) for b in self.calendar.unknown]
        for row in self.rows:
            held = row.hold_id is not None and row.booking_id is None
            taken.append((row.occupied_from, row.occupied_until, Reason.HELD if held else Reason.BOOKED))
        found = set()
        for a, b, reason in taken:
            if self.touch(a, b, at, ends):
                found.add(reason)
            elif self.touch(a, b, at - self.rules.buffer_before * 60, ends + self.rules.buffer_after * 60):
                found.add(Reason.UNKNOWN if reason is Reason.UNKNOWN else Reason.BUFFER)
        return found

    @staticmethod
    def touch(a: int, b: int, c: int, d: int) -> bool:
        return max(a, c) < min(b, d)

    def limits(self, at: int) -> set[Reason]:
        own = [row for row in self.rows if row.event_type_id == self.rules.event_type_id]
        found = set()
        if self.reached(self.rules.limits.per_day, own, at, self.same_day):
            found.add(Reason.LIMIT_DAY)
        if self.reached(self.rules.limits.per_week, own, at, self.same_week):
            found.add(Reason.LIMIT_WEEK)
        if self.reached(self.rules.limits.per_month, own, at, self.same_month):
            found.add(Reason.LIMIT_MONTH)
        if self.reached(self.calendar.limits.per_day, self.rows, at, self.same_day):
            found.add(Reason.HOST_LIMIT_DAY)
        if self.reached(self.calendar.limits.per_week, self.rows, at, self.same_week):
            found.add(Reason.HOST_LIMIT_WEEK)
        if self.reached(self.calendar.limits.per_month, self.rows, at, self.same_month):
            found.add(Reason.HOST_LIMIT_MONTH)
        return found

    def reached(self, most: int | None, rows: list[Occupied], at: int, same: object) -> bool:
        assert callable(same)
        if most is None:
            return False
        date = local(self.key, at).date()
        return self.count([row for row in rows if same(local(self.key, row.start).date(), date)]) >= most

    @staticmethod
    def same_day(one: dt.date, other: dt.date) -> bool:
        return one == other

    def same_week(self, one: dt.date, other: dt.date) -> bool:
        return self.week(one) == self.week(other)

    def week(self, date: dt.date) -> dt.date:
        while date.weekday() != self.rules.week_start:
            date -= dt.timedelta(days=1)
        return date

    @staticmethod
    def same_month(one: dt.date, other: dt.date) -> bool:
        return one.strftime("%Y-%m") == other.strftime("%Y-%m")


__all__ = ["Limits", "Oracle", "local", "wheel_zone"]
