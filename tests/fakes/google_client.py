"""Somebody who asks the stand-in for Google by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import requests

from .google import Google

ANN = "ann@example.com"
T0 = int(dt.datetime(2030, 3, 1, tzinfo=dt.UTC).timestamp())
"""The stand-in's today."""


class Client:
    """Calls the API with a token of an account."""

    def __init__(self, google: Google, email: str = ANN) -> None:
        self.google = google
        self.token = google.token_of(google.allow(email))
        self.http = requests.Session()

    def __call__(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return self.http.request(method, f"{self.google.url}/calendar/v3/{path}", headers=headers, timeout=10, **more)

    def events(self, **params: Any) -> requests.Response:
        return self("GET", f"calendars/{ANN}/events", params=params)

    def insert(self, body: Any, **params: Any) -> requests.Response:
        return self("POST", f"calendars/{ANN}/events", json=body, params=params)


def reason(answer: requests.Response) -> tuple[int, str]:
    """Status and reason of a refusal."""
    return answer.status_code, answer.json()["error"]["errors"][0]["reason"]
