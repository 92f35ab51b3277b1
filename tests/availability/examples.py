"""Random hosts and event types around the days on which clocks do something odd."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from flask_booking.availability import Busy, Calendar, Hours, Limits, Occupied, Rules, Window, WindowKind
from tests.availability.oracle import wheel_zone

DAYS = [
    ("UTC", dt.date(2026, 12, 31)),
    ("America/New_York", dt.date(2026, 3, 8)),
    ("America/New_York", dt.date(2026, 11, 1)),
    ("Europe/London", dt.date(2026, 3, 29)),
    ("Europe/London", dt.date(2026, 10, 25)),
    ("Europe/Dublin", dt.date(2027, 3, 28)),  # its summer time is the standard one
    ("Australia/Lord_Howe", dt.date(2026, 4, 5)),  # half an hour
    ("Australia/Lord_Howe", dt.date(2026, 10, 4)),
    ("Asia/Kathmandu", dt.date(2026, 6, 15)),  # +05:45
    ("Asia/Kolkata", dt.date(2027, 1, 1)),
    ("Africa/Casablanca", dt.date(2026, 2, 15)),  # back for Ramadan
    ("Africa/Casablanca", dt.date(2026, 3, 22)),
    ("Pacific/Apia", dt.date(2011, 12, 30)),  # a date that was skipped
    ("Pacific/Kiritimati", dt.date(1994, 12, 31)),
    ("America/Sao_Paulo", dt.date(2018, 11, 4)),  # no midnight
    ("America/Sao_Paulo", dt.date(2018, 2, 18)),  # the last hour of Saturday twice
    ("America/St_Johns", dt.date(2010, 11, 7)),  # a minute of Sunday, then Saturday again
    ("Asia/Beirut", dt.date(2026, 3, 29)),
    ("Africa/Cairo", dt.date(2026, 10, 30)),
    ("America/Havana", dt.date(2026, 11, 1)),
    ("Antarctica/Troll", dt.date(2026, 10, 25)),  # two hours
    ("Antarctica/Casey", dt.date(2020, 10, 4)),  # three hours from 00:01
    ("Pacific/Chatham", dt.date(2026, 9, 27)),  # at 02:45
    ("America/Vancouver", dt.date(2026, 11, 1)),  # summer time for good
    ("America/Vancouver", dt.date(2027, 3, 14)),
]
"""Zones and dates; most are changes of the clock."""


@dataclass(frozen=True)
class Question:
    rules: Rules
    calendar: Calendar
    now: int
    start: int
    end: int
    ignore_booking: int | None
    ignore_hold: int | None

    @property
    def asked(self) -> dict[str, Any]:
        return {"now": self.now, "start": self.start, "end": self.end, **self.ignored}

    @property
    def ignored(self) -> dict[str, Any]:
        return {"ignore_booking": self.ignore_booking, "ignore_hold": self.ignore_hold}


def midnight(key: str, date: dt.date) -> int:
    return int(dt.datetime.combine(date, dt.time(), wheel_zone(key)).timestamp())


edges = st.sampled_from([0, 60, 90, 120, 135, 150, 180, 300, 360, 540, 765, 780, 1020, 1320, 1380, 1410]) | st.integers(
    0, 1439
)
lengths = st.sampled_from([15, 60, 180, 240, 480, 480, 600, 600, 1440]) | st.integers(1, 1440)
some_ranges = st.lists(
    st.tuples(edges, lengths).map(lambda r: (r[0], min(r[0] + r[1], 2880))), min_size=1, max_size=3
).map(tuple)
ranges = st.just(()) | some_ranges
whole_days = st.just(((0, 1440),))
weeks = st.one_of(
    st.lists(ranges, min_size=7, max_size=7).map(tuple),
    some_ranges.map(lambda day: (day,) * 7),
    st.sampled_from([((0, 1440),), ((540, 1020),), ((1320, 1800),)]).map(lambda day: (day,) * 7),
)
counts = st.none() | st.none() | st.integers(0, 4)
limits = st.one_of([st.just(Limits())] * 2 + [st.builds(Limits, counts, counts, counts)])


@st.composite
def hours(draw: st.DrawFn, key: str, date: dt.date) -> Hours:
    # As far back as a range, or a chain of ranges that touch, could matter, and farther.
    near = (st.integers(-3, 3) | st.integers(-18, 5)).map(lambda days: date + dt.timedelta(days=days))
    return Hours(key, draw(weeks), draw(st.dictionaries(near, ranges | whole_days, max_size=3)))


@st.composite
def rules(draw: st.DrawFn, date: dt.date) -> Rules:
    near = st.integers(-3, 3).map(lambda days: date + dt.timedelta(days=days))
    window = draw(
        st.one_of(
            st.just(Window(WindowKind.UNLIMITED)),
            st.just(Window(WindowKind.DAYS)),
            st.builds(Window, st.just(WindowKind.DAYS), st.integers(0, 5)),
            st.builds(Window, st.just(WindowKind.BUSINESS_DAYS), st.integers(0, 8)),
            st.builds(Window, st.just(WindowKind.RANGE), st.just(0), st.none() | st.just(date), st.none() | near),
        )
    )
    return Rules(
        event_type_id=1,
        duration=draw(st.sampled_from([5, 15, 30, 30, 45, 45, 50, 60, 60, 90, 720])),
        interval=draw(st.none() | st.sampled_from([5, 10, 15, 30, 45, 60, 100])),
        offset=draw(st.sampled_from([0, 0, 0, 5, 40])),
        buffer_before=draw(st.sampled_from([0, 0, 10, 60])),
        buffer_after=draw(st.sampled_from([0, 0, 15, 45])),
        notice=draw(st.sampled_from([0, 0, 0, 30, 240, 1500])),
        window=window,
        limits=draw(limits),
        week_start=draw(st.sampled_from([0, 5, 6])),
        seats=draw(st.sampled_from([1, 1, 2, 3])),
    )


@st.composite
def occupied(draw: st.DrawFn, rule: Rules, around: int, now: int) -> Occupied:
    start = around + 300 * draw(st.integers(-36 * 12, 36 * 12))
    length = rule.duration * 60 if draw(st.booleans()) else 300 * draw(st.integers(1, 30))
    who = draw(st.sampled_from(["booking", "hold", "neither", "both"]))
    return Occupied(
        start,
        start + length,
        start - 60 * draw(st.sampled_from([0, 0, 10, 45])),
        start + length + 60 * draw(st.sampled_from([0, 0, 10, 45])),
        draw(st.sampled_from([1, 1, 1, 2, None])),
        draw(st.integers(1, 6)) if who in ("booking", "both") else None,
        draw(st.integers(1, 6)) if who in ("hold", "both") else None,
        now + draw(st.sampled_from([-60, 0, 1, 600])) if who == "hold" else None,
    )


@st.composite
def calendars(draw: st.DrawFn, key: str, date: dt.date, rule: Rules, now: int) -> Calendar:
    around = midnight(key, date)
    times = st.lists(
        st.tuples(st.integers(-36 * 12, 36 * 12), st.integers(0, 60)).map(
            lambda t: Busy(around + 300 * t[0], around + 300 * (t[0] + t[1]), "dentist")
        ),
        max_size=3,
    ).map(tuple)
    rows = draw(st.lists(occupied(rule, around, now), max_size=5))
    if rows and draw(st.booleans()):
        # More guests of the same meeting.
        more = draw(st.sets(st.integers(1, 4)))
        rows += [rows[0]._replace(booking_id=number, hold_id=None, expires=None) for number in more]
    return Calendar(
        1, draw(hours(key, date)), draw(times), draw(times), tuple(rows), draw(limits), draw(times | st.just(()))
    )


@st.composite
def questions(draw: st.DrawFn) -> Question:
    key, date = draw(st.sampled_from(DAYS))
    around = midnight(key, date)
    rule = draw(rules(date))
    start = around + 1800 * draw(st.integers(-72, 48)) + draw(st.sampled_from([0, 0, 0, 1, 59]))
    end = start + draw(st.sampled_from([*[2 * 86400] * 4, *[86400] * 3, 2 * 86400 + 7, 7200]))
    now = (
        start - 86400 * draw(st.integers(0, 5)) + draw(st.sampled_from([0, 0, 43200])) + draw(st.integers(-3600, 3600))
    )
    ignored = st.none() | st.integers(1, 4)
    return Question(rule, draw(calendars(key, date, rule, now)), now, start, end, draw(ignored), draw(ignored))
