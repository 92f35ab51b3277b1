"""Google Calendar as a provider, against a stand-in behind a socket."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import requests
from flask import Flask

from flask_booking.calendars.google import Google, read_notification
from flask_booking.calendars.provider import (
    CalendarProvider,
    Changes,
    EventDraft,
    Guest,
    OAuthProvider,
    RemoteCalendar,
    RemoteEvent,
    Show,
    Sign,
    Watch,
    WatchRequest,
    Window,
    Written,
)
from flask_booking.connections.access import FixedToken, OAuthAccess
from flask_booking.connections.problems import (
    Changed,
    CursorExpired,
    Gone,
    Misconfigured,
    MissingScope,
    NeedsReconnect,
    NotAllowed,
    ProviderProblem,
    RateLimited,
    Unreachable,
    Unreadable,
)
from tests.fakes.base import served
from tests.fakes.google import Google as FakeGoogle

ANN = "ann@example.com"
HOUR, DAY = 3600, 86_400
T0 = int(dt.datetime(2030, 3, 1, tzinfo=dt.UTC).timestamp())
"""The stand-in's today."""
WINDOW = Window(T0, T0 + 60 * DAY)
provider = Google()


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    """The stand-in with one account, and an app that is nothing but its addresses: all a provider knows of one."""
    app = Flask(__name__)
    with served(FakeGoogle()) as fake, app.app_context():
        fake.advance(T0 - time.time())
        fake.add_account(ANN, "Ann")
        app.config.update(fake.config())
        yield fake


@pytest.fixture
def access(google: FakeGoogle) -> OAuthAccess:
    return signed_in(google)


@pytest.fixture
def calendar(access: OAuthAccess) -> RemoteCalendar:
    return next(one for one in provider.calendars(access) if one.primary)


def signed_in(google: FakeGoogle, email: str = ANN, **more: Any) -> OAuthAccess:
    return OAuthAccess(FixedToken(google.token_of(google.allow(email, **more))), account=email)


def draft(**more: Any) -> EventDraft:
    key = "0123456789abcdefghijklmnop"
    known: dict[str, Any] = {
        "key": key, "booking": "42", "uid": f"{key}@google.com", "sequence": 0, "starts": T0 + 10 * HOUR,
        "ends": T0 + 11 * HOUR, "time_zone": "Europe/Berlin", "title": "Intro call with Gus",
        "description": "What it is about", "guests": (Guest("Gus", "gus@example.net"),),
    }  # fmt: skip
    return EventDraft(**(known | more))


def only(changes: Changes) -> RemoteEvent:
    """The one event that there is."""
    (event,) = [event for resource in changes.resources for event in resource.events]
    return event


def ids(changes: Changes) -> list[str]:
    return sorted(event.id for resource in changes.resources for event in resource.events)


# -- signing in -------------------------------------------------------------------------------------------------------


def test_it_is_a_provider() -> None:
    checked: CalendarProvider = provider
    assert isinstance(provider, OAuthProvider)
    assert (checked.name, checked.label, checked.sign) == ("google", "Google Calendar", Sign.OAUTH)
    assert checked.can_write
    assert checked.can_watch


def test_the_service_asks_for_a_refresh_token_each_time(google: FakeGoogle) -> None:
    service = provider.service(google.config())
    assert service.authorize_params == {
        "access_type": "offline", "prompt": "consent", "include_granted_scopes": "true",
    }  # fmt: skip
    assert (service.client_id, service.token_url) == (google.client_id, f"{google.url}/token")
    assert service.needed < set(service.scopes)
    assert service.client_secret not in repr(service)
    assert not service.rotates


def test_what_is_needed_is_named_as_google_names_what_was_allowed(google: FakeGoogle) -> None:
    service = provider.service(google.config())
    granted = google.allow(ANN, service.scopes).scopes
    assert service.needed <= set(granted)


@pytest.mark.parametrize("missing", ["BOOKING_GOOGLE_CLIENT_ID", "BOOKING_GOOGLE_CLIENT_SECRET"])
def test_without_a_client_it_is_misconfigured(google: FakeGoogle, missing: str) -> None:
    with pytest.raises(Misconfigured, match=missing):
        provider.service({**google.config(), missing: None})


def test_an_account_is_known_by_an_id_and_shown_by_its_address(google: FakeGoogle, access: OAuthAccess) -> None:
    account = provider.account(access)
    assert (account.id, account.name) == (google.accounts[ANN].sub, ANN)


def test_an_account_without_an_address_is_shown_by_its_id(google: FakeGoogle) -> None:
    account = provider.account(signed_in(google, scopes=("openid",)))
    assert account.name == account.id == google.accounts[ANN].sub


def test_a_token_that_is_over_has_to_be_renewed(google: FakeGoogle, access: OAuthAccess) -> None:
    google.expire_tokens()
    with pytest.raises(NeedsReconnect):
        provider.calendars(access)


# -- calendars --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("empty_pages", [False, True])
def test_every_calendar_is_listed_over_short_and_empty_pages(
    google: FakeGoogle, access: OAuthAccess, empty_pages: bool
) -> None:
    google.page_size, google.empty_pages = 1, empty_pages
    google.add_account("bob@example.com")
    hidden = google.add_calendar(ANN, "Hidden", hidden=True, conferences=())
    gone = google.add_calendar(ANN, "Gone")
    google.remove_calendar(gone)
    renamed = google.add_calendar(ANN, "Team", name="My team", time_zone="Asia/Tokyo")
    for role in ("freeBusyReader", "reader", "writer"):
        google.share(google.add_calendar("bob@example.com", role), ANN, role)
    found = provider.calendars(access)
    assert [one.name for one in found] == [ANN, "Hidden", "My team", "freeBusyReader", "reader", "writer"]
    assert [one.writable for one in found] == [True, True, True, False, False, True]
    assert [one.primary for one in found] == [True, False, False, False, False, False]
    by_id = {one.id: one for one in found}
    assert by_id[hidden].conferencing == ()
    assert by_id[ANN].conferencing == ("google_meet",)
    assert by_id[renamed].time_zone == "Asia/Tokyo"
    assert by_id[ANN].colour == "#9fe1e7"


def test_a_deleted_calendar_that_is_listed_all_the_same_is_left_out(google: FakeGoogle, access: OAuthAccess) -> None:
    items = [{"id": "gone", "deleted": True}, {"id": "none", "accessRole": "none"}, {"id": "bare"}]
    google.fail(200, {"items": items})
    assert provider.calendars(access) == [RemoteCalendar("bare", "bare")]


# -- reading ----------------------------------------------------------------------------------------------------------


def test_at_first_everything_in_the_window_is_read(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    google.add_event(ANN, T0 - DAY, T0, id="before")
    google.add_event(ANN, T0 - DAY, T0 + 1, id="into")
    google.add_event(ANN, T0 + DAY, T0 + DAY + HOUR, id="inside", summary="Dentist")
    google.add_event(ANN, WINDOW.end - 1, WINDOW.end + DAY, id="outof")
    google.add_event(ANN, WINDOW.end, WINDOW.end + DAY, id="after")
    google.delete_event(ANN, google.add_event(ANN, T0 + DAY, T0 + 2 * DAY, id="deleted"))
    found = provider.changes(access, calendar, "", WINDOW)
    assert found.complete
    assert found.cursor
    assert found.removed == ()
    assert ids(found) == ["inside", "into", "outof"]
    dentist = next(one.events[0] for one in found.resources if one.id == "inside")
    assert dentist == RemoteEvent(
        "inside", T0 + DAY, T0 + DAY + HOUR, Show.BUSY, "Dentist", "", "inside@google.com",
        google.event(ANN, "inside")["etag"],
    )  # fmt: skip


@pytest.mark.parametrize("empty_pages", [False, True])
def test_pages_may_be_short_or_empty(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar, empty_pages: bool
) -> None:
    google.page_size, google.empty_pages = 2, empty_pages
    for number in range(5):
        google.add_event(ANN, T0 + number * HOUR, T0 + (number + 1) * HOUR, id=f"event{number}")
    first = provider.changes(access, calendar, "", WINDOW)
    assert ids(first) == [f"event{number}" for number in range(5)]
    for number in range(5):
        google.change_event(ANN, f"event{number}", summary="New")
    assert ids(provider.changes(access, calendar, first.cursor, WINDOW)) == ids(first)


def test_afterwards_only_what_changed_is_read(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    for name in ("stays", "moves", "leaves", "vanishes"):
        google.add_event(ANN, T0 + DAY, T0 + DAY + HOUR, id=name)
    google.add_event(ANN, WINDOW.end + DAY, WINDOW.end + 2 * DAY, id="enters")
    google.add_event(ANN, WINDOW.end + DAY, WINDOW.end + 2 * DAY, id="outside")
    first = provider.changes(access, calendar, "", WINDOW)
    google.move_event(ANN, "moves", T0 + 2 * DAY)
    google.move_event(ANN, "leaves", WINDOW.end + DAY)
    google.delete_event(ANN, "vanishes")
    google.move_event(ANN, "enters", T0 + 3 * DAY)
    google.change_event(ANN, "outside", summary="Still outside")
    google.add_event(ANN, WINDOW.end, WINDOW.end + 1, id="edge1")
    google.add_event(ANN, WINDOW.start - 1, WINDOW.start, id="edge2")
    google.add_event(ANN, WINDOW.start, WINDOW.start, id="edge3")
    google.add_event(ANN, T0 + 4 * DAY, T0 + 5 * DAY, id="newone")
    second = provider.changes(access, calendar, first.cursor, WINDOW)
    assert not second.complete
    assert second.removed == ("vanishes",)
    found = {one.id: [event.starts for event in one.events] for one in second.resources}
    assert found == {
        "moves": [T0 + 2 * DAY], "leaves": [], "enters": [T0 + 3 * DAY], "outside": [], "newone": [T0 + 4 * DAY],
        "edge1": [], "edge2": [], "edge3": [T0],
    }  # fmt: skip
    third = provider.changes(access, calendar, second.cursor, WINDOW)
    assert (third.resources, third.removed) == ((), ())


def test_later_requests_repeat_the_parameters_of_the_first(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    first = provider.changes(access, calendar, "", WINDOW)
    provider.changes(access, calendar, first.cursor, WINDOW)
    one, other = (asked.query for asked in google.asked("GET", "/events"))
    assert one["timeMin"] == "2030-03-01T00:00:00Z"
    assert one.keys() - other.keys() == {"timeMin", "timeMax"}
    assert other.keys() - one.keys() == {"syncToken"}
    assert all(one[name] == other[name] for name in one.keys() & other.keys())


def test_a_forgotten_cursor_is_expired(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    cursor = provider.changes(access, calendar, "", WINDOW).cursor
    google.forget_sync_tokens()
    with pytest.raises(CursorExpired):
        provider.changes(access, calendar, cursor, WINDOW)


def test_a_cursor_that_google_calls_wrong_is_expired_too(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    one = {"domain": "global", "reason": "invalid", "locationType": "parameter", "location": "syncToken"}
    google.fail(400, {"error": {"errors": [one], "code": 400}})
    with pytest.raises(CursorExpired):
        provider.changes(access, calendar, "nonsense", WINDOW)


def test_a_calendar_that_is_no_more_is_gone(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    cursor = provider.changes(access, calendar, "", WINDOW).cursor
    google.remove_calendar(ANN)
    for given in ("", cursor):
        with pytest.raises(Gone):
            provider.changes(access, calendar, given, WINDOW)


def test_ids_of_calendars_are_quoted(google: FakeGoogle, access: OAuthAccess) -> None:
    odd = "de.german#holiday@group.v.calendar.google.com"
    google.add_calendar(ANN, "Holidays", id=odd)
    google.add_event(odd, dt.date(2030, 3, 8), dt.date(2030, 3, 9), id="holiday1")
    assert ids(provider.changes(access, RemoteCalendar(odd, "Holidays"), "", WINDOW)) == ["holiday1"]


@pytest.mark.parametrize(
    ("fields", "show"),
    [
        ({}, Show.BUSY),
        ({"transparency": "transparent"}, Show.FREE),
        ({"eventType": "workingLocation"}, Show.FREE),
        ({"eventType": "birthday"}, Show.FREE),
        ({"eventType": "outOfOffice"}, Show.BUSY),
        ({"eventType": "focusTime"}, Show.BUSY),
        ({"eventType": "fromGmail"}, Show.BUSY),
        ({"status": "tentative"}, Show.TENTATIVE),
        ({"status": "tentative", "transparency": "transparent"}, Show.FREE),
        ({"attendees": [{"email": ANN, "responseStatus": "declined"}]}, Show.FREE),
        ({"attendees": [{"email": ANN, "responseStatus": "tentative"}]}, Show.TENTATIVE),
        ({"attendees": [{"email": ANN, "responseStatus": "needsAction"}]}, Show.TENTATIVE),
        ({"attendees": [{"email": ANN, "responseStatus": "accepted"}]}, Show.BUSY),
        ({"attendees": [{"email": "bob@example.com", "responseStatus": "declined"}]}, Show.BUSY),
        (
            {
                "attendees": [
                    {"email": "bob@example.com", "responseStatus": "accepted"},
                    {"email": ANN, "responseStatus": "declined"},
                ]
            },
            Show.FREE,
        ),
    ],
)
def test_what_closes_time(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar, fields: dict[str, Any], show: Show
) -> None:
    google.add_event(ANN, T0 + DAY, T0 + DAY + HOUR, **fields)
    event = only(provider.changes(access, calendar, "", WINDOW))
    assert event.show == show
    answers = {one["email"]: one["responseStatus"] for one in fields.get("attendees", ())}
    assert event.declined == (answers.get(ANN) == "declined")


@pytest.mark.parametrize(
    ("time_zone", "offset"), [("Europe/Berlin", 1), ("America/Los_Angeles", -8), ("Pacific/Kiritimati", 14)]
)
def test_days_are_days_of_the_calendar_and_end_before_their_end(
    google: FakeGoogle, access: OAuthAccess, time_zone: str, offset: int
) -> None:
    google.add_calendar(ANN, "Days", id="days", time_zone=time_zone)
    google.add_event("days", dt.date(2030, 3, 9), dt.date(2030, 3, 11))
    for known in (time_zone, ""):  # without one the answer says it
        event = only(provider.changes(access, RemoteCalendar("days", "Days", known), "", WINDOW))
        assert (event.starts, event.ends - event.starts) == (T0 + 8 * DAY - offset * HOUR, _days(time_zone))


def _days(time_zone: str) -> int:
    """Two days from 9 March 2030, of which one has 23 hours where clocks change then."""
    return 2 * DAY - (HOUR if time_zone == "America/Los_Angeles" else 0)


def test_whom_only_free_and_busy_is_shown_sees_an_event_without_a_title(
    google: FakeGoogle, access: OAuthAccess
) -> None:
    google.add_account("bob@example.com")
    google.share("bob@example.com", ANN, "freeBusyReader")
    google.add_event("bob@example.com", T0 + DAY, T0 + DAY + HOUR, summary="Secret")
    event = only(provider.changes(access, RemoteCalendar("bob@example.com", "Bob"), "", WINDOW))
    assert (event.title, event.show) == ("", Show.BUSY)


ODD: list[Any] = [
    {"id": "onlyanid"},
    {"id": "cancelled1", "status": "cancelled"},
    {"id": "cancelled2", "status": "cancelled", "start": {"date": "2030-03-02"}, "end": {"date": "2030-03-03"}},
    {"id": "odd1", "status": "confirmed", "start": {"dateTime": "2030-03-02T10:00:00Z"}},
    {"id": "odd2", "status": "confirmed", "start": {"date": "2030-03-02"}},
    {"id": "odd3", "status": "confirmed", "start": {"dateTime": "2030-03-02T10:00:00Z"}, "end": {"dateTime": "soon"}},
    {"id": "odd4", "start": {"dateTime": "2030-03-02T10:00:00", "timeZone": "Europe/Berlin"}, "end": {}},
    {"id": "odd5", "start": {"dateTime": "2030-03-02T10:00:00", "timeZone": "Mars/Base"}, "end": None},
    {"id": "odd6", "start": {"dateTime": 7}, "end": []},
    {"id": "odd7", "start": {"date": "9999-12-31"}, "end": {"date": "0001-01-01"}},
    {"id": "odd8", "start": {"dateTime": "2030-03-02T11:00:00Z"}, "end": {"dateTime": "2030-03-02T10:00:00Z"}},
    {"id": "odd9", "start": {"dateTime": "2030-03-02T10:00:00Z"}, "attendees": [None, {}, {"self": True}],
     "extendedProperties": {"private": None}, "summary": None, "recurringEventId": 7},
    {"id": 7}, None, "text", {},
]  # fmt: skip


def test_odd_events_do_no_harm(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    google.fail(200, {"items": ODD, "nextSyncToken": "next"})
    found = provider.changes(access, calendar, "", WINDOW)
    spans = {event.id: event.ends - event.starts for one in found.resources for event in one.events}
    assert spans == {"odd1": 0, "odd2": DAY, "odd3": 0, "odd4": 0, "odd5": 0, "odd8": 0, "odd9": 0}
    google.fail(200, {"items": ODD, "nextSyncToken": "next"})
    found = provider.changes(access, calendar, "cursor", WINDOW)
    assert found.removed == ("cancelled1", "cancelled2")
    assert found.cursor == "next"


def test_a_list_without_an_end_is_given_up(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    google.fail(200, {"items": [], "nextPageToken": "again"}, times=5)
    with pytest.raises(Unreadable):
        provider.changes(access, calendar, "", WINDOW)


@pytest.mark.parametrize("body", ["<html>", "[]", "7"])
def test_an_answer_that_is_no_json_object_is_unreadable(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar, body: str
) -> None:
    google.fail(200)
    answer = google.troubles[0].answer
    assert answer is not None
    answer.set_data(body)
    with pytest.raises(Unreadable):
        provider.changes(access, calendar, "", WINDOW)


def test_five_thousand_events_are_read(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    for number in range(5_000):
        google.add_event(
            ANN, T0 + number * 900, T0 + number * 900 + 600, id=f"event{number:04d}", description="Long " * 100,
            attendees=[{"email": f"guest{n}@example.net"} for n in range(5)],
        )  # fmt: skip
    found = provider.changes(access, calendar, "", WINDOW)
    assert len(found.resources) == 5_000
    assert len(google.asked("GET", "/events")) == 2


# -- series -----------------------------------------------------------------------------------------------------------

DAILY = ["RRULE:FREQ=DAILY;COUNT=5"]
FIVE = [f"series1_203003{day:02d}T100000Z" for day in range(2, 7)]


@pytest.fixture
def series(google: FakeGoogle) -> str:
    return google.add_event(ANN, T0 + DAY + 10 * HOUR, T0 + DAY + 11 * HOUR, id="series1", recurrence=DAILY)


def test_a_series_is_one_resource_of_many_events(access: OAuthAccess, calendar: RemoteCalendar, series: str) -> None:
    found = provider.changes(access, calendar, "", WINDOW)
    (resource,) = found.resources
    assert resource.id == series
    assert [event.id for event in resource.events] == FIVE
    assert [event.starts for event in resource.events] == [T0 + day * DAY + 10 * HOUR for day in range(1, 6)]


def test_of_a_series_that_changed_all_occurrences_are_read_anew(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar, series: str
) -> None:
    cursor = provider.changes(access, calendar, "", WINDOW).cursor

    def again() -> dict[str, list[str]]:
        nonlocal cursor
        found = provider.changes(access, calendar, cursor, WINDOW)
        cursor = found.cursor
        assert found.removed == ()
        return {one.id: sorted(event.id for event in one.events) for one in found.resources}

    google.delete_event(ANN, FIVE[1])
    assert again() == {series: [FIVE[0], *FIVE[2:]]}
    google.move_event(ANN, FIVE[2], WINDOW.end + DAY)
    assert again() == {series: [FIVE[0], *FIVE[3:]]}
    google.move_event(ANN, FIVE[2], T0 + 20 * DAY)
    assert again() == {series: [FIVE[0], *FIVE[2:]]}
    google.change_event(ANN, series, recurrence=["RRULE:FREQ=DAILY;COUNT=2"])
    assert again() == {series: [FIVE[0]]}
    google.change_event(ANN, series, recurrence=["RRULE:FREQ=WEEKLY"], summary="For ever")
    assert len(again()[series]) == 9


@pytest.mark.parametrize("told", ["all", "one", "one by its id only"])
def test_a_deleted_series_leaves_nothing_though_google_tells_only_some_of_it(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar, told: str
) -> None:
    series = google.add_event(ANN, T0 + DAY, T0 + DAY + HOUR, id="series1", recurrence=["RRULE:FREQ=WEEKLY;COUNT=99"])
    far = Window(T0, T0 + 600 * DAY)
    first = provider.changes(access, calendar, "", far)
    assert len(first.resources[0].events) == 86
    google.delete_event(ANN, series)
    if told != "all":
        one: dict[str, Any] = {"id": first.resources[0].events[3].id, "status": "cancelled"}
        if told == "one":
            one["recurringEventId"] = series
        google.fail(200, {"items": [one], "nextSyncToken": "next"})
    second = provider.changes(access, calendar, first.cursor, far)
    assert [(one.id, one.events) for one in second.resources] == [(series, ())]


def test_a_series_that_is_forgotten_altogether_is_removed(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    one = {"id": "gone_20300302T100000Z", "status": "cancelled", "recurringEventId": "gone"}
    google.fail(200, {"items": [one], "nextSyncToken": "next"})
    found = provider.changes(access, calendar, "cursor", WINDOW)
    assert (found.resources, found.removed) == ((), ("gone",))


def test_an_event_that_becomes_a_series_and_back_keeps_its_resource(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    google.add_event(ANN, T0 + DAY + 10 * HOUR, T0 + DAY + 11 * HOUR, id="series1")
    first = provider.changes(access, calendar, "", WINDOW)
    google.change_event(ANN, "series1", recurrence=DAILY)
    second = provider.changes(access, calendar, first.cursor, WINDOW)
    assert {one.id: [event.id for event in one.events] for one in second.resources} == {"series1": FIVE}


def test_a_series_that_lives_is_not_removed_whatever_is_told_of_it(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar, series: str
) -> None:
    items = [{"id": series, "status": "cancelled"}, {"id": FIVE[0], "status": "cancelled", "recurringEventId": series}]
    google.fail(200, {"items": items, "nextSyncToken": "next"})
    found = provider.changes(access, calendar, "cursor", WINDOW)
    assert (ids(found), found.removed) == (FIVE, ())


def test_when_very_many_series_changed_everything_is_read(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    google.add_event(ANN, T0 + DAY, T0 + 2 * DAY, id="single")
    first = provider.changes(access, calendar, "", WINDOW)
    for number in range(21):
        google.add_event(ANN, T0 + DAY, T0 + DAY + HOUR, id=f"series{number:02d}", recurrence=DAILY)
    before = len(google.journal)
    second = provider.changes(access, calendar, first.cursor, WINDOW)
    assert second.complete
    assert len(second.resources) == 22
    assert len(google.journal) - before == 2


# -- writing ----------------------------------------------------------------------------------------------------------


def write(access: OAuthAccess, calendar: RemoteCalendar, wanted: EventDraft, known: Written | None = None) -> Written:
    return provider.write(access, calendar, wanted, known)


def test_a_booking_becomes_an_event(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    wanted = draft(location="Main street 1", url="https://crm.example/m/1")
    made = write(access, calendar, wanted)
    event = google.event(ANN, made.id)
    assert made == Written(
        wanted.key, event["etag"], wanted.uid, wanted.starts, wanted.ends, event["htmlLink"], "", False, False
    )
    assert (event["summary"], event["description"], event["location"]) == (
        "Intro call with Gus", "What it is about", "Main street 1",
    )  # fmt: skip
    assert event["start"] == {"dateTime": "2030-03-01T11:00:00+01:00", "timeZone": "Europe/Berlin"}
    assert event["extendedProperties"]["private"]["flask_booking_id"] == "42"
    assert [one["email"] for one in event["attendees"]] == ["gus@example.net"]
    assert event["source"]["url"] == "https://crm.example/m/1"
    assert event["guestsCanModify"] is False
    assert google.mails == []
    assert only(provider.changes(access, calendar, "", WINDOW)).booking == "42"


def test_google_invites_where_it_shall(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    wanted = draft(invite=True, uid="another@crm.example")
    made = write(access, calendar, wanted)
    write(access, calendar, wanted, made)
    write(access, calendar, wanted)
    assert [(mail.kind, mail.to, mail.uid) for mail in google.mails] == [("invite", "gus@example.net", made.uid)]
    moved = replace(wanted, starts=wanted.starts + HOUR, ends=wanted.ends + HOUR)
    write(access, calendar, moved, made)
    write(access, calendar, moved, made)
    provider.remove(access, calendar, moved, made)
    provider.remove(access, calendar, moved, made)
    assert [(mail.kind, mail.starts) for mail in google.mails] == [
        ("invite", wanted.starts), ("update", moved.starts), ("cancel", moved.starts),
    ]  # fmt: skip


def test_guests_with_an_invitation_of_another_uid_are_named_but_not_listed(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft(uid="another@crm.example"))
    event = google.event(ANN, made.id)
    assert "attendees" not in event
    assert event["description"] == "What it is about\n\nGus, gus@example.net"
    write(access, calendar, draft(uid="another@crm.example", description="Write to gus@example.net"), made)
    assert google.event(ANN, made.id)["description"] == "Write to gus@example.net"


def test_what_guests_wrote_makes_no_tags(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    wanted = draft(description='a < b <a href="https://evil.example">our bank</a>')
    made = write(access, calendar, wanted)
    description = google.event(ANN, made.id)["description"]
    assert "<a" not in description
    assert "</" not in description
    assert description.replace("\u200b", "") == wanted.description
    before = len(google.asked("PATCH"))
    write(access, calendar, wanted, made)
    assert len(google.asked("PATCH")) == before


def test_a_lost_answer_makes_no_second_event(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    google.drop(after_effect=True, method="POST")
    with pytest.raises(Unreachable):
        write(access, calendar, draft(invite=True))
    made = write(access, calendar, draft(invite=True))
    assert made.id == draft().key
    assert len(google.events(ANN)) == 1
    assert len(google.mails) == 1


def test_an_unknown_earlier_try_that_differs_is_changed(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    write(access, calendar, draft())
    later = write(access, calendar, draft(starts=T0 + 20 * HOUR, ends=T0 + 21 * HOUR, sequence=1))
    assert (later.id, later.starts) == (draft().key, T0 + 20 * HOUR)
    assert google.times(ANN, draft().key) == (T0 + 20 * HOUR, T0 + 21 * HOUR)


def test_the_id_of_a_deleted_event_is_spent_so_the_next_has_another(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    names = []
    for _ in range(3):
        made = write(access, calendar, draft())
        assert write(access, calendar, draft()).id == made.id
        names.append(made.id)
        provider.remove(access, calendar, draft(), made)
    assert names == [draft().key, f"{draft().key}v1", f"{draft().key}v2"]
    assert google.events(ANN) == []
    assert "attendees" in google.event(ANN, names[0])
    assert "attendees" not in google.event(ANN, names[1]), "its UID is not that of the invitation"
    assert "gus@example.net" in google.event(ANN, names[1])["description"]


def test_an_event_of_somebody_else_under_our_id_is_left_alone(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    google.add_event(ANN, T0, T0 + HOUR, id=draft().key, summary="Not ours")
    made = write(access, calendar, draft())
    assert made.id == f"{draft().key}v1"
    assert google.event(ANN, draft().key)["summary"] == "Not ours"
    provider.remove(access, calendar, draft(), None)
    assert [event["summary"] for event in google.events(ANN)] == ["Not ours"]


def test_when_googles_servers_disagree_it_is_tried_again_later(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    google.refuse("duplicate", method="POST")
    with pytest.raises(Changed):
        write(access, calendar, draft())
    assert google.events(ANN) == []


def test_answers_and_other_attendees_stay_when_a_booking_moves(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    guests = (Guest("Gus", "gus@example.net"), Guest("Mia", "mia@example.net"))
    made = write(access, calendar, draft(guests=guests))
    google.respond(ANN, made.id, "gus@example.net", "accepted")
    google.respond(ANN, made.id, "colleague@example.com", "tentative")
    google.respond(ANN, made.id, ANN, "accepted")
    moved = draft(starts=T0 + 20 * HOUR, ends=T0 + 21 * HOUR, guests=(guests[0], Guest("", "New@example.net")))
    write(access, calendar, moved, made)
    answers = {one["email"]: one["responseStatus"] for one in google.event(ANN, made.id)["attendees"]}
    assert answers == {
        "gus@example.net": "accepted", "colleague@example.com": "tentative", ANN: "accepted",
        "New@example.net": "needsAction",
    }  # fmt: skip


def test_a_host_who_is_a_guest_as_well_stays(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    made = write(access, calendar, draft(guests=(Guest("Gus", "gus@example.net"), Guest("Ann", ANN))))
    google.respond(ANN, made.id, ANN, "accepted")
    write(access, calendar, draft(guests=(Guest("Gus", "gus@example.net"),)), made)
    answers = {one["email"]: one["responseStatus"] for one in google.event(ANN, made.id)["attendees"]}
    assert answers == {"gus@example.net": "needsAction", ANN: "accepted"}


def test_attendees_that_were_not_all_told_are_left_alone(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft())
    google.change_event(ANN, made.id, attendeesOmitted=True)
    write(access, calendar, draft(title="New", guests=(Guest("Mia", "mia@example.net"),)), made)
    assert [one["email"] for one in google.event(ANN, made.id)["attendees"]] == ["gus@example.net"]


def test_guests_of_a_meeting_for_several_do_not_see_each_other(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    guests = tuple(Guest(name, f"{name}@example.net") for name in ("a", "b", "c"))
    made = write(access, calendar, draft(guests=guests[:1]))
    assert "guestsCanSeeOtherGuests" not in google.event(ANN, made.id)
    write(access, calendar, draft(guests=guests[:2]), made)
    assert google.event(ANN, made.id)["guestsCanSeeOtherGuests"] is False
    google.change_event(ANN, made.id, guestsCanSeeOtherGuests=True)
    write(access, calendar, draft(guests=guests), made)
    assert google.event(ANN, made.id)["guestsCanSeeOtherGuests"] is True, "the host wants it so"
    other = write(access, calendar, draft(key="v" * 26, uid=f"{'v' * 26}@google.com", guests=guests))
    assert google.event(ANN, other.id)["guestsCanSeeOtherGuests"] is False


def test_two_hundred_guests_fit(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    guests = tuple(Guest("", f"guest{number}@example.net") for number in range(200))
    made = write(access, calendar, draft(guests=guests))
    google.respond(ANN, made.id, "colleague@example.com", "accepted")
    write(access, calendar, draft(guests=guests[100:]), made)
    left = [one["email"] for one in google.event(ANN, made.id)["attendees"]]
    assert left == [guest.email for guest in guests[100:]] + ["colleague@example.com"]


def test_a_guest_given_twice_is_listed_once(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    twice = (Guest("Gus", "gus@example.net"), Guest("Gus", "GUS@example.net"))
    made = write(access, calendar, draft(guests=twice))
    assert len(google.event(ANN, made.id)["attendees"]) == 1


class Meddled:
    """An access during which somebody else is quicker: before each PATCH ``meddle`` is called."""

    def __init__(self, access: OAuthAccess, meddle: Callable[[], None], times: int) -> None:
        self.settings: Mapping[str, Any] = {}
        self.account, self.access, self.meddle, self.times = "", access, meddle, times

    def request(self, method: str, url: str, **more: Any) -> requests.Response:
        if method == "PATCH" and self.times:
            self.times -= 1
            self.meddle()
        return self.access.request(method, url, **more)


def test_a_change_in_between_is_merged(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    made = write(access, calendar, draft())
    answers = iter(["tentative", "declined", "accepted"])
    meddled = Meddled(access, lambda: google.respond(ANN, made.id, "gus@example.net", next(answers)), 3)
    new = Guest("Mia", "mia@example.net")
    provider.write(meddled, calendar, draft(title="New", guests=(*draft().guests, new)), made)
    event = google.event(ANN, made.id)
    assert event["summary"] == "New"
    assert [one["responseStatus"] for one in event["attendees"]] == ["accepted", "needsAction"]


def test_changes_in_between_without_end_are_told(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft())
    meddled = Meddled(access, lambda: google.change_event(ANN, made.id, colorId="7"), 99)
    with pytest.raises(Changed):
        provider.write(meddled, calendar, draft(title="New"), made)
    assert google.event(ANN, made.id)["summary"] == draft().title


def test_nothing_is_sent_when_nothing_differs(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    wanted = draft(description="Two lines\r\nand a margin \n", conference="google_meet")
    made = write(access, calendar, wanted)
    google.change_event(ANN, made.id, description="Two lines\nand a margin", colorId="7")
    write(access, calendar, wanted, made)
    assert google.asked("PATCH") == []


def test_an_event_that_the_host_made_all_day_gets_its_time_back(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft())
    google.change_event(ANN, made.id, start={"date": "2030-03-05"}, end={"date": "2030-03-06"})
    assert provider.look(access, calendar, draft(), made) == replace(
        made, etag=google.event(ANN, made.id)["etag"], starts=T0 + 4 * DAY - HOUR, ends=T0 + 5 * DAY - HOUR
    )
    again = write(access, calendar, draft(), made)
    assert (again.starts, again.ends) == (draft().starts, draft().ends)
    assert "date" not in google.event(ANN, made.id)["start"]


@pytest.mark.parametrize("how", ["deleted", "never was", "calendar"])
def test_a_known_event_that_is_no_more_is_gone(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar, how: str
) -> None:
    made = write(access, calendar, draft())
    if how == "deleted":
        google.delete_event(ANN, made.id)
    elif how == "calendar":
        google.remove_calendar(ANN)
    else:
        made = replace(made, id="neverwas")
    with pytest.raises(Gone):
        write(access, calendar, draft(title="New"), made)
    assert not google.asked("PATCH")


def test_texts_are_cut_rather_than_refused(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    made = write(access, calendar, draft(title="T" * 2_000, description="D" * 20_000, location="L" * 2_000))
    event = google.event(ANN, made.id)
    assert (len(event["summary"]), len(event["description"]), len(event["location"])) == (1_000, 8_000, 1_000)


def test_a_calendar_that_may_only_be_read_is_not_written_to(google: FakeGoogle, access: OAuthAccess) -> None:
    google.add_account("bob@example.com")
    google.share("bob@example.com", ANN, "reader")
    with pytest.raises(NotAllowed):
        write(access, RemoteCalendar("bob@example.com", "Bob"), draft())


def test_a_missing_permission_is_told_apart(google: FakeGoogle, calendar: RemoteCalendar) -> None:
    less = signed_in(
        google, scopes=("openid", "email", "https://www.googleapis.com/auth/calendar.calendarlist.readonly")
    )
    assert provider.calendars(less)
    with pytest.raises(MissingScope):
        write(less, calendar, draft())
    with pytest.raises(MissingScope):
        provider.changes(less, calendar, "", WINDOW)


def test_a_service_account_that_may_not_invite_is_not_allowed(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    google.accounts[ANN].service = True
    with pytest.raises(NotAllowed):
        write(access, calendar, draft(invite=True))


# -- links ------------------------------------------------------------------------------------------------------------


def test_a_meet_link_is_made_with_the_event(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    made = write(access, calendar, draft(conference="google_meet"))
    assert made.join_url.startswith("https://meet.google.com/")
    assert not made.join_pending
    moved = write(access, calendar, draft(conference="google_meet", sequence=1, starts=T0, ends=T0 + HOUR), made)
    assert moved.join_url == made.join_url


def test_a_link_that_takes_its_time_is_seen_later(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    google.meet_pending = 3
    wanted = draft(conference="google_meet")
    made = write(access, calendar, wanted)
    assert (made.join_url, made.join_pending) == ("", True)
    again = write(access, calendar, wanted, made)
    assert (again.join_url, again.join_pending) == ("", True)
    moved = write(access, calendar, replace(wanted, sequence=1, starts=T0, ends=T0 + HOUR), made)
    assert moved.join_pending
    assert all("conferenceData" not in asked.json for asked in google.asked("PATCH")), "one request is enough"
    seen = [provider.look(access, calendar, wanted, made) for _ in range(2)]
    assert [(one.join_pending, bool(one.join_url)) for one in seen if one] == [(True, False), (False, True)]


def test_a_link_that_failed_is_left_out_and_tried_again_when_the_booking_changes(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    google.meet_fails = True
    wanted = draft(conference="google_meet")
    made = write(access, calendar, wanted)
    assert (made.join_url, made.join_pending) == ("", False)
    google.meet_fails = False
    assert write(access, calendar, wanted, made).join_url == ""
    assert google.asked("PATCH") == []
    assert write(access, calendar, replace(wanted, sequence=1), made).join_url


def test_a_link_that_the_calendar_cannot_have_is_no_error(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    google.calendars[ANN].conferences = ()
    wanted = draft(conference="google_meet")
    made = write(access, calendar, wanted)
    assert (made.join_url, made.join_pending) == ("", False)
    again = write(access, calendar, wanted, made)
    assert again == made
    assert write(access, calendar, replace(wanted, title="New"), made).join_url == ""
    assert google.event(ANN, made.id)["summary"] == "New"


def test_no_link_is_asked_for_where_the_calendar_says_it_has_none(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    write(access, replace(calendar, conferencing=()), draft(conference="google_meet"))
    write(access, calendar, draft(key="v" * 26, conference="teams"))
    assert all("conferenceData" not in asked.json for asked in google.asked("POST"))


def test_a_link_that_nobody_asked_for_is_not_told(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft())
    google.change_event(ANN, made.id, hangoutLink="https://meet.google.com/abc")
    seen = provider.look(access, calendar, draft(), made)
    assert seen is not None
    assert seen.join_url == ""
    other = provider.look(access, calendar, draft(conference="google_meet"), made)
    assert other is not None
    assert other.join_url == "https://meet.google.com/abc"


# -- removing and looking ---------------------------------------------------------------------------------------------


def test_an_event_is_removed_once_and_again(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    made = write(access, calendar, draft())
    for _ in range(2):
        provider.remove(access, calendar, draft(), made)
    assert google.events(ANN) == []
    provider.remove(access, calendar, draft(), replace(made, id="neverwas"))


def test_an_event_is_removed_by_its_key(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    provider.remove(access, calendar, draft(), None)
    provider.remove(access, calendar, draft(), write(access, calendar, draft()))
    write(access, calendar, draft())
    provider.remove(access, calendar, draft(), None)
    assert google.events(ANN) == []


def test_removing_from_a_calendar_that_is_no_more_is_as_good(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft())
    google.remove_calendar(ANN)
    provider.remove(access, calendar, draft(), made)
    provider.remove(access, calendar, draft(), None)


def test_what_the_host_did_is_seen(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    made = write(access, calendar, draft())
    assert provider.look(access, calendar, draft(), made) == made
    google.move_event(ANN, made.id, T0 + 30 * HOUR)
    moved = provider.look(access, calendar, draft(), made)
    assert moved is not None
    assert (moved.starts, moved.ends, moved.declined) == (T0 + 30 * HOUR, T0 + 31 * HOUR, False)
    google.decline_event(ANN, made.id)
    declined = provider.look(access, calendar, draft(), made)
    assert declined is not None
    assert declined.declined
    google.delete_event(ANN, made.id)
    assert provider.look(access, calendar, draft(), made) is None
    assert provider.look(access, calendar, draft(), replace(made, id="neverwas")) is None


def test_a_calendar_that_is_no_more_is_no_proof_that_events_were_deleted(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft())
    google.remove_calendar(ANN)
    with pytest.raises(Gone):
        provider.look(access, calendar, draft(), made)


def test_own_events_are_told_as_such_when_they_change_or_go(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    made = write(access, calendar, draft())
    first = provider.changes(access, calendar, "", WINDOW)
    google.decline_event(ANN, made.id)
    second = provider.changes(access, calendar, first.cursor, WINDOW)
    assert (only(second).booking, only(second).declined) == ("42", True)
    google.delete_event(ANN, made.id)
    assert provider.changes(access, calendar, second.cursor, WINDOW).removed == (made.id,)


# -- being told -------------------------------------------------------------------------------------------------------


def wish(**more: Any) -> WatchRequest:
    known: dict[str, Any] = {
        "channel": "11111111-2222", "address": "http://127.0.0.1:9/hook", "token": "t0", "expires": T0 + 5 * DAY,
    }  # fmt: skip
    return WatchRequest(**(known | more))


def test_changes_are_told_until_the_watch_ends(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar
) -> None:
    watch = provider.watch(access, calendar, wish())
    assert watch == Watch("11111111-2222", google.channels["11111111-2222"].resource, T0 + 5 * DAY)
    told: list[tuple[str, str, str] | None] = []

    def post(_address: str, headers: Mapping[str, str]) -> int:
        told.append(read_notification(headers))
        return 204

    google.deliver(post)
    write(access, calendar, draft())
    google.deliver(post)
    assert told == [("11111111-2222", "t0", "sync"), ("11111111-2222", "t0", "exists")]
    for _ in range(2):
        provider.unwatch(access, watch)
    google.delete_event(ANN, draft().key)
    assert google.deliver(post) == 0


def test_a_watch_may_end_sooner_than_asked(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    google.longest_channel = HOUR
    assert abs(provider.watch(access, calendar, wish()).expires - (T0 + HOUR)) < 300


def test_a_calendar_that_cannot_be_watched_says_so(google: FakeGoogle, access: OAuthAccess) -> None:
    google.add_calendar(ANN, "Holidays", id="holidays", push=False)
    with pytest.raises(NotAllowed):
        provider.watch(access, RemoteCalendar("holidays", "Holidays"), wish())
    with pytest.raises(NotAllowed):
        provider.watch(access, RemoteCalendar(ANN, "Ann"), wish(address="http://crm.example/hook"))


GOOD = {"X-Goog-Channel-ID": "abc", "X-Goog-Channel-Token": "t", "X-Goog-Resource-State": "exists"}


@pytest.mark.parametrize(
    ("headers", "read"),
    [
        (GOOD, ("abc", "t", "exists")),
        ({name.lower(): value for name, value in GOOD.items()}, ("abc", "t", "exists")),
        ({name: value for name, value in GOOD.items() if "Token" not in name}, ("abc", "", "exists")),
        (GOOD | {"X-Goog-Resource-State": "sync"}, ("abc", "t", "sync")),
        (GOOD | {"X-Goog-Resource-State": "not_exists"}, ("abc", "t", "not_exists")),
        (GOOD | {"X-Goog-Resource-State": "drop table"}, None),
        (GOOD | {"X-Goog-Channel-ID": "a b"}, None),
        (GOOD | {"X-Goog-Channel-ID": "a" * 65}, None),
        (GOOD | {"X-Goog-Channel-Token": "t" * 257}, None),
        ({}, None),
    ],
)
def test_notifications_are_read(headers: dict[str, str], read: tuple[str, str, str] | None) -> None:
    assert read_notification(headers) == read


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "problem", "wait"),
    [
        ("rateLimitExceeded", RateLimited, None),
        ("userRateLimitExceeded", RateLimited, None),
        ("quotaExceeded", RateLimited, 3600),
        ("insufficientPermissions", MissingScope, None),
        ("forbidden", NotAllowed, None),
        ("forbiddenForNonOrganizer", NotAllowed, None),
        ("forbiddenForServiceAccounts", NotAllowed, None),
        ("requiredAccessLevel", NotAllowed, None),
        ("accessNotConfigured", Misconfigured, None),
        ("notFound", Gone, None),
        ("fullSyncRequired", CursorExpired, None),
        ("backendError", Unreachable, None),
        ("invalid", ProviderProblem, None),
        ("authError", NeedsReconnect, None),
    ],
)
def test_refusals_are_told_apart(
    google: FakeGoogle,
    access: OAuthAccess,
    calendar: RemoteCalendar,
    reason: str,
    problem: type[ProviderProblem],
    wait: float | None,
) -> None:
    google.refuse(reason)
    with pytest.raises(problem) as caught:
        provider.changes(access, calendar, "", WINDOW)
    assert caught.value.code == problem.code
    assert caught.value.retry_after == wait
    if reason not in ("backendError", "authError"):
        assert reason in caught.value.detail


def test_after_a_rate_limit_it_goes_on(google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar) -> None:
    google.refuse("rateLimitExceeded")
    google.fail(429, headers={"Retry-After": "7"})
    with pytest.raises(RateLimited):
        provider.changes(access, calendar, "", WINDOW)
    with pytest.raises(RateLimited) as caught:
        provider.changes(access, calendar, "", WINDOW)
    assert caught.value.retry_after == 7
    assert provider.changes(access, calendar, "", WINDOW).complete


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"error": "text"},
        {"error": {"errors": []}},
        {"error": {"errors": [{"reason": "To: gus@example.net"}]}},
    ],
)
def test_a_refusal_without_a_reason_is_judged_by_its_status_and_repeats_nothing(
    google: FakeGoogle, access: OAuthAccess, calendar: RemoteCalendar, body: Any
) -> None:
    google.fail(403, body)
    with pytest.raises(NotAllowed) as caught:
        provider.changes(access, calendar, "", WINDOW)
    assert caught.value.detail == "403"
