"""The stand-in for Google signs people in as Google does."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from .base import served
from .google import CALENDAR_SCOPES, Google
from .google_client import ANN, T0, Client, reason

BACK = "https://crm.example/back?a=1"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def google() -> Iterator[Google]:
    with served(Google()) as fake:
        fake.advance(T0 - time.time())
        fake.add_account(ANN)
        yield fake


@pytest.fixture
def client(google: Google) -> Client:
    return Client(google)


def authorize(google: Google, **more: str) -> dict[str, str]:
    params = {
        "client_id": google.client_id, "redirect_uri": BACK, "response_type": "code", "state": "s1",
        "scope": " ".join(("openid", "email", *CALENDAR_SCOPES)), "access_type": "offline", "prompt": "consent",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    }  # fmt: skip
    answer = requests.get(f"{google.url}/o/oauth2/v2/auth", params=params | more, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    place = urlsplit(answer.headers["Location"])
    return {name: values[0] for name, values in parse_qs(place.query).items()}


def token(google: Google, **form: str) -> requests.Response:
    known = {"client_id": google.client_id, "client_secret": google.client_secret}
    return requests.post(f"{google.url}/token", data=known | form, timeout=10)


def redeem(google: Google, code: str, **form: str) -> requests.Response:
    known = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    return token(google, **(known | form))


def test_the_way_through_the_browser_ends_in_tokens(google: Google) -> None:
    back = authorize(google)
    assert (back["state"], back["a"]) == ("s1", "1")
    tokens = redeem(google, back["code"]).json()
    assert tokens["expires_in"] == 3599
    assert "https://www.googleapis.com/auth/userinfo.email" in tokens["scope"].split()
    claims = json.loads(base64.urlsafe_b64decode(tokens["id_token"].split(".")[1] + "=="))
    assert claims["email"] == ANN
    seen = requests.get(
        f"{google.url}/v1/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}, timeout=10
    ).json()
    assert (seen["sub"], seen["email"]) == (google.accounts[ANN].sub, ANN)
    refreshed = token(google, grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json()
    assert "refresh_token" not in refreshed
    assert refreshed["access_token"] != tokens["access_token"]


def test_a_code_works_once_and_with_its_verifier_only(google: Google) -> None:
    code = authorize(google)["code"]
    assert redeem(google, code, code_verifier="w" * 50).json()["error"] == "invalid_grant"
    assert redeem(google, code, redirect_uri="https://crm.example/").json()["error"] == "redirect_uri_mismatch"
    assert redeem(google, code, client_secret="wrong").status_code == 401
    assert redeem(google, code).status_code == 200
    assert redeem(google, code).json()["error"] == "invalid_grant"
    late = authorize(google)["code"]
    google.advance(601)
    assert redeem(google, late).json()["error"] == "invalid_grant"


def test_a_refresh_token_comes_with_the_first_consent_only(google: Google) -> None:
    assert "refresh_token" in redeem(google, authorize(google, prompt="")["code"]).json()
    assert "refresh_token" not in redeem(google, authorize(google, prompt="")["code"]).json()
    assert "refresh_token" in redeem(google, authorize(google)["code"]).json()
    assert "refresh_token" not in redeem(google, authorize(google, access_type="online")["code"]).json()


def test_people_may_untick_or_refuse_and_may_be_others(google: Google) -> None:
    google.unticked = {"calendar.events"}
    scopes = redeem(google, authorize(google)["code"]).json()["scope"].split()
    assert {scope.rpartition("/")[2] for scope in scopes} == {
        "openid", "userinfo.email", "calendar.calendarlist.readonly", "calendar.freebusy",
    }  # fmt: skip
    google.refuses_consent = True
    assert authorize(google) == {"a": "1", "error": "access_denied", "state": "s1"}
    google.refuses_consent = False
    google.add_account("bob@example.com")
    google.signs_in = "bob@example.com"
    tokens = redeem(google, authorize(google, login_hint=ANN)["code"]).json()
    assert google.tokens[tokens["access_token"]].grant.account.email == "bob@example.com"


def test_tokens_expire_and_are_taken_back(google: Google, client: Client) -> None:
    grant = google.grants[0]
    assert client.events().status_code == 200
    google.advance(3600)
    assert reason(client.events()) == (401, "authError")
    again = token(google, grant_type="refresh_token", refresh_token=grant.refresh_token).json()["access_token"]
    client.token = again
    assert client.events().status_code == 200
    assert requests.post(f"{google.url}/revoke", data={"token": again}, timeout=10).status_code == 200
    assert client.events().status_code == 401
    dead = token(google, grant_type="refresh_token", refresh_token=grant.refresh_token)
    assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")
    assert requests.post(f"{google.url}/revoke", data={"token": again}, timeout=10).status_code == 400


def test_the_hundred_and_first_grant_ends_the_first(google: Google) -> None:
    first = google.allow(ANN)
    for _ in range(99):
        google.allow(ANN)
    assert first.alive
    google.allow(ANN)
    assert not first.alive
