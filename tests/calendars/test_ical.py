"""Calendars at a secret address: read as they are, no more often than they change, and never told to anybody."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from flask_booking.calendars.ics import ICal
from flask_booking.calendars.provider import Account, CalendarProvider, Changes, RemoteCalendar, Sign, Window
from flask_booking.connections.password import AddressAccess
from flask_booking.connections.problems import (
    CursorExpired,
    ForbiddenAddress,
    Gone,
    NeedsReconnect,
    NotAllowed,
    ProviderProblem,
    Unreachable,
    Unreadable,
)
from tests.calendars.drafts import DAY, WINDOW, a_draft, at
from tests.fakes.base import Fake, served
from tests.fixtures.caldav import calendar_text

LUNCH = "UID:lunch@x\nSUMMARY:Lunch\nDTSTART:20261201T120000\nDTEND:20261201T130000"
WEEKLY = "UID:weekly@x\nSUMMARY:Weekly\nDTSTART:20261102T090000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY"


class Feed(Fake):
    """A server of one calendar, with the headers that it is told to have."""

    urls = Map([Rule("/secret.ics", endpoint="feed"), Rule("/old.ics", endpoint="old")])

    def __init__(self) -> None:
        super().__init__()
        self.body: str | bytes = calendar_text(
            LUNCH, WEEKLY, head="X-WR-CALNAME:Ann's\\, all\nX-WR-TIMEZONE:Europe/Berlin\n"
        )
        self.headers: dict[str, str] = {}
        self.sent: list[int] = []

    def feed(self, request: Request) -> Response:
        answer = Response(self.body, headers=self.headers, mimetype="text/calendar")
        answer.make_conditional(request)
        self.sent.append(answer.status_code)
        return answer

    def old(self, request: Request) -> Response:
        return Response(status=301, headers={"Location": "/secret.ics"})


@pytest.fixture
def feed() -> Iterator[Feed]:
    with served(Feed()) as fake:
        yield fake


def access(feed: Feed, path: str = "/secret.ics") -> AddressAccess:
    return AddressAccess(feed.url + path, private=True)


def read(feed: Feed, cursor: str = "", window: Window = WINDOW) -> Changes:
    (calendar,) = ICal().calendars(access(feed))
    return ICal().changes(access(feed), calendar, cursor, window)


def starts(changes: Changes) -> list[int]:
    return sorted(event.starts for resource in changes.resources for event in resource.events)


def test_it_is_a_provider() -> None:
    provider: CalendarProvider = ICal()
    assert (provider.name, provider.sign, provider.can_write, provider.can_watch) == (
        "ical",
        Sign.ADDRESS,
        False,
        False,
    )


def test_the_account_is_told_by_a_digest_of_the_address(feed: Feed) -> None:
    digest = hashlib.sha256(f"{feed.url}/secret.ics".encode()).hexdigest()
    assert ICal().account(access(feed)) == Account(digest, "Ann's, all")
    assert ICal().calendars(access(feed)) == [RemoteCalendar(digest, "Ann's, all", time_zone="Europe/Berlin")]
    feed.body = calendar_text(LUNCH)
    assert ICal().account(access(feed)).name == "127.0.0.1"


def test_events_come_in_in_the_zone_that_the_text_names(feed: Feed) -> None:
    changes = read(feed)
    assert changes.complete
    assert at("2026-12-01 11:00") in starts(changes)
    assert len(starts(changes)) == 14
    assert {resource.id for resource in changes.resources} == {"lunch@x", "weekly@x"}
    feed.body = calendar_text(LUNCH)
    calendar = RemoteCalendar("x", "x", time_zone="America/New_York")
    assert starts(ICal().changes(access(feed), calendar, "", WINDOW)) == [at("2026-12-01 17:00")]


@pytest.mark.parametrize(
    "headers", [{"ETag": '"one"'}, {"ETag": 'W/"one"'}, {"Last-Modified": "Sat, 28 Nov 2026 10:00:00 GMT"}], ids=str
)
def test_what_did_not_change_is_not_sent_again(feed: Feed, headers: dict[str, str]) -> None:
    feed.headers = headers
    first = read(feed)
    again = read(feed, first.cursor)
    assert (again.resources, again.complete, again.cursor) == ((), False, first.cursor)
    assert feed.sent[-1] == 304
    feed.body, feed.headers = calendar_text(LUNCH), {}
    changed = read(feed, again.cursor)
    assert (changed.complete, len(changed.resources)) == (True, 1)


def test_the_same_text_is_no_change_though_the_server_does_not_say_so(feed: Feed) -> None:
    first = read(feed)
    assert read(feed, first.cursor) == Changes((), cursor=first.cursor)
    assert feed.sent == [200] * 4


def test_series_are_expanded_anew_when_the_window_has_moved_on(feed: Feed) -> None:
    feed.headers = {"ETag": '"one"'}
    cursor = read(feed).cursor
    assert not read(feed, cursor, Window(WINDOW.start + DAY, WINDOW.end + DAY)).complete
    later = read(feed, cursor, Window(WINDOW.start, WINDOW.end + 8 * DAY))
    assert later.complete
    assert max(starts(later)) > WINDOW.end


def test_a_cursor_of_another_kind_is_read_anew(feed: Feed) -> None:
    for cursor in ("x", "[]", "{}", '{"start": "x", "end": "y"}'):
        with pytest.raises(CursorExpired):
            read(feed, cursor)


def test_a_cursor_does_not_tell_the_address(feed: Feed) -> None:
    assert "secret" not in read(feed).cursor
    assert set(json.loads(read(feed).cursor)) == {"start", "end", "digest", "etag", "modified"}


def test_redirects_are_followed(feed: Feed) -> None:
    assert ICal().account(access(feed, "/old.ics")).name == "Ann's, all"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!doctype html><title>Log in</title>",
        b"BEGIN:VCARD\nEND:VCARD",
        b"PK\x03\x04",
        calendar_text(LUNCH).removesuffix("END:VCALENDAR\n").encode(),
        b"BEGIN:VCALENDAR\n" + b"BEGIN:VEVENT\nEND:VEVENT\n" * 51_000 + b"END:VCALENDAR\n",
        b"BEGIN:VCALENDAR\nX:" + b"x" * 21 * 1024 * 1024,
        calendar_text(
            *(f"UID:{n}\nDTSTART:20261101T000000Z\nDURATION:PT1M\nRRULE:FREQ=DAILY" for n in range(600))
        ).encode(),
    ],
    ids=["empty", "html", "vcard", "zip", "cut off", "events", "large", "occurrences"],
)
def test_what_is_no_calendar_is_refused_with_a_sentence(feed: Feed, body: bytes) -> None:
    feed.body = body
    with pytest.raises(Unreadable) as caught:
        ICal().changes(access(feed), RemoteCalendar("x", "x"), "", WINDOW)
    assert caught.value.sentence == "What this address answers can't be read as a calendar."


def test_a_mark_at_the_beginning_is_read_over(feed: Feed) -> None:
    feed.body = b"\xef\xbb\xbf" + calendar_text(LUNCH).encode()
    assert len(read(feed).resources) == 1


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (404, Gone),
        (410, Gone),
        (403, NotAllowed),
        (401, NeedsReconnect),
        (400, Unreadable),
        (304, Unreadable),
        (500, Unreachable),
    ],
)
def test_what_the_server_refuses_is_told_apart(feed: Feed, status: int, problem: type[ProviderProblem]) -> None:
    feed.fail(status)
    with pytest.raises(problem) as caught:
        ICal().account(access(feed))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/x", "https://127.0.0.1:1/x", "webcal://[::1]/x", "file:///etc/passwd"]
)
def test_addresses_inside_are_refused(address: str) -> None:
    with pytest.raises(ForbiddenAddress) as caught:
        ICal().account(AddressAccess(address))
    assert caught.value.sentence == "This address can't be used. Give the public https:// address of the calendar."


def test_nothing_can_be_written(feed: Feed) -> None:
    calendar = RemoteCalendar("x", "x")
    with pytest.raises(NotAllowed):
        ICal().write(access(feed), calendar, a_draft(), None)
    ICal().remove(access(feed), calendar, a_draft(), None)
    assert feed.journal == []
