"""The requests of docs/api.md, sent to the example CRM on the day the page tells, and the answers compared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_booking import errors
from flask_booking.api import blueprint
from tests.docs.snippets import DOCS, Snippet, snippets

PAGE = DOCS / "api.md"
TODAY = "2026-11-23T08:00:00Z"


@pytest.fixture
def demo(app: Flask) -> Iterator[FlaskClient]:
    """Ann's page as in the demo, without her meetings."""
    from example_app.extensions import db
    from example_app.models import User
    from example_app.seed_booking import SETTINGS, set_up

    with time_machine.travel(TODAY, tick=False), app.app_context():
        ann = User(email="ann@example.com", name="Ann Meyer", time_zone="America/New_York", password_hash="-")
        db.session.add(ann)
        db.session.commit()
        set_up(ann, SETTINGS[0])
        db.session.remove()
        yield app.test_client()


def send(client: FlaskClient, snippet: Snippet, token: str) -> TestResponse:
    """Send the request of an ``http`` block: a line, headers, an empty line, a body."""
    head, _, body = snippet.text.partition("\n\n")
    line, *headers = head.splitlines()
    method, address, _version = line.split()
    named = dict(header.split(": ", 1) for header in headers)
    return client.open(address.replace("TOKEN", token), method=method, headers=named, data=body.strip() or None)


def agrees(told: Any, found: Any) -> bool:
    """Whether an answer is what the page tells; ``…`` stands for what nobody can know beforehand."""
    if isinstance(told, str) and isinstance(found, str):
        return re.fullmatch(".*".join(map(re.escape, told.split("…"))), found, re.DOTALL) is not None
    if isinstance(told, dict) and isinstance(found, dict):
        return told.keys() == found.keys() and all(agrees(told[key], found[key]) for key in told)
    if isinstance(told, list) and isinstance(found, list):
        if told[-1:] == ["…"]:
            return len(found) >= len(told) - 1 and all(map(agrees, told[:-1], found))
        return len(told) == len(found) and all(map(agrees, told, found))
    return bool(told == found)


def test_each_request_of_the_page_is_answered_as_it_tells(demo: FlaskClient) -> None:
    token, response, asked = "", None, 0
    for snippet in snippets(PAGE):
        if snippet.language == "http":
            response = send(demo, snippet, token)
        elif snippet.language == "json" and snippet.caption:
            assert response is not None
            status, _, kind = snippet.caption.partition(" ")
            assert (str(response.status_code), response.mimetype) == (status, kind), response.text
            assert agrees(json.loads(snippet.text), response.json), json.dumps(response.json, indent=2)
            asked += 1
            if "manage_url" in (response.json or {}):
                token = response.json["manage_url"].rpartition("/")[2]
    assert asked >= 8


ELSEWHERE = {errors.BookingError, errors.BookedAlready, errors.ChangedMeanwhile}
"""What has no code, or can be met by a form of ours alone."""


def test_the_page_lists_every_code_an_error_can_have() -> None:
    listed = set(re.findall(r"^\| `([a-z_]+)` \| (\d{3}) \|", PAGE.read_text(), re.MULTILINE))
    told = {
        (one.code, str(one.status))
        for room in (errors, blueprint)
        for one in vars(room).values()
        if isinstance(one, type) and issubclass(one, errors.BookingError) and one not in ELSEWHERE
    }

    assert listed == told | {("internal", "500")}
