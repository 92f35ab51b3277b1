"""The stand-in for Google is as strict, and as unreliable, as Google is known to be."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from .base import Fake, served
from .google import Google
from .google_client import ANN, T0, Client, reason
from .google_schema import METHODS

HOUR, DAY = 3600, 86_400
TIMES = {"start": {"dateTime": "2030-03-02T10:00:00Z"}, "end": {"dateTime": "2030-03-02T11:00:00Z"}}


@pytest.fixture
def google() -> Iterator[Google]:
    with served(Google()) as fake:
        fake.advance(T0 - time.time())
        fake.add_account(ANN)
        yield fake


@pytest.fixture
def client(google: Google) -> Client:
    return Client(google)


# -- strictness -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {"unknown": "1"},
        {"timeMin": "2030-03-01T00:00:00"},
        {"timeMin": "2030-03-01"},
        {"timeMin": "2030-03-02T00:00:00Z", "timeMax": "2030-03-01T00:00:00Z"},
        {"singleEvents": "yes"},
        {"maxResults": "0"},
        {"orderBy": "title"},
        {"orderBy": "startTime"},
        {"fields": "items(id"},
        {"pageToken": "none"},
    ],
)
def test_wrong_parameters_are_refused(client: Client, params: dict[str, str]) -> None:
    assert client.events(**params).status_code == 400


@pytest.mark.parametrize(
    "change",
    [
        {"title": "no such field"},
        {"summary": 7},
        {"start": {"dateTime": "2030-03-02T10:00:00"}},
        {"start": {"dateTime": "2030-03-02 10:00"}},
        {"start": {"dateTime": "2030-03-02T10:00:00Z", "date": "2030-03-02"}},
        {"start": {"dateTime": "2030-03-02T10:00:00", "timeZone": "W. Europe Standard Time"}},
        {"start": {"date": "2030-03-02"}},
        {"start": {"dateTime": "2030-03-02T12:00:00Z"}},
        {"start": None},
        {"id": "Upper"},
        {"id": "abcd"},
        {"id": "with-dash"},
        {"id": "abcdef", "iCalUID": "x@y"},
        {"attendees": [{"displayName": "No address"}]},
        {"attendees": [{"email": "gus@example.net", "responseStatus": "maybe"}]},
        {"status": "maybe"},
        {"extendedProperties": {"private": {"a": "b" * 1025}}},
        {"extendedProperties": {"private": {"a": 7}}},
        {"source": {"url": "ftp://example.net"}},
    ],
)
def test_wrong_events_are_refused(google: Google, client: Client, change: dict[str, Any]) -> None:
    assert client.insert(TIMES | change).status_code == 400
    assert google.events(ANN) == []


def test_a_body_that_is_no_json_is_refused(client: Client) -> None:
    assert client("POST", f"calendars/{ANN}/events", data={"summary": "form"}).status_code == 400
    assert (
        client("POST", f"calendars/{ANN}/events", data="{", headers={"Content-Type": "application/json"}).status_code
        == 400
    )


def test_each_method_needs_one_of_its_scopes(google: Google, client: Client) -> None:
    for scope, name, allowed in [
        ("calendar.calendarlist.readonly", "events.list", False),
        ("calendar.events", "events.list", True),
        ("calendar.events", "freebusy.query", False),
        ("calendar.freebusy", "freebusy.query", True),
    ]:
        client.token = google.token_of(google.allow(ANN, (f"https://www.googleapis.com/auth/{scope}",)))
        method, path = METHODS[name]["httpMethod"], METHODS[name]["path"].format(calendarId=ANN)
        body = {"timeMin": "2030-03-01T00:00:00Z", "timeMax": "2030-03-02T00:00:00Z"} if method == "POST" else None
        answer = client(method, path, json=body)
        assert (answer.status_code == 200) == allowed
        assert allowed or reason(answer) == (403, "insufficientPermissions")


def test_accounts_see_only_what_is_theirs(google: Google, client: Client) -> None:
    google.add_account("bob@example.com")
    assert reason(client("GET", "calendars/bob@example.com/events")) == (404, "notFound")
    google.share("bob@example.com", ANN, "reader")
    assert client("GET", "calendars/bob@example.com/events").status_code == 200
    assert reason(client("POST", "calendars/bob@example.com/events", json=TIMES)) == (403, "requiredAccessLevel")


# -- what changed -----------------------------------------------------------------------------------------------------


def test_a_sync_token_goes_with_the_same_parameters_and_no_window(google: Google, client: Client) -> None:
    sync = client.events(singleEvents="true", timeMin="2030-03-01T00:00:00Z").json()["nextSyncToken"]
    assert client.events(singleEvents="true", syncToken=sync).status_code == 200
    for more in (
        {"timeMin": "2030-03-01T00:00:00Z"}, {"orderBy": "updated"}, {"q": "x"}, {"iCalUID": "x"},
        {"showDeleted": "false"}, {"privateExtendedProperty": "a=b"}, {"maxResults": "7"},
    ):  # fmt: skip
        assert client.events(singleEvents="true", syncToken=sync, **more).status_code == 400, more
    assert client.events(syncToken=sync).status_code == 400
    google.forget_sync_tokens()
    assert reason(client.events(singleEvents="true", syncToken=sync)) == (410, "fullSyncRequired")


def test_no_sync_token_comes_with_an_order_or_before_the_last_page(google: Google, client: Client) -> None:
    google.add_event(ANN, T0, T0 + HOUR)
    google.add_event(ANN, T0, T0 + HOUR)
    assert "nextSyncToken" not in client.events(orderBy="updated").json()
    google.empty_pages = True
    page = client.events(maxResults="1").json()
    assert (page["items"], "nextSyncToken" in page) == ([], False)
    seen = 0
    while "nextPageToken" in page:
        page = client.events(maxResults="1", pageToken=page["nextPageToken"]).json()
        seen += len(page["items"])
    assert seen == 2
    assert "nextSyncToken" in page


def test_changes_know_no_window_and_deleted_events_little_more_than_their_id(google: Google, client: Client) -> None:
    event = google.add_event(ANN, T0, T0 + HOUR, summary="Secret")
    sync = client.events(singleEvents="true", timeMax="2030-03-02T00:00:00Z").json()["nextSyncToken"]
    google.delete_event(ANN, event)
    far = google.add_event(ANN, T0 + 900 * DAY, T0 + 901 * DAY)
    items = client.events(singleEvents="true", syncToken=sync).json()["items"]
    assert [one["id"] for one in items] == [event, far]
    assert items[0].keys() == {"id", "status", "kind", "etag"}


def test_a_series_is_told_whole_and_a_deleted_one_for_half_a_year(google: Google, client: Client) -> None:
    sync = client.events(singleEvents="true").json()["nextSyncToken"]
    series = google.add_event(
        ANN, T0 + HOUR, T0 + 2 * HOUR, recurrence=["RRULE:FREQ=WEEKLY;UNTIL=20320301T000000Z"], summary="Weekly"
    )
    google.move_event(ANN, f"{series}_20300308T010000Z", T0 + 8 * DAY)
    google.delete_event(ANN, f"{series}_20300315T010000Z")
    answer = client.events(singleEvents="true", syncToken=sync).json()
    live = [one for one in answer["items"] if one["status"] != "cancelled"]
    assert len(live) == 104
    assert {one["recurringEventId"] for one in answer["items"]} == {series}
    moved = next(one for one in live if one["id"] == f"{series}_20300308T010000Z")
    assert moved["start"]["dateTime"] == "2030-03-09T01:00:00+01:00"
    assert moved["originalStartTime"]["dateTime"] == "2030-03-08T02:00:00+01:00"
    google.delete_event(ANN, series)
    told = client.events(singleEvents="true", syncToken=answer["nextSyncToken"]).json()["items"]
    assert {one["status"] for one in told} == {"cancelled"}
    assert 25 <= len(told) <= 28


def test_occurrences_keep_the_hour_on_the_clock(google: Google, client: Client) -> None:
    start = dt.datetime(2030, 3, 30, 9, tzinfo=dt.UTC)  # 10 o'clock in Berlin, where clocks change on the 31st
    series = google.add_event(ANN, start, start + dt.timedelta(hours=1), recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    items = client.events(singleEvents="true").json()["items"]
    assert [one["start"]["dateTime"][11:] for one in items] == ["10:00:00+01:00", "10:00:00+02:00", "10:00:00+02:00"]
    assert items[1]["id"] == f"{series}_20300331T080000Z"
    days = google.add_event(ANN, dt.date(2030, 5, 1), dt.date(2030, 5, 2), recurrence=["RRULE:FREQ=DAILY;COUNT=2"])
    there = client("GET", f"calendars/{ANN}/events/{days}/instances").json()["items"]
    assert [(one["id"], one["end"]["date"]) for one in there] == [
        (f"{days}_20300501", "2030-05-02"), (f"{days}_20300502", "2030-05-03"),
    ]  # fmt: skip


# -- writing ----------------------------------------------------------------------------------------------------------


def test_the_id_of_a_deleted_event_is_taken_for_ever(client: Client) -> None:
    body = {**TIMES, "id": "abcdef"}
    where = f"calendars/{ANN}/events/abcdef"
    assert reason(client("DELETE", where)) == (404, "notFound")
    assert client.insert(body).status_code == 200
    assert reason(client.insert(body)) == (409, "duplicate")
    assert client("DELETE", where).status_code == 204
    assert reason(client("DELETE", where)) == (410, "deleted")
    assert reason(client("PATCH", where, json={"summary": "New"})) == (410, "deleted")
    assert reason(client.insert(body)) == (409, "duplicate")
    assert client("GET", where).json()["status"] == "cancelled"


def test_a_patch_merges_objects_replaces_lists_and_minds_the_etag(google: Google, client: Client) -> None:
    made = client.insert(
        {**TIMES, "attendees": [{"email": "gus@example.net"}], "extendedProperties": {"private": {"a": "1", "b": "2"}}}
    ).json()
    where = f"calendars/{ANN}/events/{made['id']}"
    google.respond(ANN, made["id"], "gus@example.net", "accepted")
    stale = client("PATCH", where, json={"summary": "New"}, headers={"If-Match": made["etag"]})
    assert reason(stale) == (412, "conditionNotMet")
    body = {
        "attendees": [{"email": "gus@example.net"}, {"email": ANN}],
        "extendedProperties": {"private": {"a": None, "c": "3"}},
        "start": {"dateTime": "2030-03-02T09:00:00Z"},
    }
    changed = client("PATCH", where, json=body).json()
    assert changed["etag"] != made["etag"]
    assert changed["sequence"] == made["sequence"] + 1
    assert changed["extendedProperties"]["private"] == {"b": "2", "c": "3"}
    assert changed["attendees"] == [
        {"email": "gus@example.net", "responseStatus": "needsAction"},
        {"email": ANN, "responseStatus": "needsAction", "self": True},
    ]


def test_mails_are_sent_only_when_asked_for(google: Google, client: Client) -> None:
    guests = [{"email": "gus@example.net"}, {"email": "mia@example.net"}]
    made = client.insert({**TIMES, "attendees": guests}).json()
    where = f"calendars/{ANN}/events/{made['id']}"
    assert google.mails == []
    client("PATCH", where, json={"attendees": [guests[0], {"email": "new@example.net"}]}, params={"sendUpdates": "all"})
    client("DELETE", where, params={"sendUpdates": "externalOnly"})
    assert [(mail.kind, mail.to) for mail in google.mails] == [
        ("update", "gus@example.net"), ("cancel", "mia@example.net"), ("invite", "new@example.net"),
        ("cancel", "gus@example.net"), ("cancel", "new@example.net"),
    ]  # fmt: skip


def conference(request: str = "r1") -> dict[str, Any]:
    return {"createRequest": {"requestId": request, "conferenceSolutionKey": {"type": "hangoutsMeet"}}}


def test_a_conference_is_ignored_without_its_version(client: Client) -> None:
    assert "conferenceData" not in client.insert({**TIMES, "conferenceData": conference()}).json()


def test_a_conference_takes_as_many_looks_as_was_said(google: Google, client: Client) -> None:
    google.meet_pending = 2
    made = client.insert({**TIMES, "conferenceData": conference()}, conferenceDataVersion=1).json()
    codes = [made["conferenceData"]["createRequest"]["status"]["statusCode"]]
    where = f"calendars/{ANN}/events/{made['id']}"
    for _ in range(3):
        seen = client("GET", where).json()
        codes.append(seen["conferenceData"]["createRequest"]["status"]["statusCode"])
    assert codes == ["pending", "pending", "pending", "success"]
    assert seen["hangoutLink"] == seen["conferenceData"]["entryPoints"][0]["uri"]
    again = client("PATCH", where, json={"conferenceData": conference()}, params={"conferenceDataVersion": 1}).json()
    assert again["hangoutLink"] == seen["hangoutLink"], "the same request is ignored"
    none = client("PATCH", where, json={"conferenceData": None}, params={"conferenceDataVersion": 1}).json()
    assert "hangoutLink" not in none


def test_a_conference_that_the_calendar_cannot_have_is_refused(google: Google, client: Client) -> None:
    google.calendars[ANN].conferences = ()
    answer = client.insert({**TIMES, "conferenceData": conference()}, conferenceDataVersion=1)
    assert answer.json()["error"]["message"] == "Invalid conference type value."
    assert google.events(ANN) == []


# -- free and busy ----------------------------------------------------------------------------------------------------


def test_free_and_busy_has_errors_within_success_and_a_longest_range(google: Google, client: Client) -> None:
    google.add_event(ANN, T0, T0 + HOUR)
    google.add_event(ANN, T0 + 1800, T0 + 2 * HOUR)
    google.add_event(ANN, T0 + 3 * HOUR, T0 + 4 * HOUR, transparency="transparent")
    google.decline_event(ANN, google.add_event(ANN, T0 + 5 * HOUR, T0 + 6 * HOUR))
    body = {
        "timeMin": "2030-03-01T00:00:00Z", "timeMax": "2030-03-08T00:00:00Z",
        "items": [{"id": ANN}, {"id": "none@example.com"}],
    }  # fmt: skip
    found = client("POST", "freeBusy", json=body).json()["calendars"]
    assert found[ANN] == {"busy": [{"start": "2030-03-01T00:00:00Z", "end": "2030-03-01T02:00:00Z"}]}
    assert found["none@example.com"]["errors"] == [{"domain": "global", "reason": "notFound"}]
    long = client("POST", "freeBusy", json=body | {"timeMax": "2030-05-01T00:00:00Z"})
    assert reason(long) == (400, "timeRangeTooLong")


# -- notifications ----------------------------------------------------------------------------------------------------


def watch(client: Client, channel: str = "c1", **more: str) -> requests.Response:
    body = {"id": channel, "type": "web_hook", "address": "https://crm.example/hook", "token": "t0", **more}
    return client("POST", f"calendars/{ANN}/events/watch", json=body)


def states(google: Google) -> list[tuple[str, str]]:
    """Channel and state of what is delivered now."""
    seen: list[tuple[str, str]] = []

    def post(_address: str, headers: Mapping[str, str]) -> int:
        seen.append((headers["X-Goog-Channel-ID"], headers["X-Goog-Resource-State"]))
        return 200

    google.deliver(post)
    return seen


def test_notifications_come_once_never_or_twice(google: Google, client: Client) -> None:
    made = watch(client).json()
    assert made["kind"] == "api#channel"
    assert states(google) == [("c1", "sync")]
    google.add_event(ANN, T0, T0 + HOUR)
    assert states(google) == [("c1", "exists")]
    google.lose_next = 1
    google.add_event(ANN, T0, T0 + HOUR)
    assert states(google) == []
    google.double_next = 1
    google.add_event(ANN, T0, T0 + HOUR)
    assert states(google) == [("c1", "exists")] * 2


def test_a_notification_that_was_not_taken_comes_again_three_times(google: Google, client: Client) -> None:
    watch(client)
    assert [google.deliver(lambda *_: 503) for _ in range(3)] == [0, 0, 0]
    assert google.notifications == []
    google.add_event(ANN, T0, T0 + HOUR)
    google.deliver(lambda *_: 403)
    assert google.notifications == []


def test_channels_have_their_own_ids_and_end(google: Google, client: Client) -> None:
    made = watch(client, expiration=str((T0 + DAY) * 1000)).json()
    assert reason(watch(client)) == (400, "channelIdNotUnique")
    for wrong in ({"channel": "a b"}, {"type": "mail"}, {"address": "http://crm.example/"}, {"token": "t" * 257}):
        assert watch(client, **({"channel": "c2"} | wrong)).status_code == 400
    watch(client, "c3")
    assert len(google.live_channels(ANN)) == 2
    google.advance(DAY)
    client.token = google.token_of(google.allow(ANN))
    assert [channel.id for channel in google.live_channels()] == ["c3"]
    stop = {"id": "c3", "resourceId": made["resourceId"]}
    assert client("POST", "channels/stop", json=stop | {"resourceId": "other"}).status_code == 404
    assert client("POST", "channels/stop", json=stop).status_code == 204
    assert client("POST", "channels/stop", json=stop).status_code == 404


class Listener(Fake):
    urls = Map([Rule("/hook", endpoint="hook", methods=["POST"])])

    def __init__(self, expected: int) -> None:
        super().__init__()
        self.expected, self.complete = expected, threading.Event()

    def hook(self, request: Request) -> Response:
        if len(self.journal) == self.expected:
            self.complete.set()
        return Response(status=204)


def test_notifications_can_be_delivered_to_a_socket_as_they_come(google: Google, client: Client) -> None:
    with served(Listener(expected=2)) as listener, google.delivering():
        watch(client, address=f"{listener.url}/hook")
        google.add_event(ANN, T0, T0 + HOUR)
        assert listener.complete.wait(10)
    assert [asked.headers["X-Goog-Resource-State"] for asked in listener.journal] == ["sync", "exists"]
    assert [asked.headers["X-Goog-Message-Number"] for asked in listener.journal] == ["1", "2"]
    assert {asked.body for asked in listener.journal} == {b""}
