"""Signing in at a service: only who began can finish, once, in time, and with all that is needed."""

from __future__ import annotations

import dataclasses
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest
import requests
import time_machine
from flask import Flask, session

from flask_booking.connections.oauth import (
    FLOWS,
    Granted,
    OAuthStateRefused,
    SignInRefused,
    begin,
    finish,
    missing_scopes,
)
from flask_booking.connections.problems import Misconfigured, MissingScope, NotLasting, RateLimited, Unreachable
from flask_booking.connections.service import OAuthService
from tests.connections.conftest import service_at
from tests.fakes.base import served
from tests.fakes.oauth import OAuthFake

BACK = "https://crm.example.com/settings/booking/calendars/callback/stand-in"


@dataclasses.dataclass
class Visitor:
    """Somebody who is logged in to the CRM, in a session of their own that only takes texts."""

    app: Flask
    fake: OAuthFake
    kept: dict[str, str] = dataclasses.field(default_factory=dict)

    def inside(self, work: Callable[[], Any]) -> Any:
        with self.app.test_request_context():
            session.update(self.kept)
            try:
                return work()
            finally:
                self.kept = dict(session)
                assert all(isinstance(value, str) for value in self.kept.values())

    def leave(self, service: OAuthService | None = None, **more: Any) -> str:
        """Begin; returns the address that the browser is sent to."""
        given = {"user_key": "7", "redirect_url": BACK} | more
        return self.inside(lambda: begin(service or service_at(self.fake), **given))

    def agree(self, address: str) -> dict[str, str]:
        """What the service's page sends the browser back with."""
        answer = requests.get(address, allow_redirects=False, timeout=10)
        assert answer.status_code == 302, answer.text
        back, _, query = answer.headers["Location"].partition("?")
        assert back == BACK
        return dict(urllib.parse.parse_qsl(query))

    def come_back(self, args: dict[str, str], service: OAuthService | None = None, user_key: str = "7") -> Granted:
        return self.inside(lambda: finish(service or service_at(self.fake), args, user_key=user_key, redirect_url=BACK))

    def sign_in(self, service: OAuthService | None = None, **more: Any) -> Granted:
        return self.come_back(self.agree(self.leave(service, **more)), service)


@pytest.fixture
def visitor(app: Flask, fake: OAuthFake) -> Visitor:
    return Visitor(app, fake)


@pytest.fixture(scope="module")
def plain_app() -> Flask:
    """Enough of an app to have sessions: no database is asked when somebody signs in."""
    app = Flask(__name__)
    app.config |= {"SECRET_KEY": "only for tests", "BOOKING_ENCRYPTION_KEYS": None}
    return app


@pytest.fixture
def app(plain_app: Flask) -> Flask:
    return plain_app


def test_the_way_there_and_back(visitor: Visitor) -> None:
    before = time.time()
    address = visitor.leave(reconnect="abc", login_hint="ann@example.com")
    asked = dict(urllib.parse.parse_qsl(address.partition("?")[2]))
    assert asked["scope"] == "read write"
    assert asked["login_hint"] == "ann@example.com"
    granted = visitor.come_back(visitor.agree(address))
    grant, _ = visitor.fake.tokens[granted.access_token]
    assert granted.refresh_token == grant.refresh_token
    assert granted.expires_at is not None
    assert before + 3500 < granted.expires_at.timestamp() < time.time() + 3600
    assert (granted.scopes, granted.reconnect) == (("read", "write"), "abc")
    assert visitor.kept == {}


def test_nothing_secret_is_shown(visitor: Visitor) -> None:
    address = visitor.leave()
    [kept] = visitor.kept.values()
    args = visitor.agree(address)
    assert args["state"] not in kept, "what is kept is encrypted"
    granted = visitor.come_back(args)
    assert granted.access_token not in repr(granted)
    assert granted.refresh_token not in repr(granted)
    assert "secret" not in repr(service_at(visitor.fake)).replace("client_secret", "")


def test_each_sign_in_has_a_state_and_a_verifier_of_its_own(visitor: Visitor) -> None:
    seen = [dict(urllib.parse.parse_qsl(visitor.leave().partition("?")[2])) for _ in range(3)]
    assert len({one["state"] for one in seen}) == len({one["code_challenge"] for one in seen}) == 3
    assert all(len(one["state"]) >= 32 for one in seen)


def test_a_service_without_scopes_in_its_address_gets_none(visitor: Visitor) -> None:
    address = visitor.leave(service_at(visitor.fake, sends_scope=False, authorize_params={"prompt": "consent"}))
    assert "scope" not in address
    assert "prompt=consent" in address


def test_the_registration_s_secret_goes_where_the_service_wants_it(visitor: Visitor) -> None:
    visitor.sign_in()
    assert "Authorization" not in visitor.fake.asked("POST")[-1].headers
    visitor.fake.basic_only = True
    visitor.sign_in()
    assert visitor.fake.client_secret.encode() not in visitor.fake.asked("POST")[-1].body
    assert visitor.fake.asked("POST")[-1].headers["Authorization"].startswith("Basic ")


# -- states ------------------------------------------------------------------------------------------------------------


def test_a_state_is_good_once(visitor: Visitor) -> None:
    args = visitor.agree(visitor.leave())
    visitor.come_back(args)
    with pytest.raises(OAuthStateRefused) as caught:
        visitor.come_back(args)
    assert (caught.value.code, caught.value.status) == ("oauth_state", 400)
    assert "start again" in caught.value.description


def test_a_state_is_spent_by_a_refusal_too(visitor: Visitor) -> None:
    args = visitor.agree(visitor.leave())
    with pytest.raises(SignInRefused):
        visitor.come_back(args | {"error": "access_denied"})
    with pytest.raises(OAuthStateRefused):
        visitor.come_back(args)


def test_a_session_brought_back_as_it_was_gets_no_tokens_again(visitor: Visitor) -> None:
    args = visitor.agree(visitor.leave())
    earlier = dict(visitor.kept)
    visitor.come_back(args)
    visitor.kept = earlier
    with pytest.raises(OAuthStateRefused):
        visitor.come_back(args)


@pytest.mark.parametrize("state", ["", "x", "forged" * 8, "ü"])
def test_a_forged_state_is_refused_and_the_service_is_not_asked(visitor: Visitor, state: str) -> None:
    args = visitor.agree(visitor.leave())
    with pytest.raises(OAuthStateRefused):
        visitor.come_back(args | {"state": state})
    assert visitor.fake.asked("POST") == []
    assert visitor.come_back(args).access_token


def test_another_browser_another_user_and_another_service_can_t_finish(visitor: Visitor) -> None:
    args = visitor.agree(visitor.leave())
    with pytest.raises(OAuthStateRefused):
        Visitor(visitor.app, visitor.fake).come_back(args)
    with pytest.raises(OAuthStateRefused):
        visitor.come_back(args, user_key="8")
    args = visitor.agree(visitor.leave())
    with pytest.raises(OAuthStateRefused):
        visitor.come_back(args, service_at(visitor.fake, name="another"))
    assert visitor.fake.asked("POST") == []


def test_a_state_is_good_for_ten_minutes(visitor: Visitor) -> None:
    args, late = (visitor.agree(visitor.leave()) for _ in range(2))
    with time_machine.travel(time.time() + 9 * 60):
        visitor.fake.offset = -9 * 60  # codes last less
        assert visitor.come_back(args).access_token
    with time_machine.travel(time.time() + 601), pytest.raises(OAuthStateRefused):
        visitor.come_back(late)


def test_several_sign_ins_side_by_side_end_in_any_order_and_the_oldest_are_forgotten(visitor: Visitor) -> None:
    began = [visitor.agree(visitor.leave(reconnect=str(n))) for n in range(FLOWS + 1)]
    assert [visitor.come_back(args).reconnect for args in reversed(began[1:])] == ["4", "3", "2", "1"]
    with pytest.raises(OAuthStateRefused):
        visitor.come_back(began[0])


def test_the_session_stays_small(visitor: Visitor) -> None:
    for _ in range(10):
        visitor.leave(reconnect="a" * 22, user_key="b" * 36)
    assert len("".join(visitor.kept.values())) < 1500


@pytest.mark.parametrize("kept", ["", "nonsense", "gAAAAA=="])
def test_a_session_with_something_else_in_it_is_an_empty_one(visitor: Visitor, kept: str) -> None:
    args = visitor.agree(visitor.leave())
    visitor.kept = dict.fromkeys(visitor.kept, kept)
    with pytest.raises(OAuthStateRefused):
        visitor.come_back(args)


def test_a_code_of_somebody_else_s_sign_in_is_refused_by_the_verifier(visitor: Visitor) -> None:
    theirs = visitor.agree(Visitor(visitor.app, visitor.fake).leave())
    own = visitor.agree(visitor.leave())
    with pytest.raises(OAuthStateRefused):
        visitor.come_back(own | {"code": theirs["code"]})
    assert visitor.fake.tokens == {}


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": "access_denied"}, "didn't allow"),
        ({"error": "access_denied", "error_description": "AADSTS65004: User declined to consent"}, "didn't allow"),
        ({"error": "access_denied", "error_description": "AADSTS90094: The grant requires admin"}, "administrator"),
        ({"error": "consent_required", "error_description": "AADSTS65001: not consented"}, "administrator"),
        ({"error": "temporarily_unavailable"}, "in a few minutes"),
        ({"error": "<script>", "error_description": "<b>"}, "ended the sign-in"),
        ({}, "ended the sign-in"),
    ],
)
def test_a_service_that_says_no_is_told_in_words(visitor: Visitor, answer: dict[str, str], words: str) -> None:
    visitor.fake.denies = answer
    with pytest.raises(SignInRefused) as caught:
        visitor.sign_in()
    assert words in caught.value.description
    assert caught.value.code == "oauth_refused"
    assert "<" not in caught.value.description


def test_a_registration_that_the_service_doesn_t_know_is_the_operator_s(visitor: Visitor) -> None:
    for error in ("unauthorized_client", "invalid_scope", "invalid_request", "unsupported_response_type"):
        visitor.fake.denies = {"error": error}
        with pytest.raises(Misconfigured):
            visitor.sign_in()
    visitor.fake.denies = None
    wrong = service_at(visitor.fake, client_secret="expired")
    with pytest.raises(Misconfigured):
        visitor.sign_in(wrong)


def test_a_service_in_trouble_is_told_apart(visitor: Visitor) -> None:
    for status, problem in ((500, Unreachable), (429, RateLimited)):
        visitor.fake.fail(status, path="/oauth/token")
        with pytest.raises(problem):
            visitor.sign_in()
    visitor.fake.drop(path="/oauth/token")
    with pytest.raises(Unreachable):
        visitor.sign_in()


def test_access_that_can_t_be_renewed_is_no_access(visitor: Visitor) -> None:
    visitor.fake.gives_refresh_token = False
    with pytest.raises(NotLasting) as caught:
        visitor.sign_in()
    assert "Remove this application" in caught.value.sentence
    visitor.fake.token_lifetime = None
    assert visitor.sign_in().expires_at is None, "a token without an end needs no renewal"


def test_a_lifetime_may_be_a_text(visitor: Visitor) -> None:
    visitor.fake.token_lifetime = "3599"
    assert visitor.sign_in().expires_at is not None


# -- scopes ------------------------------------------------------------------------------------------------------------


def test_a_box_that_wasn_t_ticked_is_noticed(visitor: Visitor) -> None:
    visitor.fake.granted = ("read", "openid")
    with pytest.raises(MissingScope) as caught:
        visitor.sign_in()
    assert caught.value.detail == "write"


def test_scopes_may_come_in_any_order_or_unsaid(visitor: Visitor) -> None:
    visitor.fake.granted = ("write", "more", "read")
    assert visitor.sign_in().scopes == ("write", "more", "read")
    visitor.fake.says_scopes = False
    assert visitor.sign_in().scopes == ("read", "write")


@pytest.mark.parametrize(
    ("needed", "granted", "missing"),
    [
        ("Calendars.ReadWrite offline_access openid", "Calendars.ReadWrite User.Read", ""),
        ("Calendars.ReadWrite", "https://graph.microsoft.com/calendars.readwrite", ""),
        ("Calendars.ReadWrite", "Calendars.Read", "Calendars.ReadWrite"),
        ("https://www.googleapis.com/auth/calendar.events", "https://www.googleapis.com/auth/calendar.events", ""),
        (
            "https://www.googleapis.com/auth/calendar.events",
            "https://www.googleapis.com/auth/calendar.events.owned",
            "https://www.googleapis.com/auth/calendar.events",
        ),
        ("meeting:write:meeting", "user:read:user meeting:write:meeting", ""),
        ("meeting:write:meeting", "meeting:write", ""),
        ("meeting:write:meeting", "meeting:write:meeting:admin", ""),
        ("meeting:write:meeting", "meeting:writer meeting:read:meeting", "meeting:write:meeting"),
    ],
)
def test_scopes_are_known_by_the_names_that_services_give_them(needed: str, granted: str, missing: str) -> None:
    service = OAuthService("x", "id", "secret", "a", "t", needed=frozenset(needed.split()))
    assert missing_scopes(service, granted.split()) == set(missing.split())


def test_a_stand_in_that_is_away_is_unreachable(visitor: Visitor) -> None:
    with served(OAuthFake()) as gone:
        args = visitor.agree(visitor.leave(service_at(gone)))
    with pytest.raises(Unreachable):
        visitor.come_back(args, service_at(gone))
