"""Reading Outlook calendars: what blocks time, all-day events, zones, series, deltas, and refusals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from flask_booking.calendars.microsoft import Microsoft
from flask_booking.calendars.provider import CalendarProvider, OAuthProvider, Show, Window
from flask_booking.calendars.windows_zones import iana_name
from flask_booking.config import defaults
from flask_booking.connections.access import FixedToken, OAuthAccess
from flask_booking.connections.problems import (
    Misconfigured,
    Unreadable,
)

from .outlook import BERLIN, Outlook, at, outlook

HOUR, DAY = 3600, 86_400
THIRD, FOURTH = dt.date(2026, 12, 3), dt.date(2026, 12, 4)


@pytest.fixture
def ann() -> Iterator[Outlook]:
    with outlook() as world:
        yield world


def test_it_is_a_provider_of_calendars_that_is_signed_in_to() -> None:
    provider: CalendarProvider = Microsoft()
    assert isinstance(provider, OAuthProvider)


def test_the_service_is_where_the_configuration_says() -> None:
    config = {**defaults(), "BOOKING_MICROSOFT_CLIENT_ID": "id", "BOOKING_MICROSOFT_CLIENT_SECRET": "se/cret"}
    service = Microsoft().service(config)
    assert service.authorize_url == "https://login.microsoftonline.com/common/oauth2/v2.0/authorize"
    assert service.token_url == "https://login.microsoftonline.com/common/oauth2/v2.0/token"
    assert (service.revoke_url, service.rotates, service.basic_auth) == ("", False, False)
    assert service.needed < set(service.scopes)
    assert "se/cret" not in repr(service)
    for missing in ("BOOKING_MICROSOFT_CLIENT_ID", "BOOKING_MICROSOFT_CLIENT_SECRET"):
        with pytest.raises(Misconfigured):
            Microsoft().service({**config, missing: None})


def test_an_account_has_an_id_and_an_address_whatever_its_kind(ann: Outlook) -> None:
    assert ann.provider.account(ann.access).name == "ann@example.com"
    with outlook(personal=True) as personal:
        found = personal.provider.account(personal.access)
    assert (found.id, found.name) == (ann.ann.id, "ann@example.com")


def test_each_calendar_is_listed_with_what_can_be_done_there(ann: Outlook) -> None:
    ann.ann.add_calendar("Team", colour="#A1B2C3")
    ann.ann.add_calendar("Holidays", can_edit=False)
    ann.fake.page_size = 2
    first, team, holidays = ann.provider.calendars(ann.access)
    assert (first.name, first.primary, first.writable, first.conferencing) == ("Calendar", True, True, ("teams",))
    assert (team.primary, team.colour) == (False, "#a1b2c3")
    assert (holidays.writable, holidays.colour) == (False, "")


def test_a_personal_account_has_no_teams() -> None:
    with outlook(personal=True) as personal:
        assert personal.calendar.conferencing == ()


def test_the_mailbox_tells_its_zone_only_where_that_was_allowed(ann: Outlook) -> None:
    assert ann.calendar.time_zone == ""
    allowed = ann.fake.token_for(ann.ann, "Calendars.ReadWrite", "MailboxSettings.Read")
    (calendar,) = ann.provider.calendars(OAuthAccess(FixedToken(allowed)))
    assert calendar.time_zone == "Europe/Berlin"


# -- what an event means --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "show"),
    [
        ({}, Show.BUSY),
        ({"show_as": "oof"}, Show.BUSY),
        ({"show_as": "unknown"}, Show.BUSY),
        ({"show_as": "free"}, Show.FREE),
        ({"show_as": "workingElsewhere"}, Show.FREE),
        ({"show_as": "tentative"}, Show.TENTATIVE),
        ({"response": "tentativelyAccepted"}, Show.TENTATIVE),
        ({"response": "notResponded"}, Show.TENTATIVE),
        ({"response": "notResponded", "show_as": "oof"}, Show.BUSY),
        ({"response": "accepted"}, Show.BUSY),
        ({"response": "declined"}, Show.FREE),
        ({"cancelled": True}, Show.FREE),
    ],
)
def test_what_an_event_says_of_its_owners_time(ann: Outlook, fields: dict[str, Any], show: Show) -> None:
    ann.ann.add_event("Something", at(1, 9), at(1, 10), **fields)
    event = ann.only()
    assert (event.show, event.starts, event.ends, event.title) == (show, at(1, 9), at(1, 10), "Something")
    assert (event.declined, event.cancelled) == (fields.get("response") == "declined", "cancelled" in fields)


def test_a_private_event_keeps_its_title_to_itself(ann: Outlook) -> None:
    ann.ann.add_event("Doctor", at(1, 9), at(1, 10), sensitivity="private")
    assert (ann.only().title, ann.only().show) == ("", Show.BUSY)


@pytest.mark.parametrize("shifted", [False, True], ids=["as midnight", "shifted"])
@pytest.mark.parametrize("told", [False, True], ids=["zone unknown", "zone known"])
@pytest.mark.parametrize(
    "zone", ["Asia/Tokyo", "Europe/Berlin", "UTC", "America/New_York", "America/Los_Angeles", "Pacific/Auckland"]
)
def test_an_all_day_event_lasts_from_midnight_to_midnight_where_its_owner_is(
    zone: str, told: bool, shifted: bool
) -> None:
    with outlook(zone=zone) as ann:
        ann.fake.shifts_days = shifted
        ann.ann.add_event("Off", THIRD, FOURTH)
        if told:
            ann.in_zone(zone)
        event = ann.only()
    there = ZoneInfo(zone)
    assert (event.starts, event.ends) == (at(3, zone=there), at(4, zone=there))


def test_an_all_day_event_that_somebody_elsewhere_made_is_read_in_the_calendars_zone(ann: Outlook) -> None:
    ann.ann.add_event("Off", THIRD, FOURTH, zone="America/New_York")
    ann.in_zone("Europe/Berlin")
    assert (ann.only().starts, ann.only().ends) == (at(3, zone=BERLIN), at(4, zone=BERLIN))


def test_the_day_on_which_clocks_go_back_has_25_hours(ann: Outlook) -> None:
    ann.ann.add_event("Off", dt.date(2026, 10, 25), dt.date(2026, 10, 26))
    event = ann.only(Window(at(1, month=10), at(30, month=10)))
    assert event.ends - event.starts == 25 * HOUR


@pytest.mark.parametrize(("zone", "offset"), [("Asia/Tokyo", 9), ("America/Los_Angeles", -8)])
def test_an_all_day_event_at_the_edge_of_the_window_is_found_though_graph_looks_in_utc(zone: str, offset: int) -> None:
    with outlook(zone=zone) as ann:
        ann.ann.add_event("Off", THIRD, FOURTH)
        first, last = at(3, -offset), at(4, -offset)
        assert ann.only(Window(last - HOUR, last + DAY)).ends == last
        assert ann.only(Window(first - DAY, first + HOUR)).starts == first
        assert ann.events(Window(last, last + DAY)) == []
        assert ann.events(Window(first - DAY, first)) == []


def test_an_all_day_event_of_a_zone_that_nobody_knows_takes_all_that_it_may_take(ann: Outlook) -> None:
    ann.ann.add_event("Off", THIRD, FOURTH, label="tzone://Microsoft/Custom")
    event = ann.only()
    assert (event.show, event.starts, event.ends) == (Show.BUSY, at(3, -14), at(4, 12))


@pytest.mark.parametrize(("zone", "hour"), [("Europe/Berlin", 8), ("America/Edmonton", 15), ("Asia/Kolkata", 3.5)])
def test_times_are_understood_in_zones_by_their_names_of_windows(ann: Outlook, zone: str, hour: float) -> None:
    ann.fake.echoes_zone = True
    there = ZoneInfo(zone)
    ann.ann.add_event("Talk", at(1, 9, month=6, zone=there), at(1, 10, month=6, zone=there), zone=zone)
    event = ann.only(Window(at(1, month=6), at(30, month=6)))
    assert event.starts == at(1, 9, month=6, zone=there)
    assert event.ends - event.starts == HOUR


@pytest.mark.parametrize("name", ["tzone://Microsoft/Custom", "Customized Time Zone", "Moon Standard Time", ""])
def test_an_event_by_a_clock_that_nobody_knows_blocks_all_that_it_may_take(ann: Outlook, name: str) -> None:
    ann.fake.echoes_zone = True
    ann.ann.add_event("Talk", at(3, 9), at(3, 10), zone="UTC", label=name or " ")
    event = ann.only()
    assert (event.show, event.starts, event.ends) == (Show.BUSY, at(3, 9 - 14), at(3, 10 + 12))


@pytest.mark.parametrize(
    ("name", "iana"),
    [
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("w. europe standard time", "Europe/Berlin"),
        ("Alberta Standard Time", "America/Edmonton"),
        ("British Columbia Standard Time", "America/Vancouver"),
        ("Manitoba Standard Time", "America/Winnipeg"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("Europe/Paris", "Europe/Paris"),
        ("tzone://Microsoft/Custom", ""),
        ("../etc/passwd", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_names_of_windows_have_iana_names(name: str | None, iana: str) -> None:
    assert iana_name(name) == iana


def test_an_event_without_times_is_never_taken_for_free(ann: Outlook) -> None:
    ann.fake.fail(200, {"value": [{"id": "x", "subject": "?", "showAs": "busy"}]}, path="/calendarView", times=2)
    with pytest.raises(Unreadable):
        ann.changes()
