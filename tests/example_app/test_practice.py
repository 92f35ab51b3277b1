"""The practice calendar: a real CalDAV calendar beside the CRM, its page, and what booking makes of it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from example_app.practice.account import Account
from example_app.practice.client import ChangedMeanwhile, PracticeCalendar
from example_app.practice.entries import FREE, TENTATIVE
from flask_booking.models import Booking, BusyTime, CalendarEvent, Difference
from flask_booking.state import session
from tests.example_app.conftest import ANNS_ZONE, Practice, log_in
from tests.example_app.practising import PAGE, closed, deliver, enter, follow, offered, read, typed
from tests.public.guest import book, text_of


@pytest.fixture
def ann(practice: Practice) -> FlaskClient:
    return log_in(practice.app.test_client(), "ann")


# -- at the start -----------------------------------------------------------------------------------------------------


def test_busy_and_tentative_entries_close_time_and_free_ones_do_not(practice: Practice) -> None:
    for title in ("Dentist", "Round with the team", "Perhaps: lunch with Joel", "Day off"):
        assert closed(practice, practice.entry(title)), title
    assert not closed(practice, enter(practice, "Tidy up", show=FREE))
    assert closed(practice, enter(practice, "Perhaps: a walk", show=TENTATIVE))
    with practice.app.app_context():
        read = set(session().scalars(sa.select(BusyTime.title)))
    assert read == {entry.title for entry in practice.entries() if entry.show != FREE}


def test_anns_screen_names_the_entry_that_closes_a_time(ann: FlaskClient, practice: Practice) -> None:
    day = enter(practice).starts
    enter(practice, "Tidy up", show=FREE)
    page = text_of(ann.get(f"/settings/booking/why?date={day:%Y-%m-%d}"))
    assert "Call the bank" in page
    assert "Tidy up" not in page


def test_the_page_shows_each_entry_and_how_far_booking_has_read(ann: FlaskClient, practice: Practice) -> None:
    page = ann.get(PAGE)
    assert page.status_code == 200
    for text in ("Dentist", "10:00–11:00", "Tentative", "Every week", "All day", practice.account.url):
        assert text in text_of(page), text
    assert "Booking read this calendar" in text_of(page)
    assert "Practice calendar" in text_of(ann.get("/"))


def test_it_is_nobody_elses(practice: Practice) -> None:
    ben = log_in(practice.app.test_client(), "ben")
    assert ben.get(PAGE).status_code == 404
    assert "Practice calendar" not in text_of(ben.get("/"))
    stranger = practice.app.test_client()
    assert "/login" in stranger.get(PAGE).location
    assert "/login" in stranger.post(PAGE, data=typed(practice.entry("Dentist").starts)).location


def test_outside_of_the_demo_there_is_none(booked: Flask) -> None:
    client = log_in(booked.test_client(), "ann")
    assert client.get(PAGE).status_code == 404
    assert "Practice calendar" not in text_of(client.get("/"))
    assert booked.config["BOOKING_PRIVATE_ADDRESSES"] is False


# -- the page's forms -------------------------------------------------------------------------------------------------


def test_an_entry_that_is_added_closes_its_time_and_one_that_is_deleted_opens_it(
    ann: FlaskClient, practice: Practice
) -> None:
    start = offered(practice)[0]
    told = follow(ann, ann.post(PAGE, data=typed(start)))
    assert "“Call the bank” is in the calendar" in told
    entry = practice.entry("Call the bank")
    assert (entry.starts, entry.ends) == (start, start + timedelta(minutes=30))
    assert start in offered(practice)  # booking doesn't know yet
    read(ann)
    assert start not in offered(practice)

    assert "Gone from the calendar" in follow(ann, ann.post(f"{PAGE}{entry.name}/remove"))
    read(ann)
    assert start in offered(practice)


def test_an_entry_of_all_day_and_of_every_week_needs_no_times(ann: FlaskClient, practice: Practice) -> None:
    start = offered(practice)[0]
    ann.post(PAGE, data=typed(start, title="At the fair", starts="", ends="", all_day="y", weekly="y", show=TENTATIVE))
    entry = practice.entry("At the fair")
    assert (entry.all_day, entry.repeats, entry.show) == (True, True, TENTATIVE)
    assert entry.starts.date() == start.date()
    read(ann)
    week = timedelta(days=7)
    assert not {one.date() for one in offered(practice)} & {start.date(), start.date() + week, start.date() + 2 * week}


def test_what_can_not_be_entered_is_told_beside_it(ann: FlaskClient, practice: Practice) -> None:
    before, day = practice.entries(), practice.entry("Dentist").starts
    for wrong, told in WRONG:
        page = ann.post(PAGE, data=typed(day, **wrong))
        assert told in text_of(page), wrong
        assert '<details class="adder" open>' in page.text
    assert practice.entries() == before


WRONG: list[tuple[dict[str, str], str]] = [
    ({"title": " "}, "Enter a few words."),
    ({"title": "x" * 201}, "200 characters"),
    ({"day": ""}, "Enter a date."),
    ({"day": "tomorrow"}, "Not a valid date value."),
    ({"day": "9999-12-31"}, "within 3 years"),
    ({"starts": ""}, "Enter a time."),
    ({"ends": ""}, "Enter a time."),
    ({"starts": "noon"}, "Not a valid time value."),
    ({"starts": "11:00", "ends": "11:00"}, "It has to end after it begins."),
    ({"show": "asleep"}, "Not a valid choice."),
]


def test_an_entry_is_moved_and_so_is_the_time_that_it_closes(ann: FlaskClient, practice: Practice) -> None:
    entry, start = enter(practice), offered(practice)[0]
    values = {"day": f"{start:%Y-%m-%d}", "starts": f"{start:%H:%M}"}
    assert "Moved." in follow(ann, ann.post(f"{PAGE}{entry.name}/move", data=values))
    moved = practice.entry("Call the bank")
    assert (moved.starts, moved.ends) == (start, start + timedelta(minutes=30))
    read(ann)
    assert closed(practice, moved)
    assert not closed(practice, entry)


def test_one_of_a_series_is_moved_or_deleted_alone(ann: FlaskClient, practice: Practice) -> None:
    first, second, third = [one for one in practice.entries() if one.repeats][:3]
    day = f"{second.starts + timedelta(days=1):%Y-%m-%d}"
    ann.post(f"{PAGE}{second.name}/move", data={"day": day, "starts": "08:00", "occurrence": second.occurrence})
    ann.post(f"{PAGE}{first.name}/remove", data={"occurrence": first.occurrence})
    left = [one for one in practice.entries() if one.repeats][:2]
    assert [f"{one.starts:%Y-%m-%d %H:%M}" for one in left] == [f"{day} 08:00", f"{third.starts:%Y-%m-%d %H:%M}"]


def test_a_move_without_a_day_is_told(ann: FlaskClient, practice: Practice) -> None:
    entry = practice.entry("Dentist")
    assert "Enter a date." in follow(ann, ann.post(f"{PAGE}{entry.name}/move", data={"day": ""}))
    assert practice.entry("Dentist") == entry


def test_what_is_no_entry_of_the_calendar_is_told_and_nothing_is_done(ann: FlaskClient, practice: Practice) -> None:
    before = practice.entries()
    for name in ("gone.ics", "..", ".Radicale.props", "a%2Fb.ics", "%2e%2e%2fann"):
        answer = ann.post(f"{PAGE}{name}/remove")
        assert answer.status_code in {404, 405} or "isn't in the calendar any more" in follow(ann, answer), name
    assert practice.entries() == before


def test_an_occurrence_that_is_none_is_told(ann: FlaskClient, practice: Practice) -> None:
    entry = practice.entry("Round with the team")
    for form, values in (("remove", {}), ("move", {"day": f"{entry.starts:%Y-%m-%d}"})):
        answer = ann.post(f"{PAGE}{entry.name}/{form}", data={"occurrence": "never", **values})
        assert "isn't in the calendar any more" in follow(ann, answer)


def test_a_change_at_the_same_moment_is_never_overwritten(
    ann: FlaskClient, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    dentist, series = practice.entry("Dentist"), practice.entry("Round with the team")
    real = PracticeCalendar.read

    def read_and_change(calendar: PracticeCalendar, name: str) -> tuple[str, str]:
        found = real(calendar, name)
        changed = found[0].replace("SUMMARY:", "SUMMARY:Not ")
        calendar.ask("PUT", calendar.address(name), changed, {"If-Match": found[1]})
        return found

    monkeypatch.setattr(PracticeCalendar, "read", read_and_change)
    values = {"day": f"{dentist.starts:%Y-%m-%d}", "occurrence": ""}
    told = follow(ann, ann.post(f"{PAGE}{dentist.name}/move", data=values))
    assert "The entry was changed at the same moment" in told
    for entry in (dentist, series):
        with pytest.raises(ChangedMeanwhile):
            practice.calendar.remove(entry.name, entry.occurrence)
    assert practice.entry("Not Not Dentist").name == dentist.name
    assert practice.entry("Not Round with the team").occurrence == series.occurrence


def test_forms_need_the_token_of_the_page(practice: Practice, ann: FlaskClient) -> None:
    practice.app.config["WTF_CSRF_ENABLED"] = True
    for path in ("", "read", "some.ics/move", "some.ics/remove"):
        assert ann.post(PAGE + path, data=typed(practice.entry("Dentist").starts)).status_code == 400


def test_two_weeks_are_shown_from_any_day_on(ann: FlaskClient, practice: Practice) -> None:
    later = datetime.now(ANNS_ZONE).date() + timedelta(days=21)
    page = ann.get(f"{PAGE}?from={later}")
    assert f"{later.day} {later:%b}" in text_of(page)
    assert "Dentist" not in text_of(page)
    assert re.search(rf"practice-calendar/\?from={later + timedelta(days=14)}", page.text)
    for odd in ("yesterday", "0001-01-01", "9999-12-31"):
        assert "Dentist" in text_of(ann.get(f"{PAGE}?from={odd}"))


def test_a_server_that_is_gone_is_told_on_the_page(ann: FlaskClient, practice: Practice) -> None:
    practice.app.config["PRACTICE_CALENDAR"] = Account(1)
    assert "The calendar's server doesn't answer." in text_of(ann.get(PAGE))
    told = follow(ann, ann.post(PAGE, data=typed(datetime.now(ANNS_ZONE).replace(hour=9, minute=0))))
    assert "The calendar's server doesn't answer." in told


# -- bookings ---------------------------------------------------------------------------------------------------------


def test_a_booking_appears_and_asks_what_shall_happen_when_it_is_moved_or_deleted(
    ann: FlaskClient, practice: Practice
) -> None:
    book(practice.app.test_client(), "/book/ann/intro")
    deliver(practice)
    entry = practice.entry("Introduction: Sam Hill")
    assert entry.booking
    page = ann.get(PAGE)
    where = re.search(r'<a href="(/settings/booking/[^"]+)">Introduction: Sam Hill</a>', page.text)
    assert where
    assert ann.get(where[1]).status_code == 200

    day = f"{offered(practice)[-1]:%Y-%m-%d}"
    ann.post(f"{PAGE}{entry.name}/move", data={"day": day, "starts": f"{entry.starts:%H:%M}"})
    read(ann)
    assert difference(practice) is Difference.MOVED

    ann.post(f"{PAGE}{entry.name}/remove")
    read(ann)
    assert difference(practice) is Difference.DELETED


def difference(practice: Practice) -> Any:
    with practice.app.app_context():
        return session().query(CalendarEvent).join(Booking).filter(Booking.guest_name == "Sam Hill").one().difference
