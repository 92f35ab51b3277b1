"""The page's looks, the host's own settings, and why a time is not offered."""

from __future__ import annotations

import datetime as dt

import pytest

from flask_booking import catalog, scheduling
from flask_booking.models import Schedule
from flask_booking.settings.times import address_of
from flask_booking.state import session

from .conftest import Office, Screens, said, tomorrow

PAGE = {
    "title": "Ann at Rowan",
    "slug": "ann-meyer",
    "welcome": "**Hello**",
    "accent": "#1C6A57",
    "appearance": "dark",
    "logo_url": "https://example.com/logo.png",
    "banner_url": "",
    "active": "1",
}


def test_the_page_is_kept(office: Office, ann: Screens) -> None:
    assert ann.post("/page", **PAGE).status_code == 303
    with office.app.app_context():
        page = office.event().page
        assert (page.title, page.slug, page.accent, page.appearance, page.active) == (
            "Ann at Rowan",
            "ann-meyer",
            "#1c6a57",
            "dark",
            True,
        )
    ann.post("/page", **{name: value for name, value in PAGE.items() if name != "active"})
    with office.app.app_context():
        assert not office.event().page.active
    assert "Closed at the moment" in ann.text("/")


def test_an_administrator_stays_with_a_colleague_whose_address_changes(office: Office) -> None:
    cleo = office.as_user("cleo")
    answer = cleo.client.post("/settings/booking/page?host=ben", data=PAGE | {"slug": "benjamin"})
    assert answer.status_code == 303
    assert "Ben Vogel" in said(cleo.client.get(answer.location))
    with office.app.app_context():
        assert office.event("ben").page.slug == "benjamin"
        assert office.event("cleo").page.slug == "cleo"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"slug": "ben"}, "Address: Another page has this address."),
        ({"slug": "!?"}, "Address: Please use letters from a to z or digits."),
        ({"slug": "manage"}, "Address: Another page has this address."),
        ({"accent": "green"}, "Colour: Please enter a colour such as #2456d6."),
        ({"logo_url": "javascript:alert(1)"}, "Logo: Please enter a web address"),
        ({"appearance": "sepia"}, "Light or dark: Please choose"),
    ],
)
def test_a_wrong_page_is_refused_and_kept_as_typed(ann: Screens, changes: dict[str, str], problem: str) -> None:
    answer = ann.post("/page", **PAGE | changes)
    assert answer.status_code == 422
    assert problem in said(answer)
    assert "Ann at Rowan" in answer.text


def test_an_address_is_made_of_whatever_was_typed(office: Office, ann: Screens) -> None:
    ann.post("/page", **PAGE | {"slug": " Ann & Ägidius! "})
    assert "Your page is saved. Its address ends with “ann-agidius”." in ann.text("/")
    with office.app.app_context():
        assert office.event().page.slug == "ann-agidius"


def test_a_pale_colour_is_told_with_what_guests_will_see(ann: Screens) -> None:
    assert "Too pale to be read as it is" in said(ann.post("/preview/accent", accent="#ffee88"))
    assert "Easy to read" in said(ann.post("/preview/accent", accent="#1c6a57"))
    assert "A colour is written like" in said(ann.post("/preview/accent", accent="<b>"))


HOST = {
    "time_zone": "Asia/Kolkata",
    "week_start": "6",
    "limit_day": "4",
    "limit_week": "",
    "limit_month": "40",
    "active": "1",
}


def test_the_hosts_settings_are_kept(office: Office, ann: Screens) -> None:
    assert ann.post("/you", **HOST).status_code == 303
    with office.app.app_context():
        host = office.host()
        assert (host.time_zone, host.week_start, host.limit_day, host.limit_week, host.limit_month) == (
            "Asia/Kolkata",
            6,
            4,
            None,
            40,
        )
        assert (host.active, host.notify_by_email) == (True, False)


def test_hours_go_with_their_host_into_the_zone_of_a_device(office: Office, ann: Screens) -> None:
    with office.app.app_context():
        before = office.host().time_zone
        elsewhere = Schedule(host_id=office.host().id, name="Trips", time_zone="Asia/Tokyo", weekly=[[]] * 7)
        session().add(elsewhere)
        session().commit()
    assert ann.post("/you/zone", time_zone="America/Los_Angeles").status_code == 303
    assert "Your hours are in America/Los Angeles now." in ann.text("/")
    with office.app.app_context():
        assert before != office.host().time_zone == "America/Los_Angeles"
        zones = {row.name: row.time_zone for row in session().query(Schedule).filter_by(host_id=office.host().id)}
        assert zones.pop("Trips") == "Asia/Tokyo", "it wasn't in the host's own zone"
        assert set(zones.values()) == {"America/Los_Angeles"}


@pytest.mark.parametrize("zone", ["", "Mars/Base", "../../etc"])
def test_no_hours_go_into_a_zone_that_isnt_known(office: Office, ann: Screens, zone: str) -> None:
    with office.app.app_context():
        before = office.host().time_zone
    assert ann.post("/you/zone", time_zone=zone).status_code == 303
    assert "This time zone isn't known." in ann.text("/")
    with office.app.app_context():
        assert office.host().time_zone == before


def test_wrong_settings_are_refused(ann: Screens) -> None:
    answer = ann.post("/you", **HOST | {"time_zone": "Mars/Base", "limit_day": "0"})
    assert answer.status_code == 422
    assert "Time zone: This time zone isn't known." in said(answer)
    assert "Most meetings a day: Please enter a number from 1 to 1000." in said(answer)


def test_every_start_of_a_day_is_explained_with_the_booking_in_the_way(office: Office, ann: Screens) -> None:
    office.booking("ann", tomorrow(9))
    with office.app.app_context():
        day = tomorrow().date()
        catalog.block_time(
            office.host(),
            starts=dt.datetime.combine(day, dt.time(15)),
            ends=dt.datetime.combine(day, dt.time(16)),
            title="Dentist",
        )
    text = ann.text("/why", event=office.events["ann"], date=tomorrow().date().isoformat())
    assert "09:00 – 09:30 Another meeting, with the time around it Intro, Sam Guest" in text
    assert "15:00 – 15:30 You blocked this time Dentist" in text
    assert "10:00 – 10:30 Yes" in text


def test_the_explanation_offers_exactly_what_guests_are_offered(office: Office, ann: Screens) -> None:
    office.booking("ann", tomorrow(9, 30))
    page = ann.get("/why", event=office.events["ann"], date=tomorrow().date().isoformat(), duration=60).text
    with office.app.app_context():
        start = int(tomorrow(0).timestamp())
        found = scheduling.offers(address_of(office.event()), start=start, end=start + 86_400, duration=60)
    assert page.count("bk-table-offered") == len(found.starts)


@pytest.mark.parametrize("query", [{"date": "soon"}, {"date": "9999-12-31"}, {"duration": "7"}, {"event": "nothing"}])
def test_nonsense_is_explained_all_the_same(ann: Screens, query: dict[str, str]) -> None:
    assert ann.get("/why", **query).status_code == 200


def test_a_host_without_event_types_is_told_where_to_begin(office: Office, ann: Screens) -> None:
    ann.post(f"/event-types/{office.events['ann']}/delete")
    assert "You have no event type yet." in ann.text("/why")
