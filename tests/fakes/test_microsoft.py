"""The stand-in for Microsoft is as strict, and as odd, as what it stands in for."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from werkzeug.wrappers import Request, Response

from .base import Fake
from .microsoft import FakeMicrosoft, Repeat, served
from .microsoft_schema import wrong

BACK = "http://crm.example/back"
SCOPES = "openid offline_access User.Read Calendars.ReadWrite"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
START = 1_796_083_200  # the first of December 2026


@pytest.fixture
def fake() -> Iterator[FakeMicrosoft]:
    with served(FakeMicrosoft()) as running:
        running.add_mailbox("ann@example.com")
        yield running


def authorize(fake: FakeMicrosoft, **more: str) -> dict[str, str]:
    asked = {
        "client_id": fake.client_id,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": SCOPES,
        "state": "st",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    where = f"{fake.authority_url}/common/oauth2/v2.0/authorize"
    answer = requests.get(where, params=asked | more, allow_redirects=False, timeout=5)
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def token(fake: FakeMicrosoft, **form: str) -> requests.Response:
    said = {"client_id": fake.client_id, "client_secret": fake.client_secret, "redirect_uri": BACK}
    return requests.post(f"{fake.authority_url}/common/oauth2/v2.0/token", data=said | form, timeout=5)


def signed_in(fake: FakeMicrosoft) -> dict[str, Any]:
    code = authorize(fake)["code"]
    answer = token(fake, grant_type="authorization_code", code=code, code_verifier=VERIFIER)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def refresh(fake: FakeMicrosoft, value: str) -> requests.Response:
    return token(fake, grant_type="refresh_token", refresh_token=value)


def graph(fake: FakeMicrosoft, path: str, value: str = "", **more: Any) -> requests.Response:
    value = value or fake.token_for(fake.mailboxes["ann@example.com"])
    method = more.pop("method", "GET")
    headers = {"Authorization": f"Bearer {value}", **more.pop("headers", {})}
    return requests.request(method, f"{fake.api_url}{path}", headers=headers, timeout=5, **more)


def test_signing_in_gives_tokens_that_open_the_account(fake: FakeMicrosoft) -> None:
    assert authorize(fake)["state"] == "st"
    found = signed_in(fake)
    assert "Calendars.ReadWrite" in found["scope"].split()
    assert 3590 < found["expires_in"] <= 5400
    assert graph(fake, "/me", found["access_token"]).json()["mail"] == "ann@example.com"


def test_a_code_serves_once_and_only_who_knows_the_verifier(fake: FakeMicrosoft) -> None:
    code = authorize(fake)["code"]
    wrong_one = token(fake, grant_type="authorization_code", code=code, code_verifier="x" * 50)
    assert (wrong_one.status_code, wrong_one.json()["error"]) == (400, "invalid_grant")
    again = token(fake, grant_type="authorization_code", code=code, code_verifier=VERIFIER)
    assert again.json()["error"] == "invalid_grant"


def test_a_refresh_gives_a_new_token_and_leaves_the_old_one_valid(fake: FakeMicrosoft) -> None:
    first = signed_in(fake)["refresh_token"]
    second = refresh(fake, first).json()["refresh_token"]
    assert second != first
    assert refresh(fake, first).status_code == refresh(fake, second).status_code == 200


@pytest.mark.parametrize(("why", "error"), [("revoked", "invalid_grant"), ("mfa", "interaction_required")])
def test_what_was_taken_back_opens_nothing(fake: FakeMicrosoft, why: str, error: str) -> None:
    found = signed_in(fake)
    fake.revoke(fake.mailboxes["ann@example.com"], why)
    answer = refresh(fake, found["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.json()["error_description"].startswith("AADSTS")
    assert graph(fake, "/me", found["access_token"]).status_code == 401


def test_a_wrong_or_expired_secret_is_the_clients_fault(fake: FakeMicrosoft) -> None:
    found = signed_in(fake)
    answer = token(fake, grant_type="refresh_token", refresh_token=found["refresh_token"], client_secret="no")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    fake.secret_expired = True
    assert refresh(fake, found["refresh_token"]).json()["error_codes"] == [7000222]


def test_a_person_may_say_no_or_less(fake: FakeMicrosoft) -> None:
    fake.grants = ("openid", "User.Read")
    found = signed_in(fake)
    assert (found["scope"], "refresh_token" in found) == ("openid User.Read", False)
    assert graph(fake, "/me/calendars", found["access_token"]).status_code == 403
    fake.denies = ("access_denied", "AADSTS90094: An administrator has to agree.")
    assert authorize(fake)["error"] == "access_denied"


def test_tokens_expire_by_the_clock_of_the_service(fake: FakeMicrosoft) -> None:
    found = signed_in(fake)
    fake.skew = 5401
    answer = graph(fake, "/me", found["access_token"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize("prefer", ["", 'outlook.timezone="Asia/Tokyo", IdType="ImmutableId"'])
def test_what_is_shown_is_of_the_types_that_the_real_one_declares(fake: FakeMicrosoft, prefer: str) -> None:
    ann = fake.mailboxes["ann@example.com"]
    ann.add_event("Weekly", START, START + 3600, repeat=Repeat(7, 2))
    body = {
        "subject": "x",
        "start": {"dateTime": "2026-12-02T10:00:00", "timeZone": "Europe/Paris"},
        "end": {"dateTime": "2026-12-02T11:00:00", "timeZone": "Romance Standard Time"},
        "isOnlineMeeting": True,
        "attendees": [{"emailAddress": {"address": "g@example.net"}, "type": "required"}],
    }
    headers = {"Prefer": prefer} if prefer else {}
    assert graph(fake, "/me/events", method="POST", json=body, headers=headers).status_code == 201
    query = {"startDateTime": "2026-12-01T00:00:00Z", "endDateTime": "2026-12-30T00:00:00Z", "$top": "50"}
    shown = graph(fake, "/me/calendarView", params=query, headers=headers)
    assert len(shown.json()["value"]) == 3
    assert wrong(shown.json()["value"], "Collection(event)") == ""
    assert shown.json()["value"][0]["start"]["dateTime"].endswith(".0000000")
    assert ("ImmutableId" in shown.headers["Preference-Applied"]) == bool(prefer)
    assert wrong(graph(fake, "/me/calendars").json()["value"], "Collection(calendar)") == ""


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/me/calendarView", {}, "ErrorInvalidParameter"),
        ("/me/calendarView", {"startDateTime": "2026-12-01", "endDateTime": "2033-12-01"}, "ErrorInvalidRequest"),
        ("/me/events", {"$select": "colour"}, "RequestBroker--ParseUri"),
        ("/me/events", {"$filter": "subject eq 'x'"}, "ErrorInvalidUrlQueryFilter"),
        ("/me/events", {"$top": "5000"}, "BadRequest"),
        ("/me/calendarView/delta", {"$select": "id"}, "ErrorInvalidUrlQuery"),
    ],
)
def test_questions_that_the_real_one_refuses_are_refused(
    fake: FakeMicrosoft, path: str, query: dict[str, str], code: str
) -> None:
    answer = graph(fake, path, params=query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"colour": "red"}, "ErrorPropertyValidationFailure"),
        ({"showAs": "gone"}, "ErrorPropertyValidationFailure"),
        ({"start": {"dateTime": "2026-12-02T10:00:00Z", "timeZone": "UTC"}}, "ErrorPropertyValidationFailure"),
        ({"start": {"dateTime": "2026-12-02T10:00:00", "timeZone": "Mars"}}, "TimeZoneNotSupportedException"),
        ({"id": "x"}, "ErrorInvalidPropertySet"),
        ({"isAllDay": True}, "ErrorInvalidRequest"),
        ({"start": {"dateTime": "2026-12-02T12:00:00"}}, "ErrorCalendarEndDateIsEarlierThanStartDate"),
    ],
)
def test_events_that_the_real_one_refuses_are_refused(fake: FakeMicrosoft, change: dict[str, Any], code: str) -> None:
    body = {"start": {"dateTime": "2026-12-02T10:00:00"}, "end": {"dateTime": "2026-12-02T11:00:00"}}
    answer = graph(fake, "/me/events", method="POST", json=body | change)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert fake.mailboxes["ann@example.com"].events() == []


def test_a_new_text_tears_out_the_block_of_teams(fake: FakeMicrosoft) -> None:
    body = {"start": {"dateTime": "2026-12-02T10:00:00"}, "end": {"dateTime": "2026-12-02T11:00:00"}}
    made = graph(fake, "/me/events", method="POST", json={**body, "isOnlineMeeting": True}).json()
    assert made["onlineMeeting"]["joinUrl"]
    text = {"body": {"contentType": "text", "content": "hello"}}
    changed = graph(fake, f"/me/events/{made['id']}", method="PATCH", json=text).json()
    assert (changed["isOnlineMeeting"], changed["onlineMeeting"]) == (False, None)


def test_a_thread_tells_of_changes_at_once(fake: FakeMicrosoft) -> None:
    ann = fake.mailboxes["ann@example.com"]
    with served(Listener()) as ear, fake.delivering():
        asked = {
            "changeType": "created,updated,deleted",
            "notificationUrl": f"{ear.url}/",
            "resource": "me/events",
            "expirationDateTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600)),
        }
        assert graph(fake, "/subscriptions", method="POST", json=asked).status_code == 201
        ann.add_event("Talk", START, START + 60)
        assert ear.heard.wait(10)


class Listener(Fake):
    """Anything that can be called: it shakes hands, and rings when it hears something."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = threading.Event()

    def _answer(self, request: Request) -> Response:
        if "validationToken" not in request.args:
            self.heard.set()
        return Response(request.args.get("validationToken", ""), mimetype="text/plain")
