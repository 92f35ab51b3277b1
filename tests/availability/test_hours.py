"""Hours become the right instants on every day a clock changes, in every zone."""

from __future__ import annotations

import datetime as dt
from importlib.resources import files

import pytest

from flask_booking.availability import (
    Calendar,
    Hours,
    Reason,
    Rules,
    Window,
    WindowKind,
    dates_needed,
    open_time,
    refusal,
    slots,
)
from flask_booking.availability.hours import local_days
from flask_booking.zones import UnknownZone
from tests.availability.oracle import Oracle, local, wheel_zone

UNLIMITED = Window(WindowKind.UNLIMITED)
SHAPES = {
    "09-17": (540, 1020),
    "13-22": (780, 1320),
    "00-06": (0, 360),
    "01:30-05:00": (90, 300),
    "00-24": (0, 1440),
}


def every_day(key: str, *ranges: tuple[int, int]) -> Hours:
    return Hours(key, (ranges,) * 7)


def at(key: str, *when: int, fold: int = 0) -> int:
    return int(dt.datetime(*when, tzinfo=wheel_zone(key), fold=fold).timestamp())  # type: ignore[misc]


def zones_that_differ() -> list[str]:
    """One name for each different set of clock changes in the wheel; links would be the same test again."""
    by_content: dict[bytes, str] = {}
    for key in (files("tzdata") / "zones").read_text().split():
        by_content.setdefault((files("tzdata") / "zoneinfo").joinpath(*key.split("/")).read_bytes(), key)
    return sorted(by_content.values())


def changes(key: str, first: int = 2026, last: int = 2027) -> list[int]:
    """The instants at which the clock of a zone changes, from hour to hour and then to the minute."""
    begin, end = (int(dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp()) for year in (first, last + 1))
    found = []
    for day in range(begin, end, 86400):
        if local(key, day).utcoffset() != local(key, day + 86400).utcoffset():
            found.append(
                next(
                    minute
                    for minute in range(day, day + 86400, 60)
                    if local(key, minute).utcoffset() != local(key, minute + 60).utcoffset()
                )
                + 60
            )
    return found


ZONES = {key: found for key in zones_that_differ() if (found := changes(key))}


def clocks_that_differ() -> dict[str, list[int]]:
    """Of zones whose clocks do the same in all these years, and differ before or after, the first."""
    by_clock: dict[tuple[object, ...], str] = {}
    for key, found in ZONES.items():
        offsets = [local(key, change + second).utcoffset() for change in found for second in (-1, 0)]
        by_clock.setdefault((*found, *offsets), key)
    return {key: ZONES[key] for key in by_clock.values()}


def test_many_zones_change_their_clocks() -> None:
    assert len(ZONES) > 50
    assert sum(len(found) for found in ZONES.values()) > 200
    assert sum(len(found) for found in clocks_that_differ().values()) > 100


@pytest.mark.parametrize("key", clocks_that_differ())
def test_around_every_change_of_a_clock_the_starts_are_right(key: str) -> None:
    for change in ZONES[key]:
        begin = change // 86400 * 86400 - 86400
        asked = {"now": begin, "start": begin, "end": begin + 3 * 86400}
        for shape in SHAPES.values():
            calendar = Calendar(1, every_day(key, shape))
            for rules in (Rules(1, 30, 15, window=UNLIMITED), Rules(1, 60, window=UNLIMITED)):
                expected = Oracle(rules, calendar, **asked).slots()
                assert slots(rules, calendar, **asked) == expected, (change, shape, rules.duration)


def test_a_repeated_time_is_its_first_occurrence() -> None:
    # New York, 1 November 2026: 01:00 to 02:00 happens twice, first at -4.
    key, day = "America/New_York", dt.date(2026, 11, 1)

    opened = open_time(every_day(key, (90, 300)), day, day)

    assert opened == [(at(key, 2026, 11, 1, 1, 30), at(key, 2026, 11, 1, 5))]
    assert opened[0][1] - opened[0][0] == 4.5 * 3600


def test_a_missing_time_is_read_with_the_offset_before_the_gap() -> None:
    # New York, 8 March 2026: 02:30 doesn't exist; with -5 it is 07:30 UTC, which clocks show as 03:30.
    key, day = "America/New_York", dt.date(2026, 3, 8)

    opened = open_time(every_day(key, (150, 300)), day, day)

    assert opened == [(at(key, 2026, 3, 8, 3, 30), at(key, 2026, 3, 8, 5))]


def test_a_range_within_a_gap_is_moved_with_both_edges() -> None:
    key, day = "America/New_York", dt.date(2026, 3, 8)

    assert open_time(every_day(key, (120, 150)), day, day) == [(at(key, 2026, 3, 8, 3), at(key, 2026, 3, 8, 3, 30))]
    assert open_time(every_day(key, (150, 195)), day, day) == []  # 03:30 to 03:15


def test_a_date_the_zone_skips_has_no_hours() -> None:
    key, day = "Pacific/Apia", dt.date(2011, 12, 29)

    opened = open_time(every_day(key, (540, 1020)), day, day + dt.timedelta(days=2))

    assert opened == [
        (at(key, 2011, 12, 29, 9), at(key, 2011, 12, 29, 17)),
        (at(key, 2011, 12, 31, 9), at(key, 2011, 12, 31, 17)),
    ]


def test_hours_to_midnight_end_where_the_skipped_date_begins() -> None:
    key, day = "Pacific/Apia", dt.date(2011, 12, 29)

    opened = open_time(every_day(key, (1320, 1440)), day, day + dt.timedelta(days=1))

    assert opened == [(at(key, 2011, 12, 29, 22), at(key, 2011, 12, 29, 22) + 7200)]


def test_a_range_over_midnight_belongs_to_the_date_it_begins_on() -> None:
    key, saturday = "Europe/London", dt.date(2026, 6, 6)
    weekly: list[tuple[tuple[int, int], ...]] = [()] * 7
    weekly[5] = ((1320, 1560),)  # Saturday 22:00 to Sunday 02:00
    closed_on_sunday = {saturday + dt.timedelta(days=1): ()}

    opened = open_time(Hours(key, tuple(weekly), closed_on_sunday), saturday, saturday + dt.timedelta(days=1))

    assert opened == [(at(key, 2026, 6, 6, 22), at(key, 2026, 6, 7, 2))]


def test_ranges_that_overlap_or_touch_are_one() -> None:
    key, day = "Asia/Kathmandu", dt.date(2026, 6, 6)
    hours = every_day(key, (780, 1020), (540, 600), (590, 780))

    assert open_time(hours, day, day) == [(at(key, 2026, 6, 6, 9), at(key, 2026, 6, 6, 17))]


def test_the_grid_of_touching_ranges_begins_at_the_first_of_them() -> None:
    key = "UTC"
    hours = every_day(key, (540, 600), (600, 720))
    start = at(key, 2026, 6, 6)

    starts = slots(Rules(1, 45, window=UNLIMITED), Calendar(1, hours), now=start, start=start, end=start + 86400)

    assert [(s - start) // 60 for s in starts] == [540, 585, 630, 675]


def test_round_the_clock_has_the_same_starts_every_day() -> None:
    hours = every_day("UTC", (0, 1440))
    start = at("UTC", 2026, 6, 6)

    for day in range(10):
        begin = start + day * 86400
        starts = slots(Rules(1, 50, window=UNLIMITED), Calendar(1, hours), now=start, start=begin, end=begin + 86400)
        assert [(s - begin) // 60 for s in starts] == list(range(0, 1440, 50))


def test_the_grid_of_a_long_stretch_does_not_depend_on_the_period_asked() -> None:
    key = "UTC"
    closed = {dt.date(2026, 6, 1): ()}
    calendar = Calendar(1, Hours(key, (((0, 1440),),) * 7, closed))
    rules = Rules(1, 50, window=UNLIMITED)
    start, end = at(key, 2026, 5, 25), at(key, 2026, 6, 20)

    whole = slots(rules, calendar, now=start, start=start, end=end)

    days = [{"now": start, "start": day, "end": day + 86400} for day in range(start, end, 86400)]
    assert whole == [at for day in days for at in slots(rules, calendar, **day)]
    assert whole == [at for day in days for at in Oracle(rules, calendar, **day).slots()]
    assert all(refusal(rules, calendar, at, now=start).reason is None for at in whole)


@pytest.mark.parametrize("key", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_meeting_of_a_whole_day_runs_on_into_the_next_date_on_either_side_of_the_date_line(key: str) -> None:
    calendar = Calendar(1, every_day(key, (0, 1440)))
    rules = Rules(1, 1440, 60, window=UNLIMITED)
    start = at("UTC", 2026, 6, 6)
    hours = range(start, start + 2 * 86400, 3600)

    assert slots(rules, calendar, now=start, start=start, end=start + 2 * 86400) == list(hours)
    assert [one for one in hours if refusal(rules, calendar, one, now=start).reason is not None] == []


def test_an_override_replaces_the_hours_of_its_date_and_of_no_other() -> None:
    key, day = "America/Sao_Paulo", dt.date(2026, 6, 10)
    hours = Hours(key, (((540, 600),),) * 7, {day: ((900, 960),)})

    assert open_time(hours, day, day + dt.timedelta(days=1)) == [
        (at(key, 2026, 6, 10, 15), at(key, 2026, 6, 10, 16)),
        (at(key, 2026, 6, 11, 9), at(key, 2026, 6, 11, 10)),
    ]


def test_british_columbia_keeps_summer_time_in_the_winter_of_2026() -> None:
    # Older zone data still turns its clocks back on 1 November 2026.
    opened = open_time(every_day("America/Vancouver", (540, 1020)), dt.date(2026, 12, 1), dt.date(2026, 12, 1))

    assert opened[0][0] == int(dt.datetime(2026, 12, 1, 16, tzinfo=dt.UTC).timestamp())


@pytest.mark.parametrize(
    "ranges", [((60, 60),), ((120, 60),), ((-1, 60),), ((1440, 1500),), ((0, 2881),)], ids=lambda day: str(day[0])
)
def test_ranges_that_cannot_be_are_refused(ranges: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValueError, match="Hours can't go from"):
        Hours("UTC", (ranges,) * 7)
    with pytest.raises(ValueError, match="Hours can't go from"):
        Hours("UTC", ((),) * 7, {dt.date(2026, 1, 1): ranges})


def test_a_week_has_seven_days() -> None:
    with pytest.raises(ValueError, match="seven days"):
        Hours("UTC", (((540, 600),),) * 5)


def test_equal_hours_are_one_key_and_do_not_change_with_what_they_were_made_of() -> None:
    overrides = {dt.date(2026, 1, 2): ((60, 120),), dt.date(2026, 1, 1): ()}
    one = Hours("UTC", (((540, 600),),) * 7, overrides)
    other = Hours("UTC", (((540, 600),),) * 7, dict(reversed(overrides.items())))

    assert one == other
    assert hash(one) == hash(other)
    overrides.clear()
    assert len(one.overrides) == 2
    assert one != Hours("UTC", (((540, 600),),) * 7)
    assert one != "UTC"


def test_hours_in_an_unknown_zone_say_so() -> None:
    with pytest.raises(UnknownZone):
        open_time(every_day("Mars/Olympus", (540, 600)), dt.date(2026, 1, 1), dt.date(2026, 1, 1))


@pytest.mark.parametrize(("key", "year"), [("America/St_Johns", 2010), ("Pacific/Apia", 2011), ("Asia/Beirut", 2026)])
def test_local_days_have_the_date_that_clocks_show(key: str, year: int) -> None:
    begin, end = at("UTC", year, 1, 1), at("UTC", year + 1, 1, 2)

    days = local_days(key, begin, end)

    assert days[0].start <= begin
    assert days[-1].end >= end
    for day, following in zip(days, [*days[1:], None], strict=True):
        assert local(key, day.start).toordinal() == local(key, day.end - 1).toordinal() == day.ordinal
        assert following is None or (following.start == day.end and following.ordinal != day.ordinal)


def test_times_no_calendar_reaches_are_refused_without_an_error() -> None:
    calendar, rules = Calendar(1, every_day("UTC", (0, 1440))), Rules(1, 30, window=UNLIMITED)

    assert refusal(rules, calendar, -(10**15), now=0).reason is Reason.PAST
    assert refusal(rules, calendar, 10**18, now=0).reason is Reason.CLOSED
    assert slots(rules, calendar, now=0, start=10**15, end=10**16) == []
    assert dates_needed(-(10**15), 10**15) < (dt.date(1970, 1, 1), dt.date(9999, 1, 1))
