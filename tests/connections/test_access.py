"""Asking a service: what every answer that isn't one is turned into."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from flask_booking.connections.access import OAuthAccess, retry_after, send
from flask_booking.connections.problems import NeedsReconnect, RateLimited, Unreachable
from tests.fakes.base import Fake, served


class Echo(Fake):
    urls = Map([Rule("/", endpoint="root"), Rule("/elsewhere", endpoint="elsewhere")])

    def __init__(self) -> None:
        super().__init__()
        self.count, self.accepted = 0, "one"

    def root(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {self.accepted}":
            return Response(status=401)
        self.count += 1
        return Response("yes")

    def elsewhere(self, request: Request) -> Response:
        return Response(status=302, headers={"Location": f"{self.url}/"})


class Tokens:
    def __init__(self, *values: str) -> None:
        self.values = list(values)

    def token(self) -> str:
        return self.values[0]

    def renew(self, refused: str) -> str:
        assert refused == self.values.pop(0)
        return self.values[0]


@pytest.fixture
def echo() -> Iterator[Echo]:
    with served(Echo()) as fake:
        yield fake


def test_an_answer_is_returned(echo: Echo) -> None:
    assert OAuthAccess(Tokens("one")).request("GET", f"{echo.url}/").text == "yes"


def test_a_refused_token_is_renewed_once(echo: Echo) -> None:
    assert OAuthAccess(Tokens("old", "one")).request("GET", f"{echo.url}/").text == "yes"
    with pytest.raises(NeedsReconnect):
        OAuthAccess(Tokens("old", "older")).request("GET", f"{echo.url}/")


def test_a_dropped_connection_is_unreachable_and_may_have_had_its_effect(echo: Echo) -> None:
    access = OAuthAccess(Tokens("one"))
    echo.drop(after_effect=True)
    with pytest.raises(Unreachable):
        access.request("POST", f"{echo.url}/")
    assert echo.count == 1
    echo.drop()
    with pytest.raises(Unreachable):
        access.request("POST", f"{echo.url}/")
    assert echo.count == 1
    assert access.request("POST", f"{echo.url}/").text == "yes"


@pytest.mark.parametrize(
    ("status", "headers", "problem", "wait"),
    [
        (500, {}, Unreachable, None),
        (503, {}, Unreachable, None),
        (503, {"Retry-After": "7"}, RateLimited, 7.0),
        (429, {"Retry-After": "2.128"}, RateLimited, 2.128),
        (429, {}, RateLimited, None),
    ],
)
def test_trouble_is_told_apart(
    echo: Echo, status: int, headers: dict[str, str], problem: type[Exception], wait: float | None
) -> None:
    echo.fail(status, headers=headers)
    with pytest.raises(problem) as caught:
        send(requests.Session(), "GET", f"{echo.url}/")
    assert getattr(caught.value, "retry_after", None) == wait


def test_redirects_are_not_followed(echo: Echo) -> None:
    answer = OAuthAccess(Tokens("one")).request("GET", f"{echo.url}/elsewhere")
    assert (answer.status_code, echo.count) == (302, 0)


def test_nobody_there_is_unreachable_and_the_address_is_not_told(echo: Echo) -> None:
    with pytest.raises(Unreachable) as caught:
        send(requests.Session(), "GET", "http://127.0.0.1:9/secret-token")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "least", "most"),
    [
        ("3", 3, 3),
        ("2.5", 2.5, 2.5),
        ("-4", 0, 0),
        ("9999999", 86_400, 86_400),
        ("2999-01-01T00:00:00Z", 86_400, 86_400),
        ("2999-01-01T00:00:00", 86_400, 86_400),
        ("Thu, 01 Jan 2998 00:00:00 GMT", 86_400, 86_400),
        ("2001-01-01T00:00:00Z", 0, 0),
        ("soon", None, None),
        ("", None, None),
    ],
)
def test_retry_after_may_be_seconds_or_a_time(given: str, least: Any, most: Any) -> None:
    answer = requests.Response()
    answer.headers["Retry-After"] = given
    found = retry_after(answer)
    assert found == least if least is None else least <= (found or 0) <= most
