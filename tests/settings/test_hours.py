"""Weekly hours, date overrides and blocked times."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from flask_booking.models import BlockedTime, DateOverride, EventType, Schedule
from flask_booking.scheduling.blocked import expand
from flask_booking.state import session
from tests.fixtures.apps import MakeApp
from tests.fixtures.databases import MakeDatabase
from tests.fixtures.days import today

from .conftest import Office, Screens, open_office, said

WEEK: dict[str, Any] = {
    "name": "Summer",
    "time_zone": "Europe/Paris",
    "day0-start": ["09:00", "13:00", ""],
    "day0-end": ["12:00", "17:00", ""],
    "day4-start": ["22:00"],
    "day4-end": ["02:00"],
    "day5-start": ["00:00"],
    "day5-end": ["00:00"],
    "do": "save",
}


def schedule() -> Schedule:
    return session().query(Schedule).filter_by(name="Summer").one()


def first_schedule(office: Office) -> Schedule:
    """The one that Ann began with."""
    return session().query(Schedule).filter_by(host_id=office.host().id, name="Working hours").one()


def token_of(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_several_ranges_a_day_nights_and_whole_days_are_kept(office: Office, ann: Screens) -> None:
    assert ann.post("/schedules/new", **WEEK).status_code == 303
    with office.app.app_context():
        assert schedule().weekly == [[[540, 720], [780, 1020]], [], [], [], [[1320, 1560]], [[0, 1440]], []]
        assert schedule().time_zone == "Europe/Paris"
        public_id = schedule().public_id
    page = ann.get(f"/schedules/{public_id}").text
    assert 'name="day4-start" value="22:00"' in page
    assert 'name="day4-end" value="02:00"' in page
    assert "ends next day" in page
    listed = ann.text("/schedules")
    assert "Fri 22:00 – 02:00 (next day) Sat all day" in listed


def test_wrong_hours_are_told_at_their_day_and_kept(ann: Screens) -> None:
    answer = ann.post(
        "/schedules/new",
        **WEEK
        | {
            "name": "",
            "day1-start": ["09:00", "11:00"],
            "day1-end": ["12:00", "13:00"],
            "day2-start": ["soon"],
            "day2-end": ["17:00"],
            "time_zone": "Mars/Base",
        },
    )
    assert answer.status_code == 422
    text = said(answer)
    assert "Name: Please fill this in." in text
    assert "Time zone: This time zone isn't known." in text
    assert "Tuesday: These times overlap." in text
    assert "Wednesday: Please enter times such as 09:00 and 17:00." in text
    assert 'value="soon"' in answer.text


def test_hours_that_end_when_they_begin_are_refused_unless_they_are_a_whole_day(
    office: Office, ann: Screens, own_schedule: str
) -> None:
    said_so = "These hours end when they begin. A whole day is 00:00 to 00:00."
    answer = ann.post("/schedules/new", **WEEK | {"day1-start": ["09:00"], "day1-end": ["09:00"]})
    assert answer.status_code == 422
    assert f"Tuesday: {said_so}" in said(answer)
    assert 'id="bk-weekly-1-problem"' in answer.text
    data = {"first": "2030-05-01", "kind": "hours", "do": "save"}
    path = f"/schedules/{own_schedule}/overrides"
    assert f"Hours: {said_so}" in said(ann.post(path, **data, **{"override-start": "09:00", "override-end": "09:00"}))
    ann.post(path, **data, note="Fair", **{"override-start": "00:00", "override-end": "00:00"})
    assert "all day · Fair" in ann.text(f"/schedules/{own_schedule}")


def test_the_summary_names_days_in_the_readers_language(office: Office, ann: Screens) -> None:
    with office.app.app_context():
        office.host().locale = "fr"
        session().commit()
    wrong = WEEK | {"day2-start": ["soon"], "day2-end": ["17:00"]}
    assert "mercredi : Saisissez des heures" in said(ann.post("/schedules/new", **wrong))


def test_monday_is_copied_and_ranges_are_added_without_a_script(ann: Screens) -> None:
    page = ann.post("/schedules/new", **WEEK | {"do": "copy"}).text
    for day in range(5):
        assert f'name="day{day}-start" value="13:00"' in page
    assert 'name="day5-end" value="00:00"' in page
    more = ann.post("/schedules/new", **WEEK | {"do": "add-day0"}).text
    assert more.count('name="day0-start"') == 3


def test_the_default_stays_and_others_are_deleted_with_a_way_back(office: Office, ann: Screens) -> None:
    ann.post("/schedules/new", **WEEK)
    with office.app.app_context():
        summer, default = schedule().public_id, first_schedule(office).public_id
        event = office.event()
        event.schedule_id = schedule().id
        session().commit()
    ann.post(
        f"/schedules/{summer}/overrides", first="2030-08-01", last="2030-08-14", kind="closed", note="Beach", do="save"
    )

    ann.post(f"/schedules/{default}/delete")
    assert "This is your default schedule." in ann.text("/schedules")

    ann.post(f"/schedules/{summer}/delete")
    with office.app.app_context():
        assert session().query(Schedule).filter_by(name="Summer").count() == 0
        assert office.event().schedule_id is None
    ann.post("/undo", token=token_of(ann.get("/schedules").text))
    with office.app.app_context():
        assert office.event().schedule_id == schedule().id
        assert [(one.first, one.last, one.note) for one in schedule().overrides] == [
            (dt.date(2030, 8, 1), dt.date(2030, 8, 14), "Beach")
        ]


def test_another_schedule_becomes_the_default(office: Office, ann: Screens) -> None:
    ann.post("/schedules/new", **WEEK)
    with office.app.app_context():
        summer = schedule().public_id
    ann.post(f"/schedules/{summer}/default")
    with office.app.app_context():
        assert schedule().is_default
        assert not first_schedule(office).is_default


@pytest.fixture
def own_schedule(office: Office) -> str:
    with office.app.app_context():
        return session().query(Schedule).filter_by(host_id=office.host().id).one().public_id


def test_a_date_gets_other_hours_and_loses_them_again(office: Office, ann: Screens, own_schedule: str) -> None:
    data = {
        "first": "2030-05-01",
        "kind": "hours",
        "override-start": ["10:00"],
        "override-end": ["12:00"],
        "note": "Fair",
    }
    assert ann.post(f"/schedules/{own_schedule}/overrides", **data, do="save").status_code == 303
    with office.app.app_context():
        row = session().query(DateOverride).one()
        assert (row.first, row.last, row.ranges) == (dt.date(2030, 5, 1), dt.date(2030, 5, 1), [[600, 720]])
        public_id = row.public_id
    assert "10:00 – 12:00 · Fair" in ann.text(f"/schedules/{own_schedule}")

    ann.post(f"/overrides/{public_id}/delete")
    with office.app.app_context():
        assert session().query(DateOverride).count() == 0
    ann.post("/undo", token=token_of(ann.get(f"/schedules/{own_schedule}").text))
    with office.app.app_context():
        assert session().query(DateOverride).one().ranges == [[600, 720]]


def test_an_override_needs_a_date_and_its_hours(ann: Screens, own_schedule: str) -> None:
    answer = ann.post(f"/schedules/{own_schedule}/overrides", first="", kind="closed", note="kept", do="save")
    assert answer.status_code == 422
    assert "First date: Please enter a date" in said(answer)
    assert 'value="kept"' in answer.text
    answer = ann.post(f"/schedules/{own_schedule}/overrides", first="2030-05-01", kind="hours", do="save")
    assert "Hours: Please enter hours, or choose that you are closed." in said(answer)


BLOCK = {
    "title": "Team meeting",
    "first": "2030-01-07",
    "start": "10:00",
    "last": "2030-01-07",
    "end": "11:00",
    "repeat": "none",
    "do": "save",
}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, ""),
        ({"repeat": "daily"}, "FREQ=DAILY"),
        ({"repeat": "weekly", "days": ["WE", "MO"]}, "FREQ=WEEKLY;BYDAY=MO,WE"),
        ({"repeat": "monthly", "until": "2030-06-30"}, "FREQ=MONTHLY;UNTIL=20300630T235959"),
        ({"repeat": "daily", "until": "2030-01-07"}, "FREQ=DAILY;UNTIL=20300107T235959"),
        ({"repeat": "weekly", "days": ["SU"], "until": "2030-01-13"}, "FREQ=WEEKLY;BYDAY=SU;UNTIL=20300113T235959"),
        ({"repeat": "custom", "rrule": "freq=weekly;interval=2"}, "FREQ=WEEKLY;INTERVAL=2"),
    ],
)
def test_a_time_is_blocked_and_its_form_says_the_same_again(
    office: Office, ann: Screens, changes: dict[str, Any], rule: str
) -> None:
    assert ann.post("/blocked/new", **BLOCK | changes).status_code == 303
    with office.app.app_context():
        row = session().query(BlockedTime).one()
        assert (row.title, row.rrule, row.all_day) == ("Team meeting", rule, False)
        assert (row.starts_local.isoformat(), row.ends_local.isoformat()) == (
            "2030-01-07T10:00:00",
            "2030-01-07T11:00:00",
        )
        public_id = row.public_id
    page = ann.get(f"/blocked/{public_id}").text
    assert f'value="{changes.get("repeat", "none")}" selected' in page
    assert ann.post(f"/blocked/{public_id}", **BLOCK | changes).status_code == 303
    with office.app.app_context():
        assert session().query(BlockedTime).one().rrule == rule


def test_whole_days_include_the_last_and_come_back_the_same_after_undo(office: Office, ann: Screens) -> None:
    ann.post("/blocked/new", **BLOCK | {"all_day": "1", "last": "2030-01-09"})
    with office.app.app_context():
        row = session().query(BlockedTime).one()
        assert row.ends_local.isoformat() == "2030-01-10T00:00:00"
        public_id = row.public_id
    assert 'name="last" value="2030-01-09"' in ann.get(f"/blocked/{public_id}").text
    ann.post(f"/blocked/{public_id}/delete")
    page = ann.get("/blocked").text
    assert "Team meeting" not in page
    ann.post("/undo", token=token_of(page))
    with office.app.app_context():
        assert session().query(BlockedTime).one().ends_local.isoformat() == "2030-01-10T00:00:00"


RULE_OF_500 = "FREQ=MONTHLY;BYMONTHDAY=" + "7," * 237 + "10"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"first": ""}, "Begins: Please enter a date and a time."),
        ({"end": "09:00"}, "Ends: The end comes after the start."),
        ({"repeat": "custom", "rrule": "FREQ=MINUTELY"}, "Repeats: This repetition rule can't be used."),
        ({"repeat": "custom", "rrule": ""}, "Repeats: Please enter a repetition rule"),
        ({"repeat": "custom", "rrule": RULE_OF_500 + ",8"}, "Repeats: Please use at most 500 characters."),
        ({"repeat": "daily", "until": "soon"}, "Repeats until: Please enter a date"),
        ({"repeat": "daily", "until": "2030-01-06"}, "Repeats until: The last date comes after the first one."),
        (
            {"repeat": "weekly", "days": ["SU"], "until": "2030-01-12"},
            "Repeats until: The last date comes after the first one.",
        ),
        ({"repeat": "hourly"}, "Repeats: Please choose how it repeats."),
        ({"start": "09:00+02:00"}, "Begins: Please enter times such as 09:00 and 17:00."),
        ({"end": "11:00Z"}, "Ends: Please enter times such as 09:00 and 17:00."),
        ({"all_day": "1", "last": "9999-12-31"}, "Ends: Please enter a date before the year 9000."),
        (
            {"first": "9999-12-01", "last": "9999-12-01", "repeat": "daily"},
            "Begins: Please enter a date before the year 9000.",
        ),
    ],
)
def test_a_wrong_block_is_refused_in_words(office: Office, ann: Screens, changes: dict[str, Any], problem: str) -> None:
    answer = ann.post("/blocked/new", **BLOCK | changes)
    assert answer.status_code == 422
    assert problem in said(answer)
    with office.app.app_context():
        assert session().query(BlockedTime).count() == 0
    assert "No coming time fits what is entered." in said(ann.post("/preview/blocked", **BLOCK | changes))
    assert problem in said(ann.post("/blocked/new", **BLOCK | changes | {"do": "preview"}))


def test_a_wrong_block_is_told_beside_a_field_that_can_be_seen(ann: Screens) -> None:
    for changes, field in (({"repeat": "daily", "until": "2030-01-06"}, "until"), ({"repeat": "hourly"}, "repeat")):
        page = ann.post("/blocked/new", **BLOCK | changes).text
        assert f'href="#bk-{field}"' in page
        assert f'id="bk-{field}-problem"' in page
        assert "bk-rrule-problem" not in page


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_rule_of_500_characters_is_kept(make_app: MakeApp, fresh_database: MakeDatabase, kind: str) -> None:
    office = open_office(make_app(fresh_database(kind)))
    answer = office.as_user("ann").post("/blocked/new", **BLOCK | {"repeat": "custom", "rrule": RULE_OF_500})
    assert answer.status_code == 303


@pytest.mark.parametrize("time_zone", ["Asia/Tokyo", "UTC", "America/New_York"])
@pytest.mark.parametrize("first", ["0001-01-01", "8999-12-31"])
@pytest.mark.parametrize("changes", [{}, {"all_day": "1", "repeat": "daily"}])
def test_the_first_and_the_last_of_all_dates_are_blocked(
    office: Office, ann: Screens, time_zone: str, first: str, changes: dict[str, Any]
) -> None:
    with office.app.app_context():
        office.host().time_zone = time_zone
        session().commit()
    data = BLOCK | {"first": first, "last": first} | changes
    assert ann.post("/preview/blocked", **data).status_code == 200
    assert ann.post("/blocked/new", **data).status_code == 303
    assert "Team meeting" in ann.text("/blocked")
    with office.app.app_context():
        public_id = session().query(BlockedTime).one().public_id
    assert ann.get(f"/blocked/{public_id}").status_code == 200
    assert office.app.test_client().get("/book/ann/intro").status_code == 200


def test_the_next_times_are_shown_before_saving(ann: Screens) -> None:
    day = today() + dt.timedelta(days=3)
    data = BLOCK | {"first": day.isoformat(), "last": day.isoformat(), "repeat": "daily"}
    assert ann.post("/preview/blocked", **data).text.count("10:00 – 11:00") == 5
    page = ann.post("/blocked/new", **data | {"do": "preview"})
    assert page.status_code == 200
    assert page.text.count("10:00 – 11:00") == 5


@pytest.mark.parametrize(
    ("time_zone", "until", "count"),
    [
        ("Asia/Tokyo", "{day}T000000Z", 3),  # nine in the morning there
        ("Asia/Tokyo", "{day}T235959", 3),
        ("Asia/Tokyo", "{day}T005959Z", 3),
        ("Pacific/Kiritimati", "{day}T000000Z", 3),
        ("America/Bogota", "{day}T000000Z", 2),
        ("America/Bogota", "{day}T140000Z", 3),
        ("UTC", "{day}T085959Z", 2),
        ("UTC", "99991231T235959Z", 5),
        ("Pacific/Kiritimati", "99991231T235959Z", 5),
    ],
)
def test_a_rule_ends_at_an_instant_in_utc_or_at_a_time_of_its_own_clock(
    office: Office, ann: Screens, time_zone: str, until: str, count: int
) -> None:
    with office.app.app_context():
        office.host().time_zone = time_zone
        session().commit()
    first, last = (today() + dt.timedelta(days=days) for days in (3, 5))
    data = BLOCK | {"first": first.isoformat(), "last": first.isoformat(), "start": "09:00", "repeat": "custom"}
    data["rrule"] = "FREQ=DAILY;UNTIL=" + until.format(day=f"{last:%Y%m%d}")
    assert ann.post("/preview/blocked", **data).text.count("<li>") == count
    assert ann.post("/blocked/new", **data).status_code == 303
    end = dt.datetime.combine(first + dt.timedelta(days=5), dt.time(), dt.UTC)
    with office.app.app_context():
        row = session().query(BlockedTime).one()
        assert len(expand(row, 0, int(end.timestamp()))[:5]) == count


def test_a_rule_that_ends_before_it_begins_is_refused_by_the_clock_of_its_zone(office: Office, ann: Screens) -> None:
    data = BLOCK | {"repeat": "custom", "rrule": "FREQ=DAILY;UNTIL=20300107T100000Z"}
    assert ann.post("/blocked/new", **data).status_code == 303
    with office.app.app_context():
        office.host().time_zone = "America/Bogota"
        session().commit()
    assert "Repeats: This repetition rule can't be used." in said(ann.post("/blocked/new", **data))


def test_hours_no_event_type_uses_say_so(office: Office, ann: Screens) -> None:
    ann.post("/schedules/new", **WEEK)
    text = ann.text("/schedules")
    assert "Not used by any event type" in text
    assert "Used by Intro" in text
    with office.app.app_context():
        assert session().query(EventType).count() == 3
