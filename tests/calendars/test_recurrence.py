"""Recurrence rules: the same as dateutil where that comes to an end, and an end where it doesn't."""

# ruff: noqa: DTZ001, DTZ901 - rules know wall clocks only
from __future__ import annotations

import datetime as dt
import itertools

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given
from hypothesis import strategies as st

from flask_booking.calendars.ics.recurrence import WEEKDAYS, Budget, TooMany, read_rule, starts

FIRST = dt.datetime(2026, 1, 5, 9, 30)


def found(rule: str, first: dt.datetime = FIRST, begin: dt.datetime | None = None, days: int = 800) -> list[str]:
    begin = begin or first
    return [
        f"{one:%Y-%m-%d %H:%M}"
        for one in starts(read_rule(rule), first, begin, begin + dt.timedelta(days=days), Budget())
    ]


def some(values: st.SearchStrategy[int], most: int = 3) -> st.SearchStrategy[list[int]]:
    return st.lists(values, max_size=most, unique=True)


@st.composite
def rules(draw: st.DrawFn) -> str:
    freq = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={freq}", f"INTERVAL={draw(st.integers(1, 5))}"]
    chosen = {
        "BYMONTH": draw(some(st.integers(1, 12))),
        "BYMONTHDAY": draw(some(st.integers(-31, 31).filter(bool), 4)),
        "BYHOUR": draw(some(st.integers(0, 23))),
    }
    if freq == "YEARLY":
        chosen["BYYEARDAY"] = draw(some(st.integers(-366, 366).filter(bool)))
        # Of the days before New Year in next year's first week dateutil knows by 1 only, not by -52 and -53.
        chosen["BYWEEKNO"] = draw(some(st.integers(-50, 53).filter(bool)))
    names = draw(st.lists(st.sampled_from(sorted(chosen)), max_size=2, unique=True))
    parts += [f"{name}={','.join(map(str, chosen[name]))}" for name in names if chosen[name]]
    if days := draw(st.lists(st.sampled_from(WEEKDAYS), max_size=3, unique=True)):
        numbered = freq in ("YEARLY", "MONTHLY") and "BYWEEKNO" not in names and draw(st.booleans())
        # dateutil takes a mixture of "MO" and "1TU" for both at once, where RFC 5545 means either.
        which = [draw(st.sampled_from(["1", "2", "-1", "5"])) if numbered else "" for _ in days]
        parts.append("BYDAY=" + ",".join(number + day for number, day in zip(which, days, strict=True)))
    # dateutil begins a week's positions with the first occurrence, not with the week.
    if draw(st.booleans()) and len(parts) > 2 and freq != "WEEKLY":
        positions = draw(st.lists(st.integers(-4, 4).filter(bool), min_size=1, max_size=2, unique=True))
        parts.append(f"BYSETPOS={','.join(map(str, positions))}")
    if draw(st.booleans()):
        parts.append(f"WKST={draw(st.sampled_from(WEEKDAYS))}")
    if draw(st.booleans()):
        parts.append(f"COUNT={draw(st.integers(1, 40))}")
    return ";".join(parts)


@given(rules(), st.datetimes(dt.datetime(2019, 1, 1), dt.datetime(2027, 1, 1)), st.integers(0, 3000))
def test_the_same_as_dateutil(rule: str, first: dt.datetime, later: int) -> None:
    first = first.replace(second=0, microsecond=0, fold=0)
    begin = first + dt.timedelta(days=later)
    end = begin + dt.timedelta(days=700)
    # dateutil looks until the year 9999 for what never comes: only rules that go on, or end by themselves.
    decades = list(starts(read_rule(rule), first, first, first + dt.timedelta(days=30 * 366), Budget(days=10_000_000)))
    assume(decades and (decades[-1] > end or len(decades) == read_rule(rule).count))
    expected = list(itertools.takewhile(lambda one: one <= end, rrulestr(rule, dtstart=first)))
    ours = list(starts(read_rule(rule), first, first, end, Budget()))
    assert ours == expected
    near = list(starts(read_rule(rule), first, begin, end, Budget()))
    assert near == [one for one in expected if one >= begin]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
        "FREQ=WEEKLY;BYMONTHDAY=31;BYMONTH=2",
        "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=4",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=7",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=300",
    ],
)
def test_what_never_comes_is_looked_for_no_longer_than_asked(rule: str) -> None:
    budget = Budget()
    end = FIRST + dt.timedelta(days=800)
    assert list(starts(read_rule(rule), FIRST, FIRST, end, budget)) == []
    assert list(starts(read_rule(rule + ";COUNT=3"), FIRST, FIRST, end, budget)) == []
    assert Budget().days - budget.days < 10_000


def test_a_rule_from_long_ago_is_reached_by_arithmetic() -> None:
    budget = Budget(days=5000)
    first = dt.datetime(1, 1, 1, 9)
    near = list(starts(read_rule("FREQ=DAILY"), first, FIRST, FIRST + dt.timedelta(days=2), budget))
    assert near == [dt.datetime(2026, 1, day, 9) for day in (6, 7)]
    with pytest.raises(TooMany):  # a count has to be counted
        list(starts(read_rule("FREQ=DAILY;COUNT=900000"), first, FIRST, FIRST + dt.timedelta(days=2), budget))


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=5",
        "FREQ=HOURLY;COUNT=3",
        "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11;BYMINUTE=" + ",".join(map(str, range(60))),
    ],
)
def test_more_than_a_few_times_a_day_is_refused(rule: str) -> None:
    with pytest.raises(TooMany):
        found(rule)


def test_numbered_and_plain_weekdays_are_alternatives() -> None:
    assert found("FREQ=MONTHLY;BYDAY=1MO,FR;COUNT=3") == ["2026-01-05 09:30", "2026-01-09 09:30", "2026-01-16 09:30"]


def test_the_ends_of_time_are_no_trouble() -> None:
    last = dt.datetime(9999, 12, 31, 23)
    assert list(starts(read_rule("FREQ=YEARLY"), last, last, dt.datetime.max, Budget())) == [last]
    assert list(starts(read_rule("FREQ=WEEKLY"), last, last, dt.datetime.max, Budget())) == [last]
    first = dt.datetime(1, 1, 1)
    assert len(list(starts(read_rule("FREQ=WEEKLY;WKST=SU"), first, first, dt.datetime(1, 2, 1), Budget()))) >= 4


@pytest.mark.parametrize(
    "text",
    ["", "hello", "FREQ", "FREQ=", "FREQ=OFTEN", "FREQ=DAILY;COUNT=x", "FREQ=DAILY;BYMONTH=13", "FREQ=WEEKLY;BYDAY=XX",
     "FREQ=DAILY;INTERVAL=", "FREQ=DAILY;BYHOUR=99", "FREQ=DAILY;" + "X=1;" * 1000],
)  # fmt: skip
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any
        read_rule(text)


@pytest.mark.parametrize(
    ("text", "starts_at"),
    [
        ("freq=daily;count=2", ["2026-01-05 09:30", "2026-01-06 09:30"]),
        ("FREQ=DAILY;COUNT=2;X-ODD=1;", ["2026-01-05 09:30", "2026-01-06 09:30"]),
        ("FREQ=DAILY;COUNT=1;BYSECOND=60", ["2026-01-05 09:30"]),
        ("FREQ=WEEKLY;COUNT=2;BYDAY=MO,XX", ["2026-01-05 09:30", "2026-01-12 09:30"]),
        ("FREQ=DAILY;COUNT=1;UNTIL=20269999", ["2026-01-05 09:30"]),
        ("FREQ=DAILY;COUNT=1;WKST=XX", ["2026-01-05 09:30"]),
        ("FREQ=DAILY;COUNT=1;INTERVAL=0", ["2026-01-05 09:30"]),
    ],
)
def test_small_mistakes_are_read_over(text: str, starts_at: list[str]) -> None:
    assert found(text) == starts_at
