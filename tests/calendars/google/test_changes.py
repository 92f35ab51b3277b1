"""Reading a Google Calendar: what closes time, at first and as it changes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from flask_booking.calendars.provider import RemoteCalendar, RemoteEvent, Show
from flask_booking.connections.access import OAuthAccess
from flask_booking.connections.problems import CursorExpired, Gone, Unreadable
from tests.calendars.google.given import ANN, DAY, HOUR, T0, WINDOW, ids, only, provider
from tests.fakes.google import Google as FakeGoogle


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


@pytest.mark.parametrize("first", [True, False])
def test_days_are_read_anew_once_the_calendar_is_in_another_zone(
    google: FakeGoogle, access: OAuthAccess, first: bool
) -> None:
    google.add_calendar(ANN, "Days", id="days", time_zone="Europe/Berlin")
    google.add_event("days", dt.date(2030, 3, 5), dt.date(2030, 3, 6))
    known = RemoteCalendar("days", "Days", "Europe/Berlin")
    cursor = "" if first else provider.changes(access, known, "", WINDOW).cursor
    google.calendars["days"].time_zone = "America/New_York"
    found = provider.changes(access, known, cursor, WINDOW)
    assert (only(found).starts, found.complete) == (T0 + 4 * DAY + 5 * HOUR, True)
    assert found.time_zone == "America/New_York"
    later = provider.changes(access, RemoteCalendar("days", "Days", found.time_zone), found.cursor, WINDOW)
    assert (later.resources, later.complete) == ((), False)


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
