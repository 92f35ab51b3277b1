"""Whatever a stranger writes into an iCalendar text: what can be read counts, what can't is left out, and it ends."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from multiprocessing.pool import Pool

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_booking.calendars.ics.components import scan
from flask_booking.calendars.ics.occurrences import read
from flask_booking.calendars.provider import Window
from flask_booking.connections.problems import Unreadable
from tests.calendars.drafts import DAY, WINDOW, at
from tests.calendars.hostile import HOSTILE, HOURS, TIMES, occurrences
from tests.calendars.occurring import found
from tests.fixtures.caldav import calendar_text


@pytest.mark.parametrize(
    "broken",
    [
        "SUMMARY:No times",
        "DTEND:20261201T110000Z",
        "DTSTART:\nDTEND:20261201T110000Z",
        "DTSTART:20261301T100000Z\nDTEND:20261301T110000Z",
        "DTSTART:20260230T100000Z\nDTEND:20260230T110000Z",
        "DTSTART:00000101T100000Z\nDTEND:00000101T110000Z",
        "DTSTART:yesterday\nDTEND:tomorrow",
        "DTSTART:20261201T100000Z\nDTEND:never",
        "DTSTART:20261201T100000Z\nDURATION:P",
        "DTSTART:20261201T100000Z\nDURATION:PT" + "9" * 50 + "H",
        "DTSTART",
        ":::;;;",
    ],
)  # fmt: skip
def test_a_broken_event_is_left_out_and_counted(broken: str) -> None:
    text = calendar_text(f"UID:broken\n{broken}", f"UID:fine\n{TIMES}", f"UID:broken\n{broken}")
    reading = read(scan(text), WINDOW)
    assert list(reading.events) == ["fine"]
    assert reading.unreadable == 2


def test_lines_that_are_no_lines_are_passed_over() -> None:
    text = calendar_text(TIMES + "UID:1\nGARBAGE\n\u2028\nX\n:\n;\n;;:\nBEGIN\nEND\nEND:\nSUMMARY:Fine")
    text = text.replace("BEGIN:VEVENT", "END:VEVENT\nEND:VALARM\nBEGIN:VEVENT") + "trailing"
    assert [one.title for events in read(scan(text), WINDOW).events.values() for one in events] == ["Fine"]


@pytest.mark.parametrize("cut", ["END:VEVENT\nEND:VCALENDAR\n", "END:VCALENDAR\n"])
def test_a_text_that_breaks_off_is_known_to(cut: str) -> None:
    text = calendar_text(f"UID:1\n{TIMES}").removesuffix(cut)
    assert not scan(text).complete
    assert scan(calendar_text(f"UID:1\n{TIMES}")).complete


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_and_fold_anyhow(end: str) -> None:
    text = calendar_text(f"UID:1\n{TIMES}SUMMARY:One\n  long\n\t title").replace("\n", end)
    assert [one.title for events in read(scan(text), WINDOW).events.values() for one in events] == ["One long title"]


def test_what_has_no_uid_is_an_event_all_the_same() -> None:
    text = calendar_text(TIMES, TIMES.replace("T1", "T2"))
    assert len(read(scan(text), WINDOW).events) == 2


def whole(begin: str = "2026-11-01 00:00", end: str = "2027-02-01 00:00") -> list[tuple[int, int]]:
    return [(at(begin), at(end))]


NOV1 = "DTSTART:20261101T000000Z\nDURATION:PT1M\n"


NOV10 = "DTSTART:20261110T000000Z\nDURATION:PT1H\n"


@pytest.mark.parametrize(
    ("series", "closed"),
    [
        ("DTSTART:20260101T000000Z\nDTEND:20260101T000001Z\nRRULE:FREQ=SECONDLY", whole()),
        (f"{NOV1}RRULE:FREQ=MINUTELY;COUNT=1000000", whole()),
        (f"{NOV10}RRULE:FREQ=HOURLY", whole("2026-11-10 00:00")),
        (f"{NOV10}RRULE:FREQ=HOURLY;COUNT=5", whole("2026-11-10 00:00", "2026-11-10 06:00")),
        (f"{NOV10}RRULE:FREQ=HOURLY;UNTIL=20261112T000000Z", whole("2026-11-10 00:00", "2026-11-14 00:00")),
        ("DTSTART:20200101T000000Z\nDURATION:PT1H\nRRULE:FREQ=HOURLY;UNTIL=20200103T000000Z", []),
        (f"{NOV1}RRULE:FREQ=DAILY;{HOURS};BYMINUTE={','.join(map(str, range(60)))}", whole()),
        (f"{NOV1}RRULE:FREQ=DAILY;{HOURS};BYMINUTE=0,10,20,30,40,50", whole()),
        (f"DTSTART:00010101T000000Z\nDURATION:PT1M\nRRULE:FREQ=DAILY;COUNT=99999999;{HOURS}", whole()),
        (f"DTSTART:18500101T000000Z\nDURATION:PT1M\nRRULE:FREQ=DAILY;COUNT=99999999;{HOURS}", whole()),
        (f"{NOV1}RDATE:{','.join(['20261201T100000Z'] * 10_001)}", whole()),
        (NOV1 + "RDATE:20261201T100000Z\n" * 5_001, whole()),
        (f"{NOV1}RRULE:FREQ=DAILY\nEXDATE:{','.join(['20261201T100000Z'] * 10_001)}", whole()),
    ],
)
def test_a_series_beyond_all_reason_closes_the_whole_stretch(series: str, closed: list[tuple[int, int]]) -> None:
    assert [(one.starts, one.ends) for one in found(series)] == closed


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_the_first_and_the_last_year_are_years_like_others(year: str) -> None:
    for rule in ("", "\nRRULE:FREQ=DAILY", "\nRRULE:FREQ=YEARLY;COUNT=3", "\nRRULE:FREQ=WEEKLY;UNTIL=99991231T235959Z"):
        for zone in ("", ";TZID=Asia/Tokyo", ";TZID=America/New_York", ";VALUE=DATE"):
            time = "" if "DATE" in zone else "T235900"
            event = f"DTSTART{zone}:{year}1231{time}\nDURATION:P2D{rule}"
            expected = year == "0001" and ("DAILY" in rule or "WEEKLY" in rule)
            assert bool(found(event)) is expected


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Pool]:
    """A process of its own, so that what never ends is ended."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        yield pool


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_what_strangers_write_comes_to_an_end(name: str, elsewhere: Pool) -> None:
    assert elsewhere.apply_async(occurrences, (name,)).get(timeout=60) >= 1


def test_a_text_that_is_too_long_or_too_full_is_refused() -> None:
    with pytest.raises(Unreadable):
        scan("BEGIN:VCALENDAR\n" + "X:" + "x" * 50 * 1024 * 1024)
    with pytest.raises(Unreadable):
        scan("BEGIN:VCALENDAR\n" + "BEGIN:VEVENT\nEND:VEVENT\n" * 60_000)


PIECES = """BEGIN:VEVENT|END:VEVENT|DTSTART:20261201T100000Z|RRULE:FREQ=DAILY|DURATION:PT1H|UID:1|RDATE:20261203T100000Z
EXDATE:x|RECURRENCE-ID:20261202T100000Z|BEGIN:VTIMEZONE|TZID:A|END:VTIMEZONE|DTSTART;TZID=A:20261201T100000
BEGIN:STANDARD|END:STANDARD|TZOFFSETTO:+0100|TZOFFSETFROM:+0200|SEQUENCE:3|DTEND;VALUE=DATE:00010101""".replace(
    "\n", "|"
)


@given(st.text(max_size=100), st.lists(st.sampled_from(PIECES.split("|")), max_size=25))
def test_no_text_does_any_harm(text: str, lines: list[str]) -> None:
    read(scan("\n".join(["BEGIN:VCALENDAR", *lines, text])), Window(WINDOW.start, WINDOW.start + 20 * DAY))
