"""The rules of availability, each by an example a person can follow.

Hours are 09:00 to 12:00 UTC on every day, meetings last 30 minutes, and the day is Thursday, 4 June 2026.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from flask_booking.availability import (
    TAKEN,
    Busy,
    Calendar,
    Hours,
    Limits,
    Occupied,
    Reason,
    Rules,
    Window,
    WindowKind,
    explain,
    reach,
    refusal,
    refusal_all,
    slots,
    slots_all,
    slots_any,
    valid_until,
)

THURSDAY = int(dt.datetime(2026, 6, 4, tzinfo=dt.UTC).timestamp())
DAY = 86_400
NINE_TO_TWELVE = Hours("UTC", (((540, 720),),) * 7)
RULES = Rules(event_type_id=1, duration=30, window=Window(WindowKind.UNLIMITED))
EVERY = ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30"]


def at(clock: str, day: int = 0) -> int:
    hour, minute = clock.split(":")
    return THURSDAY + day * DAY + int(hour) * 3600 + int(minute) * 60


def booked(
    clock: str, minutes: int = 30, *, buffer: int = 0, number: int | None = 1, kind: int = 1, day: int = 0
) -> Occupied:
    start = at(clock, day)
    end = start + minutes * 60
    return Occupied(start, end, start - buffer * 60, end + buffer * 60, kind, number, None, None)


def held(clock: str, *, expires: int, number: int = 1) -> Occupied:
    return booked(clock)._replace(booking_id=None, hold_id=number, expires=expires)


def host(**known: Any) -> Calendar:
    return Calendar(1, known.pop("hours", NINE_TO_TWELVE), **known)


def offered(rules: Rules, calendar: Calendar, *, day: int = 0, now: int = THURSDAY, **ignored: int) -> list[str]:
    begin = THURSDAY + day * DAY
    starts = slots(rules, calendar, now=now, start=begin, end=begin + DAY, **ignored)
    return [f"{(s - begin) // 3600:02}:{(s - begin) // 60 % 60:02}" for s in starts]


def test_a_meeting_may_end_when_the_hours_end() -> None:
    assert offered(RULES, host()) == EVERY


def test_a_meeting_may_begin_when_another_ends_and_end_when_it_begins() -> None:
    assert offered(RULES, host(busy=[Busy(at("09:30"), at("10:00"))])) == ["09:00", *EVERY[2:]]


def test_busy_time_without_length_closes_nothing() -> None:
    assert offered(RULES, host(busy=[Busy(at("09:10"), at("09:10"))])) == EVERY
    assert offered(RULES, host(occupied=[booked("09:10", minutes=0)])) == EVERY


def test_busy_time_does_not_move_the_grid() -> None:
    assert offered(RULES, host(busy=[Busy(at("09:00"), at("09:10"))])) == EVERY[1:]


def test_the_interval_and_the_offset_set_the_grid() -> None:
    assert offered(replace(RULES, interval=60, offset=5), host()) == ["09:05", "10:05", "11:05"]


def test_the_buffers_of_both_sides_add_up() -> None:
    with_buffers = replace(RULES, buffer_before=15, buffer_after=15)

    assert offered(with_buffers, host(occupied=[booked("10:30", buffer=15)])) == ["09:00", "09:30", "11:30"]
    assert offered(with_buffers, host(occupied=[booked("10:30", buffer=16)])) == ["09:00"]


def test_buffers_may_lie_outside_the_hours() -> None:
    assert offered(replace(RULES, buffer_before=60, buffer_after=60), host()) == EVERY


def test_unknown_is_not_free() -> None:
    assert offered(RULES, host(unknown=[Busy(at("00:00"), at("11:00"))])) == ["11:00", "11:30"]


def test_unknown_time_that_only_a_buffer_touches_is_still_told_as_unknown() -> None:
    rules, calendar = replace(RULES, buffer_before=10), host(unknown=[Busy(at("08:00"), at("09:00"), "work calendar")])

    verdict = refusal(rules, calendar, at("09:00"), now=THURSDAY)

    assert (verdict.reason, verdict.label) == (Reason.UNKNOWN, "work calendar")


def test_notice_is_counted_to_the_second() -> None:
    two_hours = replace(RULES, notice=120)

    assert offered(two_hours, host(), now=at("09:00")) == ["11:00", "11:30"]
    assert offered(two_hours, host(), now=at("09:00") + 1) == ["11:30"]


def test_the_window_ends_with_the_last_of_its_days_where_the_host_is() -> None:
    # In Auckland it is Thursday noon: tomorrow there begins at 12:00 UTC and lasts to Friday, 12:00.
    auckland = host(hours=Hours("Pacific/Auckland", (((0, 1440),),) * 7))
    tomorrow = replace(RULES, window=Window(WindowKind.DAYS, days=1))

    starts = slots(tomorrow, auckland, now=THURSDAY, start=THURSDAY, end=THURSDAY + 3 * DAY)

    assert starts[-1] == at("11:30", day=1)


@pytest.mark.parametrize(
    ("today", "days", "last"),
    [(0, 0, 0), (0, 1, 1), (0, 2, 4), (1, 1, 4), (2, 0, 2), (2, 1, 4), (3, 5, 8), (0, 5, 7), (2, 5, 8), (1, 10, 15)],
)
def test_business_days_leave_out_the_weekend(today: int, days: int, last: int) -> None:
    rules = replace(RULES, window=Window(WindowKind.BUSINESS_DAYS, days=days))
    now = THURSDAY + today * DAY

    starts = slots(rules, host(), now=now, start=now, end=now + 30 * DAY)

    assert (starts[-1] - THURSDAY) // DAY == last


def test_a_window_of_dates_includes_both_ends() -> None:
    rules = replace(RULES, window=Window(WindowKind.RANGE, first=dt.date(2026, 6, 5), last=dt.date(2026, 6, 6)))

    assert [bool(offered(rules, host(), day=day)) for day in range(4)] == [False, True, True, False]


def test_a_limit_closes_its_day_and_no_other() -> None:
    rules = replace(RULES, limits=Limits(per_day=2))
    calendar = host(occupied=[booked("09:00", number=1), booked("10:00", number=2), booked("09:00", number=3, day=1)])

    assert offered(rules, calendar) == []
    assert offered(rules, calendar, day=1) == EVERY[1:]


def test_a_booking_or_hold_with_several_rows_counts_once() -> None:
    twice = replace(RULES, limits=Limits(per_day=2))
    hold = [held("09:00", expires=at("23:00")), held("09:30", expires=at("23:00"))]
    other = held("10:00", expires=at("23:00"), number=2)
    nameless = [row._replace(hold_id=None) for row in hold]

    assert offered(twice, host(occupied=hold)) == EVERY[2:]
    assert offered(twice, host(occupied=[booked("09:00"), booked("09:30")])) == EVERY[2:]
    assert offered(twice, host(occupied=[*hold, other])) == []
    assert offered(twice, host(occupied=[hold[0], booked("09:00", number=1)])) == []  # hold 1 is not booking 1
    assert offered(twice, host(occupied=nameless)) == []


def test_weeks_begin_on_the_day_that_is_set() -> None:
    rules = replace(RULES, limits=Limits(per_week=1))
    calendar = host(occupied=[booked("09:00")])  # Thursday

    from_monday = [bool(offered(rules, calendar, day=day)) for day in range(-7, 8)]
    from_sunday = [bool(offered(replace(rules, week_start=6), calendar, day=day)) for day in range(-7, 8)]

    # The week before, then Monday (Sunday) to Sunday (Saturday), then the week after.
    assert not any(from_monday[:7])  # in the past
    assert from_monday[7:] == [False] * 4 + [True] * 4
    assert from_sunday[7:] == [False] * 3 + [True] * 5


def test_months_are_those_of_the_hosts_zone() -> None:
    # 31 May 23:30 UTC is already June in Berlin.
    berlin = Hours("Europe/Berlin", (((540, 720),),) * 7)
    may = booked("23:30", day=-4)
    rules = replace(RULES, limits=Limits(per_month=1))

    assert offered(rules, host(hours=berlin, occupied=[may])) == []
    assert offered(rules, host(occupied=[may])) == EVERY


@pytest.mark.parametrize("named", ["per_week", "per_month"])
@pytest.mark.parametrize(("taken", "asked"), [("first", "last"), ("last", "first")])
def test_a_period_is_counted_from_its_first_day_to_its_last(named: str, taken: str, asked: str) -> None:
    days = {"per_week": {"first": 4, "last": 10}, "per_month": {"first": 27, "last": 57}}[named]  # 8-14 June, July
    rules = replace(RULES, limits=Limits(**{named: 1}))
    row = booked("11:30", day=days[taken])

    assert offered(rules, host(occupied=[row]), day=days[asked]) == []
    assert offered(rules, host(occupied=[row]), day=days["first"] - 1) == EVERY
    assert offered(rules, host(occupied=[row]), day=days["last"] + 1) == EVERY
    begin, until = reach(rules, at("00:00", days[asked]), at("00:00", days[asked] + 1))
    assert begin <= row.occupied_from < row.occupied_until <= until


def test_what_ended_before_matters_as_far_as_the_buffers_reach() -> None:
    rules = replace(RULES, buffer_before=45, buffer_after=20)

    assert reach(rules, at("09:00"), at("12:00")) == (at("08:15"), at("12:50"))


def test_the_same_month_of_another_year_is_another_month() -> None:
    rules = replace(RULES, limits=Limits(per_month=1))
    calendar = host(occupied=[booked("09:00")])

    found = slots(rules, calendar, now=THURSDAY, start=THURSDAY, end=THURSDAY + 400 * DAY)

    assert at("09:00", day=365) in found
    assert at("09:30") not in found


def test_the_limit_of_the_host_counts_every_event_type_and_that_of_the_event_type_its_own() -> None:
    other_kind = [booked("09:00", kind=2)]

    assert offered(replace(RULES, limits=Limits(per_day=1)), host(occupied=other_kind)) == EVERY[1:]
    assert offered(RULES, host(occupied=other_kind, limits=Limits(per_day=1))) == []


def test_a_booking_being_moved_stands_in_its_own_way_nowhere() -> None:
    calendar = host(occupied=[booked("10:00", number=7)], limits=Limits(per_day=1))

    assert offered(RULES, calendar) == []
    assert offered(RULES, calendar, ignore_booking=7) == EVERY
    assert offered(RULES, calendar, ignore_booking=8) == []


def test_a_hold_counts_until_the_instant_it_expires_and_never_against_its_own_guest() -> None:
    calendar = host(occupied=[held("10:00", expires=at("08:00"), number=3)])

    assert "10:00" not in offered(RULES, calendar, now=at("08:00") - 1)
    assert "10:00" in offered(RULES, calendar, now=at("08:00"))
    assert "10:00" in offered(RULES, calendar, now=at("07:00"), ignore_hold=3)


def test_a_meeting_with_a_seat_left_is_offered_whatever_else_is_there() -> None:
    group = replace(RULES, seats=3, limits=Limits(per_day=1))
    guests = [booked("10:15", number=1), booked("10:15", number=2)]  # not on the grid of today's hours either
    calendar = host(occupied=guests, busy=[Busy(at("00:00"), at("23:00"))])

    assert offered(group, calendar) == ["10:15"]
    assert refusal(group, calendar, at("10:15"), now=THURSDAY).seats_left == 1


def test_a_meeting_without_a_seat_left_is_full() -> None:
    group = replace(RULES, seats=2)
    calendar = host(occupied=[booked("10:00", number=1), booked("10:00", number=2)])

    verdict = refusal(group, calendar, at("10:00"), now=THURSDAY)

    assert (verdict.reason, verdict.seats_left) == (Reason.FULL, 0)
    assert offered(group, calendar) == [start for start in EVERY if start != "10:00"]


def test_a_hold_takes_a_seat() -> None:
    group = replace(RULES, seats=2)
    calendar = host(occupied=[booked("10:00", number=1), held("10:00", expires=at("08:00"))])

    assert refusal(group, calendar, at("10:00"), now=at("07:59")).reason is Reason.FULL
    assert refusal(group, calendar, at("10:00"), now=at("08:00")).seats_left == 1


def test_seats_do_not_open_what_notice_or_window_close() -> None:
    group = replace(RULES, seats=3, notice=60)
    calendar = host(occupied=[booked("10:00")])

    assert refusal(group, calendar, at("10:00"), now=at("09:01")).reason is Reason.NOTICE
    later = replace(group, window=Window(WindowKind.RANGE, first=dt.date(2026, 6, 5)))
    assert refusal(later, calendar, at("10:00"), now=THURSDAY).reason is Reason.WINDOW


def test_any_takes_what_one_host_can_and_all_hands_what_everyone_can() -> None:
    quarter_past = Hours("UTC", (((555, 735),),) * 7)
    ann, ben = host(busy=[Busy(at("11:00"), at("12:00"))]), host(hours=quarter_past)
    period = {"now": THURSDAY, "start": THURSDAY, "end": THURSDAY + DAY}

    both = slots_all(RULES, [ann, ben], **period)

    assert both == [at(clock) for clock in ("09:15", "09:30", "09:45", "10:00", "10:15", "10:30")]
    assert set(both) < set(slots_any(RULES, [ann, ben], **period))
    assert refusal_all(RULES, [ann, ben], at("10:05"), now=THURSDAY).reason is Reason.OFF_GRID
    assert refusal_all(RULES, [ann, ben], at("11:15"), now=THURSDAY).reason is Reason.BUSY


def test_all_hands_ends_with_the_window_of_whoever_is_ahead() -> None:
    # The date in Auckland turns at 12:00 UTC.
    noon = Hours("UTC", (((660, 780),),) * 7)
    ann, ben = host(hours=noon), host(hours=Hours("Pacific/Auckland", (((0, 1440),),) * 7))
    today = replace(RULES, window=Window(WindowKind.RANGE, last=dt.date(2026, 6, 4)))
    period = {"now": THURSDAY, "start": THURSDAY, "end": THURSDAY + DAY}

    assert slots(today, ann, **period) == [at(clock) for clock in ("11:00", "11:30", "12:00", "12:30")]
    assert slots_all(today, [ann, ben], **period) == [at("11:00"), at("11:30")]


@pytest.mark.parametrize(
    ("clock", "reason", "label"),
    [
        ("08:30", Reason.CLOSED, ""),
        ("11:45", Reason.CLOSED, ""),
        ("09:05", Reason.OFF_GRID, ""),
        ("09:00", Reason.BLOCKED, "dentist"),
        ("09:30", Reason.BUFFER, "dentist"),
        ("10:00", Reason.BOOKED, ""),
        ("10:30", None, ""),
        ("11:00", Reason.BUSY, "stand-up"),
        ("11:30", Reason.UNKNOWN, "work calendar"),
    ],
)
def test_a_refusal_names_what_stands_in_the_way(clock: str, reason: Reason | None, label: str) -> None:
    calendar = host(
        blocked=[Busy(at("08:00"), at("09:25"), "dentist")],
        occupied=[booked("09:45", minutes=35, buffer=0, number=9)],
        busy=[Busy(at("11:05"), at("11:10"), "stand-up")],
        unknown=[Busy(at("11:30"), at("13:00"), "work calendar")],
    )
    rules = replace(RULES, buffer_before=10) if reason is Reason.BUFFER else RULES
    if reason is Reason.BUFFER:
        calendar = replace(calendar, occupied=())

    verdict = refusal(rules, calendar, at(clock), now=THURSDAY)

    assert (verdict.reason, verdict.label) == (reason, label)
    assert verdict.booking_id == (9 if reason is Reason.BOOKED else None)
    assert (reason in TAKEN) == (reason in {Reason.BLOCKED, Reason.BUFFER, Reason.BOOKED, Reason.BUSY})


def test_the_explanation_of_a_day_tells_of_closed_time_too() -> None:
    closed = Hours("UTC", (((540, 600),),) * 7, {dt.date(2026, 6, 5): ()})

    told = explain(RULES, host(hours=closed), now=THURSDAY, start=THURSDAY, end=THURSDAY + 3 * DAY)

    assert [(v.start, v.end, v.reason) for v in told] == [
        (at("00:00"), at("09:00"), Reason.CLOSED),
        (at("09:00"), at("09:30"), None),
        (at("09:30"), at("10:00"), None),
        (at("10:00"), at("00:00", day=1), Reason.CLOSED),
        (at("00:00", day=1), at("00:00", day=2), Reason.OVERRIDE),
        (at("00:00", day=2), at("09:00", day=2), Reason.CLOSED),
        (at("09:00", day=2), at("09:30", day=2), None),
        (at("09:30", day=2), at("10:00", day=2), None),
        (at("10:00", day=2), at("00:00", day=3), Reason.CLOSED),
    ]


def test_an_answer_is_valid_until_the_first_thing_that_time_alone_changes() -> None:
    period = {"now": THURSDAY, "start": THURSDAY, "end": THURSDAY + DAY}

    assert valid_until(RULES, host(), **period) == at("09:00") + 1
    assert valid_until(replace(RULES, notice=60), host(), **period) == at("08:00") + 1
    assert valid_until(RULES, host(occupied=[held("10:00", expires=at("07:00"))]), **period) == at("07:00")


@pytest.mark.parametrize(("kind", "ahead"), [(WindowKind.DAYS, 2), (WindowKind.BUSINESS_DAYS, 4)])
def test_an_answer_about_days_ahead_is_valid_until_midnight_where_the_host_is(kind: WindowKind, ahead: int) -> None:
    rolling = replace(RULES, window=Window(kind, days=1))
    later = {"now": THURSDAY, "start": THURSDAY + ahead * DAY, "end": THURSDAY + (ahead + 1) * DAY}

    assert slots(rolling, host(), **later) == []
    assert valid_until(rolling, host(), **later) == at("00:00", day=1)
    assert slots(rolling, host(), **{**later, "now": at("00:00", day=1)}) != []


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration": 0},
        {"duration": 1441},
        {"interval": 0},
        {"offset": -1},
        {"buffer_after": -1},
        {"notice": -5},
        {"seats": 0},
    ],
    ids=str,
)
def test_rules_that_cannot_be_meant_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"\."):
        replace(RULES, **wrong)
