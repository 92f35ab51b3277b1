# ruff: noqa: DTZ001 - wall clocks
"""What the events of iCalendar texts take of somebody's time: as apps show it, and whatever a stranger writes."""

from __future__ import annotations

import datetime as dt
import zoneinfo

import icalendar
import pytest
import recurring_ical_events
from hypothesis import assume, given
from hypothesis import strategies as st

from flask_booking.calendars.ics.components import scan
from flask_booking.calendars.ics.occurrences import read
from flask_booking.calendars.provider import Show, Window
from tests.calendars.drafts import WINDOW, at
from tests.calendars.hostile import TIMES
from tests.calendars.occurring import found, spans
from tests.fixtures.caldav import calendar_text

# -- times ------------------------------------------------------------------------------------------------------------

CUSTOM = """BEGIN:VTIMEZONE
TZID:Customized Time Zone
BEGIN:STANDARD
DTSTART:16010101T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0430
TZOFFSETTO:+0330
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0330
TZOFFSETTO:+0430
END:DAYLIGHT
END:VTIMEZONE
"""


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("DTSTART:20261201T100000Z\nDTEND:20261201T110000Z", ["12-01 10:00+60"]),
        ("DTSTART:20261201T100000Z\nDURATION:PT1H30M", ["12-01 10:00+90"]),
        ("DTSTART:20261201T100000Z\nDURATION:-PT1H", ["12-01 09:00+60"]),
        ("DTSTART:20261201T100000Z\nDURATION:P1W", ["12-01 10:00+10080"]),
        ("DTSTART;TZID=Europe/Berlin:20261201T100000\nDTEND;TZID=Europe/Berlin:20261201T110000", ["12-01 09:00+60"]),
        ('DTSTART;TZID="Europe/Berlin":20261201T100000\nDURATION:PT1H', ["12-01 09:00+60"]),
        ("DTSTART;TZID=europe/berlin:20261201T100000\nDURATION:PT1H", ["12-01 09:00+60"]),
        ("DTSTART;TZID=W. Europe Standard Time:20261201T100000\nDURATION:PT1H", ["12-01 09:00+60"]),
        ("DTSTART;TZID=/mozilla.org/20050126_1/Europe/Berlin:20261201T100000\nDURATION:PT1H", ["12-01 09:00+60"]),
        ("DTSTART;TZID=America/Argentina/Buenos_Aires:20261201T100000\nDURATION:PT1H", ["12-01 13:00+60"]),
        ("DTSTART;TZID=Customized Time Zone:20261201T100000\nDURATION:PT1H", ["12-01 06:30+60"]),
        ('DTSTART;TZID="GMT+05:30":20261201T100000\nDURATION:PT1H', ["12-01 04:30+60"]),
        # Nobody knows the zone: most likely it is the calendar's own.
        ("DTSTART;TZID=Mars/Olympus:20261201T100000\nDURATION:PT1H", ["12-01 15:00+60"]),
        ("DTSTART:20261201T100000\nDURATION:PT1H", ["12-01 15:00+60"]),
        ("DTSTART;VALUE=DATE:20261201\nDTEND;VALUE=DATE:20261203", ["12-01 05:00+2880"]),
        ("DTSTART;VALUE=DATE:20261201", ["12-01 05:00+1440"]),
        ("DTSTART:20261201\nDTEND:20261201", ["12-01 05:00+1440"]),
        ("DTSTART;VALUE=DATE:20261201\nDURATION:P3D", ["12-01 05:00+4320"]),
        ("DTSTART;VALUE=DATE:20261201\nDURATION:PT6H", ["12-01 05:00+360"]),
        ("DTSTART;VALUE=DATE:20261201\nDTEND:20261201T120000Z", ["12-01 05:00+420"]),
        # Around the change of clocks a day is longer.
        ("DTSTART;VALUE=DATE:20261101\nDTEND;VALUE=DATE:20261102", ["11-01 04:00+1500"]),
        # The wrong way round.
        ("DTSTART:20261201T110000Z\nDTEND:20261201T100000Z", ["12-01 10:00+60"]),
        ("DTSTART;VALUE=DATE:20261203\nDTEND;VALUE=DATE:20261201", ["12-01 05:00+2880"]),
        # A reminder takes no time.
        ("DTSTART:20261201T100000Z\nDTEND:20261201T100000Z", []),
        ("DTSTART:20261201T100000Z", []),
        ("DTSTART:20261201T100060Z\nDTEND:20261201T110000Z", ["12-01 10:00+59"]),
        ("DTSTART:20261201T100000Z\nDTEND:20261201T110000Z\nDTEND:20261201T120000Z", ["12-01 10:00+60"]),
        ("dtstart:20261201t100000z\ndtend:20261201t110000z", ["12-01 10:00+60"]),
    ],
)
def test_times_are_read_as_apps_show_them(event: str, expected: list[str]) -> None:
    assert spans(event, head=CUSTOM, time_zone="America/New_York") == expected


def test_only_what_touches_the_window_counts() -> None:
    day = Window(at("2026-12-01 00:00"), at("2026-12-02 00:00"))
    assert spans(
        "UID:1\nDTSTART:20261130T230000Z\nDTEND:20261201T000000Z",
        "UID:2\nDTSTART:20261130T230000Z\nDTEND:20261201T000100Z",
        "UID:3\nDTSTART:20261201T235900Z\nDTEND:20261205T000000Z",
        "UID:4\nDTSTART:20261202T000000Z\nDTEND:20261202T010000Z",
        "UID:5\nDTSTART:20200101T000000Z\nDTEND:20300101T000000Z",
        window=day,
    ) == ["01-01 00:00+5260320", "11-30 23:00+61", "12-01 23:59+4321"]


def test_a_long_series_reaches_into_the_window() -> None:
    day = Window(at("2026-12-04 00:00"), at("2026-12-05 00:00"))
    assert spans("DTSTART:20261101T000000Z\nDURATION:P6D\nRRULE:FREQ=WEEKLY", window=day) == ["11-29 00:00+8640"]


def test_a_night_shift_ends_when_any_app_says_it_ends() -> None:
    clocks = Window(at("2026-10-24 00:00"), at("2026-10-26 12:00"))
    event = "DTSTART;TZID=Europe/Berlin:20261023T220000\nDTEND;TZID=Europe/Berlin:20261024T060000\nRRULE:FREQ=DAILY"
    # The night of the 24th is an hour longer: by the clock of its end it lasts nine hours.
    assert spans(event, window=clocks) == ["10-23 20:00+480", "10-24 20:00+540", "10-25 21:00+480"]


def test_a_time_that_clocks_never_showed_is_read_with_the_offset_before() -> None:
    spring = Window(at("2027-03-27 00:00"), at("2027-03-30 00:00"))
    event = "DTSTART;TZID={}:20270327T023000\nDURATION:PT30M\nRRULE:FREQ=DAILY;COUNT=3"
    expected = ["03-27 01:30+30", "03-28 01:30+30", "03-29 00:30+30"]
    assert spans(event.format("Europe/Berlin"), window=spring) == expected
    custom = CUSTOM.replace("+0330", "+0100").replace("+0430", "+0200")
    assert spans(event.format("Customized Time Zone"), head=custom, window=spring) == expected


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Customized Time Zone"])
def test_of_a_time_that_clocks_showed_twice_the_first_counts(zone: str) -> None:
    autumn = Window(at("2026-10-24 00:00"), at("2026-10-27 00:00"))
    custom = CUSTOM.replace("+0330", "+0100").replace("+0430", "+0200")
    event = f"DTSTART;TZID={zone}:20261025T023000\nDURATION:PT30M"
    assert spans(event, head=custom, window=autumn) == ["10-25 00:30+30"]


# -- series -----------------------------------------------------------------------------------------------------------

WEEKLY = "SUMMARY:Weekly\nDTSTART;TZID=Europe/Berlin:20261102T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=4"


BERLIN = "TZID=Europe/Berlin"
MO2, MO9, MO16, MO23 = "11-02 08:00+60", "11-09 08:00+60", "11-16 08:00+60", "11-23 08:00+60"


def moved(which: str, start: str, more: str = "") -> str:
    """One occurrence of the series, somewhere else."""
    return f"SUMMARY:Moved\nRECURRENCE-ID;{BERLIN}:{which}\nDTSTART;{BERLIN}:{start}\nDURATION:PT30M{more}"


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([WEEKLY], [MO2, MO9, MO16, MO23]),
        ([f"{WEEKLY}\nEXDATE;{BERLIN}:20261109T090000,20261116T090000"], [MO2, MO23]),
        ([f"{WEEKLY}\nEXDATE:20261109T080000Z\nEXDATE;VALUE=DATE:20261116"], [MO2, MO23]),
        ([f"{WEEKLY}\nEXDATE:20261109T090000Z"], [MO2, MO9, MO16, MO23]),
        ([f"{WEEKLY}\nEXDATE;{BERLIN}:20261102T090000"], [MO9, MO16, MO23]),
        (
            [f"{WEEKLY}\nRDATE;{BERLIN}:20261205T120000\nRDATE;VALUE=PERIOD:20261206T120000Z/PT2H"],
            [MO2, MO9, MO16, MO23, "12-05 11:00+60", "12-06 12:00+120"],
        ),
        ([WEEKLY, moved("20261109T090000", "20261111T150000")], [MO2, "11-11 14:00+30", MO16, MO23]),
        # Out of the window, and into it.
        ([WEEKLY, moved("20261109T090000", "20280101T150000")], [MO2, MO16, MO23]),
        ([WEEKLY.replace("2026", "2025"), moved("20251109T090000", "20261111T150000")], ["11-11 14:00+30"]),
        # By the time in UTC; in another version; twice.
        (
            [WEEKLY, "RECURRENCE-ID:20261109T080000Z\nDTSTART:20261111T140000Z\nDURATION:PT30M"],
            [MO2, "11-11 14:00+30", MO16, MO23],
        ),
        (
            [
                WEEKLY,
                moved("20261109T090000", "20261110T150000"),
                moved("20261109T090000", "20261111T150000", "\nSEQUENCE:2"),
            ],
            [MO2, "11-11 14:00+30", MO16, MO23],
        ),
        (
            [WEEKLY, WEEKLY.replace("T09", "T15").replace("COUNT=4", "COUNT=2") + "\nSEQUENCE:1"],
            ["11-02 14:00+60", "11-09 14:00+60"],
        ),
        # One invitation out of a series that somebody else has.
        ([moved("20261109T090000", "20261111T150000")], ["11-11 14:00+30"]),
        # From then on an hour and a half later, and shorter.
        (
            [WEEKLY, moved("20261109T090000", "20261109T103000").replace("-ID;", "-ID;RANGE=THISANDFUTURE;")],
            [MO2, "11-09 09:30+30", "11-16 09:30+30", "11-23 09:30+30"],
        ),
        ([WEEKLY.replace("COUNT=4", "UNTIL=20261109T080000Z")], [MO2, MO9]),
        ([WEEKLY.replace("COUNT=4", "UNTIL=20261109T075959Z")], [MO2]),
        ([WEEKLY.replace("COUNT=4", "UNTIL=20261109")], [MO2, MO9]),
        ([WEEKLY.replace("COUNT=4", "UNTIL=20261109T090000")], [MO2, MO9]),
        ([WEEKLY.replace("COUNT=4", "UNTIL=20200101T000000Z")], [MO2]),
        # A rule that can't be read: the first time is all there is.
        ([WEEKLY.replace("WEEKLY", "OFTEN")], [MO2]),
        (
            ["DTSTART;VALUE=DATE:20261102\nRRULE:FREQ=WEEKLY;UNTIL=20261116\nEXDATE;VALUE=DATE:20261109"],
            ["11-02 00:00+1440", "11-16 00:00+1440"],
        ),
        (
            [
                "DTSTART;VALUE=DATE:20261102\nRRULE:FREQ=DAILY;COUNT=3",
                "RECURRENCE-ID;VALUE=DATE:20261103\nDTSTART:20261103T100000Z\nDURATION:PT1H",
            ],
            ["11-02 00:00+1440", "11-03 10:00+60", "11-04 00:00+1440"],
        ),
    ],
)
def test_series_are_expanded_as_apps_show_them(events: list[str], expected: list[str]) -> None:
    assert spans(*events) == expected
    assert len({one.id for one in found(*events)}) == len(expected)


def test_ids_of_occurrences_stay_the_same_when_the_series_grows() -> None:
    before = {one.starts: one.id for one in found(WEEKLY)}
    after = {
        one.starts: one.id
        for one in found(WEEKLY.replace("COUNT=4", "COUNT=6"), moved("20261109T090000", "20261109T090000"))
    }
    assert before.items() <= after.items()


def test_apart_from_clock_changes_series_are_as_a_library_expands_them() -> None:
    """``recurring-ical-events`` on what calendars ordinarily have."""
    new_york = "TZID=America/New_York"
    text = calendar_text(
        f"UID:a\nDTSTART;{BERLIN}:20260105T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE;INTERVAL=2",
        "UID:b\nDTSTART:20260131T120000Z\nDURATION:PT1H\nRRULE:FREQ=MONTHLY;BYDAY=-1FR\nEXDATE:20261127T120000Z",
        "UID:c\nDTSTART;VALUE=DATE:20200229\nRRULE:FREQ=YEARLY;BYMONTH=12;BYDAY=1MO",
        f"UID:d\nDTSTART;{new_york}:20261102T090000\nDTEND;{new_york}:20261102T093000\n"
        f"RRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;UNTIL=20261224T170000Z\nRDATE;{new_york}:20261226T090000",
        f"UID:d\nRECURRENCE-ID;{new_york}:20261110T090000\nDTSTART;{new_york}:20261110T140000\nDURATION:PT1H",
        f"UID:d\nRECURRENCE-ID;RANGE=THISANDFUTURE;{new_york}:20261201T090000\n"
        f"DTSTART;{new_york}:20261201T100000\nDURATION:PT45M",
    )
    expected = set()
    begin, end = (dt.datetime.fromtimestamp(one, dt.UTC) for one in (WINDOW.start, WINDOW.end))
    for event in recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(begin, end):
        start, stop = event["DTSTART"].dt, event["DTEND"].dt
        if not isinstance(start, dt.datetime):
            start, stop = (dt.datetime.combine(one, dt.time(), dt.UTC) for one in (start, stop))
        expected.add((str(event["UID"]), int(start.timestamp()), int(stop.timestamp())))
    ours = {(one.uid, one.starts, one.ends) for events in read(scan(text), WINDOW).events.values() for one in events}
    assert ours == expected


@given(
    zone=st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata"]
    ),
    first=st.datetimes(dt.datetime(2026, 3, 1), dt.datetime(2026, 12, 1)),
    step=st.sampled_from([1, 2, 7, 14]),
    count=st.integers(1, 60),
    left_out=st.sets(st.integers(0, 59), max_size=5),
    moves=st.dictionaries(st.integers(0, 59), st.integers(-4000, 4000), max_size=4),
    minutes=st.integers(1, 600),
    by_end=st.booleans(),
)
def test_daily_and_weekly_series_across_changes_of_clocks(
    zone: str,
    first: dt.datetime,
    step: int,
    count: int,
    left_out: set[int],
    moves: dict[int, int],
    minutes: int,
    by_end: bool,
) -> None:
    """Against the plainest expansion there is: wall clocks one after the other."""
    first = first.replace(second=0, microsecond=0, fold=0)
    freq, interval = ("WEEKLY", step // 7) if step % 7 == 0 else ("DAILY", step)
    tz, length = zoneinfo.ZoneInfo(zone), dt.timedelta(minutes=minutes)
    window = Window(at("2026-05-01 00:00"), at("2027-02-01 00:00"))
    walls = [first + dt.timedelta(days=step * number) for number in range(count)]

    def epoch(wall: dt.datetime) -> int:
        return int(wall.replace(tzinfo=tz).timestamp())

    lasts = epoch(first + length) - epoch(first) if by_end else minutes * 60
    assume(lasts > 0)  # from a time that clocks never showed to one just after it

    def span(wall: dt.datetime) -> tuple[int, int]:
        end = epoch(wall) + lasts
        return epoch(wall), max(end, epoch(wall + length)) if by_end else end

    expected, changed = [], []
    for number, wall in enumerate(walls):
        if number in moves:
            new = wall + dt.timedelta(minutes=moves[number])
            expected.append((epoch(new), epoch(new) + minutes * 60))
            changed.append(
                f"UID:1@x\nRECURRENCE-ID;TZID={zone}:{wall:%Y%m%dT%H%M%S}\nDTSTART;TZID={zone}:{new:%Y%m%dT%H%M%S}\n"
                f"DURATION:PT{minutes}M"
            )
        elif number not in left_out:
            expected.append(span(wall))
    exdates = "".join(
        f"\nEXDATE;TZID={zone}:{walls[number]:%Y%m%dT%H%M%S}"
        for number in sorted(left_out)
        if number < count and number not in moves
    )
    rule = f"RRULE:FREQ={freq};INTERVAL={interval};COUNT={count}"
    end = f"DTEND;TZID={zone}:{first + length:%Y%m%dT%H%M%S}" if by_end else f"DURATION:PT{minutes}M"
    series = f"DTSTART;TZID={zone}:{first:%Y%m%dT%H%M%S}\n{end}\n{rule}"
    ours = [(one.starts, one.ends) for one in found(series + exdates, *changed, window=window)]
    assert ours == sorted(one for one in expected if one[0] < window.end and one[1] > window.start)


# -- what they say ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "show"),
    [
        ("", Show.BUSY),
        ("STATUS:CONFIRMED\nTRANSP:OPAQUE", Show.BUSY),
        ("TRANSP:TRANSPARENT", Show.FREE),
        ("transp:transparent", Show.FREE),
        ("STATUS:CANCELLED", Show.FREE),
        ("STATUS:TENTATIVE", Show.TENTATIVE),
        ("X-MICROSOFT-CDO-BUSYSTATUS:FREE", Show.FREE),
        ("X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE", Show.TENTATIVE),
        ("X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE", Show.TENTATIVE),
        ("X-MICROSOFT-CDO-BUSYSTATUS:BUSY", Show.BUSY),
        ("X-MICROSOFT-CDO-BUSYSTATUS:OOF", Show.BUSY),
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:ann@example.com", Show.FREE),
        ('ATTENDEE;CN="Ann; B: C";PARTSTAT=declined;RSVP=TRUE:MAILTO:Ann@Example.com', Show.FREE),
        ("ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@example.com", Show.BUSY),
        ("ATTENDEE;PARTSTAT=TENTATIVE:mailto:ann@example.com", Show.TENTATIVE),
        ("ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:ann@example.com", Show.TENTATIVE),
        ("ATTENDEE:mailto:ann@example.com", Show.TENTATIVE),
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.com", Show.BUSY),
        ("BEGIN:VALARM\nSTATUS:CANCELLED\nTRANSP:TRANSPARENT\nDURATION:PT9H\nEND:VALARM", Show.BUSY),
    ],
)
def test_what_an_event_says_of_its_owners_time(lines: str, show: Show) -> None:
    (event,) = found(TIMES + lines)
    assert event.show is show
    assert event.cancelled is ("CANCELLED" in lines and "VALARM" not in lines)
    assert event.declined is ("declined" in lines.lower() and "ann" in lines.lower())


def test_titles_and_marks_come_along() -> None:
    (event,) = found(TIMES + "SUMMARY:Lunch\\, with\\n \n  Bob\\; \\\\o/\u0000\nX-FLASK-BOOKING-ID:bk-1\nUID:u@x")
    assert (event.title, event.booking, event.uid) == ("Lunch, with Bob; \\o/", "bk-1", "u@x")


def test_a_copy_of_our_event_is_somebody_elses() -> None:
    ours = f"{TIMES}X-FLASK-BOOKING-ID:bk-1\nX-FLASK-BOOKING-UID:u@x\n"
    marks = {one.uid: one.booking for one in found(f"{ours}UID:u@x", f"{ours}UID:copy@x")}
    assert marks == {"u@x": "bk-1", "copy@x": ""}


def test_of_what_became_a_series_only_the_first_is_the_booking() -> None:
    events = found(f"{TIMES}X-FLASK-BOOKING-ID:bk-1\nX-FLASK-BOOKING-UID:u@x\nUID:u@x\nRRULE:FREQ=DAILY;COUNT=3")
    assert [(one.booking, one.uid) for one in events] == [("bk-1", "u@x"), ("", ""), ("", "")]


def test_one_occurrence_may_be_free() -> None:
    cancelled = moved("20261109T090000", "20261109T090000", "\nSTATUS:CANCELLED")
    assert [one.show for one in found(WEEKLY, cancelled)] == [Show.BUSY, Show.FREE, Show.BUSY, Show.BUSY]


# -- what strangers write ---------------------------------------------------------------------------------------------
