"""Meetings at Zoom are made once, moved, and taken back, and what Zoom says is understood."""

from __future__ import annotations

import dataclasses
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from flask import Flask

from flask_booking.conferencing.provider import Meeting, MeetingDraft
from flask_booking.conferencing.zoom import Zoom, _segment
from flask_booking.config import defaults
from flask_booking.connections.access import FixedToken, OAuthAccess
from flask_booking.connections.accounts import connect_granted, disconnect
from flask_booking.connections.oauth import begin, finish
from flask_booking.connections.opening import access_to
from flask_booking.connections.problems import (
    Misconfigured,
    MissingScope,
    NeedsReconnect,
    NotAllowed,
    ProviderProblem,
    RateLimited,
    Unreachable,
    Unreadable,
)
from flask_booking.models import Connection, ConnectionState
from flask_booking.models.columns import utcnow
from flask_booking.state import session
from tests.fakes.base import served
from tests.fakes.zoom import SCOPES
from tests.fakes.zoom import Zoom as FakeZoom
from tests.fixtures.people import make_host

TOMORROW = int(time.time()) // 3600 * 3600 + 86_400
DRAFT = MeetingDraft("abc123", "Intro: Sam and Ann", TOMORROW, TOMORROW + 1800, "Europe/Paris", "About the offer")
zoom = Zoom()


@pytest.fixture
def fake() -> Iterator[FakeZoom]:
    with served(FakeZoom()) as fake:
        yield fake


def config(fake: FakeZoom) -> dict[str, Any]:
    return {
        "BOOKING_ZOOM_CLIENT_ID": fake.client_id,
        "BOOKING_ZOOM_CLIENT_SECRET": fake.client_secret,
        "BOOKING_ZOOM_OAUTH_URL": f"{fake.url}/oauth",
        "BOOKING_ZOOM_API_URL": f"{fake.url}/v2",
    }


@pytest.fixture
def access(fake: FakeZoom) -> Iterator[OAuthAccess]:
    """Ann's account, with a token that is valid."""
    app = Flask(__name__)
    app.config |= defaults() | config(fake)
    with app.app_context():
        yield access_of(fake)


def access_of(fake: FakeZoom, user: str = "ann", scopes: tuple[str, ...] = SCOPES) -> OAuthAccess:
    return OAuthAccess(FixedToken(fake.token_of(fake.allow(user, scopes))))


def changes(fake: FakeZoom) -> list[str]:
    return [asked.method for asked in fake.journal if asked.method != "GET" and asked.path.startswith("/v2")]


def test_a_meeting_is_made_as_the_booking_says(fake: FakeZoom, access: OAuthAccess) -> None:
    meeting = zoom.write(access, DRAFT, None)
    [there] = fake.of("ann")
    assert (meeting.id, meeting.join_url, meeting.password) == (str(there["id"]), there["join_url"], there["password"])
    assert int(meeting.id) > 2**31
    assert (there["topic"], there["type"], there["duration"]) == ("Intro: Sam and Ann", 2, 30)
    assert there["start_time"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(TOMORROW))
    assert there["timezone"] == "Europe/Paris"
    assert "About the offer" in there["agenda"]
    assert fake.asked("POST", "/meetings")[0].json["settings"] == {"use_pmi": False}


def test_texts_are_as_long_as_zoom_allows_and_the_mark_is_kept(fake: FakeZoom, access: OAuthAccess) -> None:
    long = dataclasses.replace(DRAFT, title="word " * 100, description="text " * 1000, ends=TOMORROW + 61)
    first = zoom.write(access, long, None)
    [there] = fake.of("ann")
    assert (len(there["topic"]), len(there["agenda"]), there["duration"]) == (200, 2000, 2)
    assert zoom.write(access, long, None) == first


def test_a_meeting_moves_and_keeps_its_link(fake: FakeZoom, access: OAuthAccess) -> None:
    meeting = zoom.write(access, DRAFT, None)
    later = dataclasses.replace(DRAFT, starts=TOMORROW + 3600, ends=TOMORROW + 7200, title="Moved")
    assert zoom.write(access, later, meeting) == meeting
    [there] = fake.of("ann")
    assert (there["topic"], there["duration"]) == ("Moved", 60)


def test_a_meeting_that_was_deleted_over_there_is_made_anew(fake: FakeZoom, access: OAuthAccess) -> None:
    meeting = zoom.write(access, DRAFT, None)
    fake.meetings.clear()
    again = zoom.write(access, DRAFT, meeting)
    assert again.id != meeting.id
    assert [str(one["id"]) for one in fake.of("ann")] == [again.id]


def test_a_lost_answer_makes_no_second_meeting(fake: FakeZoom, access: OAuthAccess) -> None:
    fake.drop(after_effect=True, method="POST", path="/meetings")
    with pytest.raises(Unreachable):
        zoom.write(access, DRAFT, None)
    meeting = zoom.write(access, DRAFT, None)
    [there] = fake.of("ann")
    assert meeting == Meeting(str(there["id"]), there["join_url"], there["password"])
    assert changes(fake) == ["POST"], "nor is one changed that is as it should be"


def test_a_meeting_of_an_earlier_try_is_brought_up_to_date(fake: FakeZoom, access: OAuthAccess) -> None:
    meeting = zoom.write(access, DRAFT, None)
    assert zoom.write(access, dataclasses.replace(DRAFT, title="Another title"), None) == meeting
    assert [one["topic"] for one in fake.of("ann")] == ["Another title"]


def test_an_earlier_try_is_found_among_many_meetings(fake: FakeZoom, access: OAuthAccess) -> None:
    meeting = zoom.write(access, DRAFT, None)
    made = fake.meetings.pop(int(meeting.id))
    for number in range(650):
        fake.meetings[number + 1] = made | {"id": number + 1, "agenda": f"[abc1234] {number}"}
    fake.meetings[int(meeting.id)] = made
    assert zoom.write(access, DRAFT, None) == meeting
    assert len(fake.meetings) == 651


def test_a_host_s_copy_of_a_meeting_is_left_alone_until_it_takes_its_place(fake: FakeZoom, access: OAuthAccess) -> None:
    meeting = zoom.write(access, DRAFT, None)
    copy = fake.meetings[int(meeting.id)] | {"id": 2, "join_url": "https://zoom.example/j/2"}
    fake.meetings[2] = copy
    assert zoom.write(access, DRAFT, None) == meeting
    del fake.meetings[int(meeting.id)]
    assert zoom.write(access, DRAFT, meeting).id == "2"
    assert len(fake.meetings) == 1


def test_a_meeting_is_removed_and_that_it_is_gone_is_as_good(fake: FakeZoom, access: OAuthAccess) -> None:
    meeting = zoom.write(access, DRAFT, None)
    zoom.remove(access, DRAFT, meeting)
    assert fake.meetings == {}
    asked = fake.asked("DELETE")[0].query
    assert asked == {"schedule_for_reminder": "false", "cancel_meeting_reminder": "false"}
    zoom.remove(access, DRAFT, meeting)
    zoom.remove(access, DRAFT, None)


def test_a_meeting_that_nobody_knows_the_id_of_is_removed_by_its_mark(fake: FakeZoom, access: OAuthAccess) -> None:
    zoom.write(access, DRAFT, None)
    other = zoom.write(access, dataclasses.replace(DRAFT, mark="other"), None)
    zoom.remove(access, DRAFT, None)
    assert [str(one["id"]) for one in fake.of("ann")] == [other.id]


def test_a_meeting_that_is_over_can_stay_and_one_under_way_is_tried_again(fake: FakeZoom, access: OAuthAccess) -> None:
    meeting = zoom.write(access, DRAFT, None)
    fake.under_way.add(int(meeting.id))
    with pytest.raises(ProviderProblem) as caught:
        zoom.remove(access, DRAFT, meeting)
    assert not caught.value.permanent
    fake.under_way.clear()
    fake.ended.add(int(meeting.id))
    zoom.remove(access, DRAFT, meeting)


def test_a_time_zone_that_zoom_doesn_t_know_is_left_out(fake: FakeZoom, access: OAuthAccess) -> None:
    fake.unknown_zones.add("Europe/Paris")
    meeting = zoom.write(access, DRAFT, None)
    assert [one["timezone"] for one in fake.of("ann")] == ["UTC"]
    assert zoom.write(access, dataclasses.replace(DRAFT, title="Later"), meeting) == meeting


def test_the_daily_limit_says_until_when_to_wait(fake: FakeZoom, access: OAuthAccess) -> None:
    fake.most_a_day = 1
    zoom.write(access, DRAFT, None)
    with pytest.raises(RateLimited) as caught:
        zoom.write(access, dataclasses.replace(DRAFT, mark="second"), None)
    assert caught.value.retry_after is not None
    assert 0 <= caught.value.retry_after <= 86_400


@pytest.mark.parametrize("missing", ["meeting:write:meeting", "meeting:read:list_meetings"])
def test_a_missing_scope_is_told(fake: FakeZoom, access: OAuthAccess, missing: str) -> None:
    poor = access_of(fake, scopes=tuple(scope for scope in SCOPES if scope != missing))
    with pytest.raises(MissingScope):
        zoom.write(poor, DRAFT, None)


def test_connecting_notices_that_meetings_can_t_be_listed(fake: FakeZoom, access: OAuthAccess) -> None:
    with pytest.raises(MissingScope):
        zoom.account(access_of(fake, scopes=("user:read:user", "meeting:write:meeting")))
    assert zoom.account(access_of(fake)) == ("ann", "ann@example.com")


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (400, {"code": 300, "message": "Validation Failed.", "errors": [{"field": "start_time"}]}, NotAllowed),
        (400, {"code": 3161, "message": "Hosting is not allowed for ann@example.com"}, NotAllowed),
        (404, {"code": 1001, "message": "User does not exist: me."}, NeedsReconnect),
        (401, {"code": 124, "message": "Invalid access token."}, NeedsReconnect),
        (500, {}, Unreachable),
        (409, {}, ProviderProblem),
        (201, [], Unreadable),
        (201, {"id": 7}, Unreadable),
        (201, {"id": 7, "join_url": "javascript:alert(1)"}, Unreadable),
    ],
)
def test_what_zoom_says_is_told_apart(
    fake: FakeZoom, access: OAuthAccess, status: int, body: Any, problem: type[ProviderProblem]
) -> None:
    fake.fail(status, body or {}, method="POST", path="/meetings")
    if body == []:
        fake.troubles[0].answer.set_data("[]")  # type: ignore[union-attr]
    with pytest.raises(problem) as caught:
        zoom.write(access, DRAFT, None)
    assert "ann@example.com" not in str(caught.value)


def test_an_id_with_slashes_is_encoded_twice() -> None:
    assert _segment("81234567890") == "81234567890"
    assert _segment("/abc==") == "%252Fabc%253D%253D"
    assert _segment("a//b") == "a%252F%252Fb"
    assert _segment("a/b") == "a%2Fb"


def test_a_crm_without_an_app_at_zoom_is_told_so() -> None:
    with pytest.raises(Misconfigured):
        zoom.service(defaults())


# -- the account -------------------------------------------------------------------------------------------------------

BACK = "https://crm.example.com/callback/zoom"


def sign_in(app: Flask, fake: FakeZoom, host: Any) -> Connection:
    """The whole way of a host."""
    service = zoom.service(app.config)
    with app.test_request_context():
        address = begin(service, user_key="1", redirect_url=BACK, login_hint="ann@example.com")
        answer = requests.get(address, allow_redirects=False, timeout=10)
        args = dict(urllib.parse.parse_qsl(answer.headers["Location"].partition("?")[2]))
        granted = finish(service, args, user_key="1", redirect_url=BACK)
    account = zoom.account(OAuthAccess(FixedToken(granted.access_token)))
    return connect_granted(host, "zoom", account, granted).connection


def test_the_whole_way_of_an_account(app: Flask, fake: FakeZoom) -> None:
    app.config |= config(fake)
    with app.app_context():
        host = make_host("Ann Meyer")[1]
        connection = sign_in(app, fake, host)
        access = access_to(connection, zoom.service(app.config))
        fake.expire_tokens()
        meeting = zoom.write(access, DRAFT, None)
        assert [str(one["id"]) for one in fake.of("ann")] == [meeting.id]
        first = connection.id
        again = sign_in(app, fake, host)
        assert again.id == first, "signing in again mends the same connection"
        zoom.remove(access_to(again, zoom.service(app.config)), DRAFT, meeting)
        assert fake.meetings == {}
        assert all("evil" not in asked.headers["Host"] for asked in fake.journal)
        disconnect(again, zoom.service(app.config))
        assert not any(grant.alive for grant in fake.grants)


def test_allowing_it_anew_elsewhere_breaks_the_connection_in_words(app: Flask, fake: FakeZoom) -> None:
    app.config |= config(fake)
    with app.app_context():
        connection = sign_in(app, fake, make_host("Ann Meyer")[1])
        fake.allow("ann")
        connection.expires_at = utcnow()
        session().commit()
        fake.dead_body = {"reason": "Invalid Token!", "error": "invalid_request"}
        with pytest.raises(NeedsReconnect):
            zoom.write(access_to(connection, zoom.service(app.config)), DRAFT, None)
        session().refresh(connection)
        assert (connection.state, connection.problem) == (ConnectionState.BROKEN, "needs_reconnect")
