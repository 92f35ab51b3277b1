"""Entries of the practice calendar, as texts: what is read of them, and what a change leaves as it was."""

from __future__ import annotations

from datetime import UTC, date, time
from zoneinfo import ZoneInfo

import icalendar
import pytest

from example_app.practice.entries import (
    BUSY,
    FREE,
    TENTATIVE,
    Entry,
    at,
    entries_in,
    moved,
    new_text,
    without,
)

NEW_YORK = ZoneInfo("America/New_York")
FIRST, LAST = at(date(2027, 3, 1), 0, 0, NEW_YORK), at(date(2027, 4, 1), 0, 0, NEW_YORK)
TUESDAY = date(2027, 3, 2)


def read(text: str) -> list[Entry]:
    return sorted(entries_in("one.ics", text, FIRST, LAST), key=lambda entry: entry.starts)


def times(text: str) -> list[str]:
    return [f"{entry.starts:%d %H:%M}–{entry.ends:%d %H:%M}" for entry in read(text)]


def weekly() -> str:
    return new_text("Round", at(TUESDAY, 14, 0, NEW_YORK), at(TUESDAY, 15, 0, NEW_YORK), weekly=True)


@pytest.mark.parametrize("show", [BUSY, TENTATIVE, FREE])
def test_an_entry_says_what_it_was_entered_as(show: str) -> None:
    entry = read(new_text("Dentist", at(TUESDAY, 10, 0, NEW_YORK), at(TUESDAY, 11, 0, NEW_YORK), show))[0]
    assert (entry.title, entry.show, entry.all_day, entry.repeats) == ("Dentist", show, False, False)
    assert entry.starts.isoformat() == "2027-03-02T10:00:00-05:00"


def test_an_entry_that_was_called_off_closes_no_time() -> None:
    text = new_text("Dentist", at(TUESDAY, 10, 0, NEW_YORK), at(TUESDAY, 11, 0, NEW_YORK))
    assert read(text.replace("STATUS:CONFIRMED", "STATUS:CANCELLED"))[0].show == FREE


def test_a_day_begins_and_ends_at_the_readers_midnight() -> None:
    entry = read(new_text("Day off", TUESDAY, date(2027, 3, 4)))[0]
    assert entry.all_day
    assert (entry.starts, entry.last_day) == (at(TUESDAY, 0, 0, NEW_YORK), date(2027, 3, 3))


def test_a_weekly_entry_keeps_its_hour_when_the_clocks_change() -> None:
    assert times(weekly())[:3] == ["02 14:00–02 15:00", "09 14:00–09 15:00", "16 14:00–16 15:00"]
    assert [entry.starts.astimezone(UTC).hour for entry in read(weekly())][:3] == [19, 19, 18]


def test_an_entry_without_a_time_zone_is_of_the_readers() -> None:
    text = new_text("Walk", at(TUESDAY, 10, 0, NEW_YORK), at(TUESDAY, 11, 0, NEW_YORK))
    floating = text.replace("20270302T150000Z", "20270302T150000").replace("20270302T160000Z", "20270302T160000")
    assert times(floating) == ["02 15:00–02 16:00"]


@pytest.mark.parametrize("text", ["", "BEGIN:VCALENDAR", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n"])
def test_what_can_not_be_read_is_left_out(text: str) -> None:
    assert read(text) == []


def test_what_repeats_all_the_time_is_left_out() -> None:
    assert read(weekly().replace("FREQ=WEEKLY", "FREQ=SECONDLY")) == []


def test_a_moved_entry_is_as_long_as_before_and_all_else_of_it_stays() -> None:
    text = new_text("Dentist", at(TUESDAY, 10, 0, NEW_YORK), at(TUESDAY, 11, 30, NEW_YORK), TENTATIVE)
    text = text.replace("SUMMARY", "X-FLASK-BOOKING-ID:abc\r\nURL:https://crm.example.com/m/abc\r\nSUMMARY")
    after = moved(text, "", date(2027, 3, 16), time(9, 15), NEW_YORK)
    assert times(after) == ["16 09:15–16 10:45"]
    entry = read(after)[0]
    assert (entry.show, entry.booking, entry.url) == (TENTATIVE, True, "https://crm.example.com/m/abc")
    assert icalendar.Calendar.from_ical(after).events[0]["sequence"] == 1


def test_a_whole_day_is_moved_to_a_whole_day() -> None:
    after = moved(new_text("Away", TUESDAY, date(2027, 3, 4)), "", date(2027, 3, 9), time(9), NEW_YORK)
    assert times(after) == ["09 00:00–11 00:00"]


def test_without_an_hour_the_hour_stays() -> None:
    text = new_text("Dentist", at(TUESDAY, 10, 0, NEW_YORK), at(TUESDAY, 11, 0, NEW_YORK))
    assert times(moved(text, "", date(2027, 3, 16), None, NEW_YORK)) == ["16 10:00–16 11:00"]


def test_one_of_a_series_is_moved_alone_and_again_and_taken_out() -> None:
    second = read(weekly())[1].occurrence
    once = moved(weekly(), second, date(2027, 3, 10), time(9), NEW_YORK)
    assert times(once)[:3] == ["02 14:00–02 15:00", "10 09:00–10 10:00", "16 14:00–16 15:00"]
    again = moved(once, read(once)[1].occurrence, date(2027, 3, 11), time(8), NEW_YORK)
    assert times(again)[:3] == ["02 14:00–02 15:00", "11 08:00–11 09:00", "16 14:00–16 15:00"]
    assert len(icalendar.Calendar.from_ical(again).events) == 2
    gone = without(again, second)
    assert times(gone)[:2] == ["02 14:00–02 15:00", "16 14:00–16 15:00"]
    assert times(without(weekly(), second))[:2] == times(gone)[:2]


def test_one_of_a_series_of_days_is_moved_and_taken_out() -> None:
    text = new_text("Market day", TUESDAY, date(2027, 3, 3), weekly=True)
    second = read(text)[1].occurrence
    assert times(moved(text, second, date(2027, 3, 11), None, NEW_YORK))[:2] == [
        "02 00:00–03 00:00",
        "11 00:00–12 00:00",
    ]
    assert times(without(text, second))[:2] == ["02 00:00–03 00:00", "16 00:00–17 00:00"]


@pytest.mark.parametrize("occurrence", ["yesterday", "2027-99-99"])
def test_an_occurrence_that_is_none_is_refused(occurrence: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        without(weekly(), occurrence)


def test_an_entry_that_takes_no_time_is_read_too() -> None:
    text = new_text("Reminder", at(TUESDAY, 10, 0, NEW_YORK), at(TUESDAY, 10, 0, NEW_YORK))
    assert times(text) == ["02 10:00–02 10:00"]
