"""Recurrence rules (RFC 5545 §3.3.10) of other people's calendars: when something repeats, at a bounded cost.

``dateutil``, and so every library that stands on it, looks for the next date until the year 9999: one short line such
as ``FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30`` keeps it busy for seconds, and a calendar has room for many thousands of them.
Here each period is looked at once, no further than asked for, and a :class:`Budget` says how many.

All times are wall clocks without a zone: a meeting at 9 is at 9 in summer and in winter.
"""

from __future__ import annotations

import calendar
import collections.abc as c
import dataclasses
import datetime as dt
import functools
import itertools
import re

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")
_MOST_COUNTED = 100_000
"""Days that are looked at for one rule with COUNT, which can't be reached by arithmetic: those of 270 years."""
DENSE = ("HOURLY", "MINUTELY", "SECONDLY")

_BYDAY = re.compile(r"([+-]?\d{1,3})?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?")


class TooMany(Exception):
    """More repetitions than anybody's calendar has, or more work than they are worth."""


@dataclasses.dataclass
class Budget:
    """How much may be done for one calendar: days to look at, and occurrences to make."""

    days: int = 1_500_000
    occurrences: int = 100_000

    def spend(self, *, days: int = 0, occurrences: int = 0) -> None:
        """Raises :class:`TooMany` when there is nothing left."""
        self.days -= days
        self.occurrences -= occurrences
        if self.days < 0 or self.occurrences < 0:
            raise TooMany


@dataclasses.dataclass(frozen=True)
class Until:
    """The last moment that a rule includes: UTC (``utc``), a whole day (``day``), or wall clock."""

    at: dt.datetime
    utc: bool = False
    day: bool = False


@dataclasses.dataclass(frozen=True)
class Rule:
    """A rule as it was written; empty tuples stand for parts that it doesn't have."""

    freq: str
    interval: int = 1
    count: int | None = None
    until: Until | None = None
    by_month: tuple[int, ...] = ()
    by_week: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_day: tuple[tuple[int, int], ...] = ()
    """Pairs of which (0 is every one) and weekday (0 is Monday)."""
    by_hour: tuple[int, ...] = ()
    by_minute: tuple[int, ...] = ()
    by_second: tuple[int, ...] = ()
    by_position: tuple[int, ...] = ()
    week_start: int = 0


def read_rule(text: str) -> Rule:
    """Raises ValueError for what is no rule.  Parts that nobody knows are passed over, and so is a broken UNTIL: the
    rule then goes on."""
    if len(text) > 2000:
        raise ValueError("a rule of such a length")
    parts = {}
    for part in text.upper().replace(" ", "").strip(";").split(";"):
        name, equals, value = part.partition("=")
        if not equals:
            raise ValueError("no rule")
        parts[name] = value
    freq = parts.get("FREQ", "")
    if freq not in FREQUENCIES + DENSE:
        raise ValueError("no frequency")
    count = int(parts["COUNT"]) if "COUNT" in parts else None
    return Rule(
        freq=freq,
        interval=min(max(1, int(parts.get("INTERVAL", 1))), 100_000),
        count=count if count is not None and count > 0 else None,
        until=_until(parts.get("UNTIL", "")),
        by_month=_numbers(parts, "BYMONTH", 1, 12),
        by_week=_numbers(parts, "BYWEEKNO", 1, 53, negative=True),
        by_year_day=_numbers(parts, "BYYEARDAY", 1, 366, negative=True),
        by_month_day=_numbers(parts, "BYMONTHDAY", 1, 31, negative=True),
        by_day=_days(parts.get("BYDAY", "")),
        by_hour=_numbers(parts, "BYHOUR", 0, 23),
        by_minute=_numbers(parts, "BYMINUTE", 0, 59),
        by_second=_numbers(parts, "BYSECOND", 0, 60),
        by_position=_numbers(parts, "BYSETPOS", 1, 366, negative=True),
        week_start=WEEKDAYS.index(parts["WKST"]) if parts.get("WKST") in WEEKDAYS else 0,
    )


def _numbers(
    parts: c.Mapping[str, str], name: str, least: int, most: int, *, negative: bool = False
) -> tuple[int, ...]:
    values = {int(text) for text in parts[name].split(",")} if parts.get(name) else set()
    if not all(least <= (abs(value) if negative else value) <= most for value in values):
        raise ValueError(name)
    return tuple(sorted(values))


def _days(text: str) -> tuple[tuple[int, int], ...]:
    found = [_BYDAY.fullmatch(one) for one in text.split(",")] if text else []
    days = {(int(one[1] or 0), WEEKDAYS.index(one[2])) for one in found if one}
    if len(days) == 0 and text:
        raise ValueError("BYDAY")
    return tuple(sorted(days))


def _until(text: str) -> Until | None:
    found = _UNTIL.fullmatch(text)
    if not found:
        return None
    try:
        at = dt.datetime(*(int(one or 0) for one in found.groups()[:6]))  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None
    return Until(at, utc=found[7] == "Z", day=found[4] is None)


def starts(
    rule: Rule, first: dt.datetime, begin: dt.datetime, end: dt.datetime, budget: Budget
) -> c.Iterator[dt.datetime]:
    """The starts in ``[begin, end]`` that ``rule`` gives something that ``first`` happens at ``first``, in order.

    UNTIL is obeyed to the day only: whoever knows the time zone compares closer.  Raises :class:`TooMany`.
    """
    if rule.freq in DENSE:
        raise TooMany
    if rule.until is not None:
        end = min(end, _later(rule.until.at, 2))
    times = _times(rule, first)
    rule = _filled(rule, first)
    counted, left = 0, budget.days - _MOST_COUNTED
    for days in _periods(rule, first, begin, end, budget):
        if rule.count and budget.days < left:
            raise TooMany
        found: c.Iterable[dt.datetime] = (
            dt.datetime.combine(dt.date.fromordinal(day), time) for day in days for time in times
        )
        if rule.by_position:
            every = list(itertools.islice(found, 400 * 24))
            positions = {place - 1 if place > 0 else len(every) + place for place in rule.by_position}
            found = [every[place] for place in sorted(positions) if 0 <= place < len(every)]
        for start in found:
            if start < first:
                continue
            if start > end:
                return
            counted += 1
            if start >= begin:
                budget.spend(occurrences=1)
                yield start
            else:
                budget.spend(days=1)
            if counted == rule.count:
                return


def _filled(rule: Rule, first: dt.datetime) -> Rule:
    """What a rule leaves open it has from the first occurrence."""
    if rule.by_week or rule.by_year_day or rule.by_month_day or rule.by_day:
        return rule
    if rule.freq == "YEARLY":
        return dataclasses.replace(rule, by_month=rule.by_month or (first.month,), by_month_day=(first.day,))
    if rule.freq == "MONTHLY":
        return dataclasses.replace(rule, by_month_day=(first.day,))
    if rule.freq == "WEEKLY":
        return dataclasses.replace(rule, by_day=((0, first.weekday()),))
    return rule


def _times(rule: Rule, first: dt.datetime) -> list[dt.time]:
    parts = (rule.by_hour or (first.hour,), rule.by_minute or (first.minute,), rule.by_second or (first.second,))
    if len(parts[0]) * len(parts[1]) * len(parts[2]) > 24 * 12:
        raise TooMany
    return sorted({dt.time(hour, minute, min(second, 59)) for hour, minute, second in itertools.product(*parts)})


def _periods(
    rule: Rule, first: dt.datetime, begin: dt.datetime, end: dt.datetime, budget: Budget
) -> c.Iterator[list[int]]:
    """The days (as ordinals) of each period that the rule allows.

    Without COUNT, periods long before ``begin`` needn't be looked at: they are reached by arithmetic.
    """
    from_day = (first if rule.count else max(first, begin)).toordinal()
    to_day, step, fits = end.toordinal(), rule.interval, _filter(rule)
    if rule.freq == "DAILY" and not rule.by_position:
        # Many periods at once: each has one day.
        start = first.toordinal() + max(0, (from_day - first.toordinal()) // step) * step
        for day in range(start, to_day + 1, 64 * step):
            budget.spend(days=64)
            yield [one for one in range(day, min(day + 64 * step, to_day + 1), step) if fits(one)]
        return
    if rule.freq in ("DAILY", "WEEKLY"):
        length = 1 if rule.freq == "DAILY" else 7
        anchor = first.toordinal()
        if length == 7:
            anchor -= (first.weekday() - rule.week_start) % 7
        start = anchor + max(0, (from_day - anchor) // (length * step)) * length * step
        for day in range(start, to_day + 1, length * step):
            budget.spend(days=length)
            yield [one for one in range(day, day + length) if 1 <= one <= _LAST and fits(one)]
        return
    months = 1 if rule.freq == "MONTHLY" else 12
    anchor = first.year * 12 + (first.month - 1 if months == 1 else 0)
    near = dt.date.fromordinal(from_day)
    start = anchor + max(0, (near.year * 12 + near.month - 1 - anchor) // (months * step)) * months * step
    last = dt.date.fromordinal(to_day)
    for month in range(start, last.year * 12 + last.month, months * step):
        found: list[int] = []
        for one in range(month, month + months):
            if not rule.by_month or one % 12 + 1 in rule.by_month:
                begins = dt.date(one // 12, one % 12 + 1, 1).toordinal()
                found += [day for day in range(begins, begins + _length(one // 12, one % 12 + 1)) if fits(day)]
                budget.spend(days=31)
        budget.spend(days=1)
        yield found


_LAST = dt.date.max.toordinal()
_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _length(year: int, month: int) -> int:
    return 29 if month == 2 and calendar.isleap(year) else _LENGTHS[month - 1]


def _filter(rule: Rule) -> c.Callable[[int], bool]:
    """Whether a day, by its ordinal, is one that the rule allows."""
    numbered = any(number for number, _ in rule.by_day) and rule.freq in ("YEARLY", "MONTHLY")
    by_date = rule.by_month or rule.by_month_day or rule.by_year_day or numbered
    plain = frozenset(weekday for number, weekday in rule.by_day if not number or not numbered)

    def fits(ordinal: int) -> bool:
        if rule.by_day and not numbered and (ordinal + 6) % 7 not in plain:
            return False
        if rule.by_week and not _in_week(rule, ordinal):
            return False
        return not by_date or _fits_date(rule, dt.date.fromordinal(ordinal), plain, numbered)

    return fits if rule.by_day or rule.by_week or by_date else lambda _: True


def _fits_date(rule: Rule, day: dt.date, plain: frozenset[int], numbered: bool) -> bool:
    if rule.by_month and day.month not in rule.by_month:
        return False
    if rule.by_month_day:
        back = day.day - _length(day.year, day.month) - 1
        if day.day not in rule.by_month_day and back not in rule.by_month_day:
            return False
    if rule.by_year_day:
        length, place = 366 if calendar.isleap(day.year) else 365, day.timetuple().tm_yday
        if place not in rule.by_year_day and place - length - 1 not in rule.by_year_day:
            return False
    return not numbered or day.weekday() in plain or _is_numbered(rule, day)


def _is_numbered(rule: Rule, day: dt.date) -> bool:
    """Whether a day is one like the first Monday, or the last Friday, of its month or year."""
    which = [number for number, weekday in rule.by_day if weekday == day.weekday()]
    if not which:
        return False
    if rule.freq == "MONTHLY" or rule.by_month:
        place, length = day.day, _length(day.year, day.month)
    else:
        place, length = day.timetuple().tm_yday, 366 if calendar.isleap(day.year) else 365
    return (place - 1) // 7 + 1 in which or -((length - place) // 7 + 1) in which


def _in_week(rule: Rule, ordinal: int) -> bool:
    """Whether a day is in one of the rule's weeks."""
    begins = ordinal - (ordinal + 6 - rule.week_start) % 7
    if not 1 <= begins + 3 <= _LAST - 400:
        return False
    year = dt.date.fromordinal(begins + 3).year
    first, following = _first_week(year, rule.week_start), _first_week(year + 1, rule.week_start)
    number = (begins - first) // 7 + 1
    return number in rule.by_week or number - (following - first) // 7 - 1 in rule.by_week


@functools.lru_cache(maxsize=4096)
def _first_week(year: int, week_start: int) -> int:
    """Where a year's first week begins: the one with at least four of its days (ISO 8601)."""
    fourth = dt.date(year, 1, 4).toordinal()
    return fourth - (fourth + 6 - week_start) % 7


def _later(at: dt.datetime, days: int) -> dt.datetime:
    try:
        return at + dt.timedelta(days=days)
    except OverflowError:
        return dt.datetime.max  # noqa: DTZ901 - a wall clock
