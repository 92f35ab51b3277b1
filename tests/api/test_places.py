"""Places whose link is made for each meeting, in the JSON API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_booking import catalog, jobs
from flask_booking.conferencing.memory import MemoryMeetings
from flask_booking.state import session
from tests.fixtures.apps import MakeApp
from tests.fixtures.meetings import PLACES, can_make
from tests.fixtures.people import Bookable, make_bookable
from tests.scheduling.test_offers import counted_queries

PUBLIC = "/api/booking/v1/public"


@pytest.fixture
def app(make_app: MakeApp, database_url: str) -> Flask:
    return make_app(database_url, BOOKING_CONFERENCING_PROVIDERS={"zoom": MemoryMeetings(password="314159")})


@pytest.fixture
def ann(app: Flask) -> Iterator[Bookable]:
    with app.app_context():
        made = make_bookable(app)
        catalog.update_event_type(made.event, {"locations": PLACES})
        yield made


def kinds(event: dict[str, Any]) -> list[str]:
    return [place["kind"] for place in event["locations"]]


def test_only_places_that_can_be_made_are_listed(ann: Bookable, client: FlaskClient) -> None:
    assert kinds(client.get(f"{PUBLIC}/ann/intro").json) == ["phone_guest"]  # type: ignore[arg-type]
    can_make(ann.host, "teams", "zoom")
    assert kinds(client.get(f"{PUBLIC}/ann/intro").json) == ["teams", "zoom", "phone_guest"]  # type: ignore[arg-type]
    page: Any = client.get(f"{PUBLIC}/ann").json
    assert [kinds(event) for event in page["event_types"]] == [["teams", "zoom", "phone_guest"]]


def test_the_link_and_its_password_come_with_the_booking_once_they_are_made(ann: Bookable, client: FlaskClient) -> None:
    can_make(ann.host, "zoom")
    body = {
        "start": f"{ann.tomorrow():%Y-%m-%dT%H:%M:%SZ}",
        "name": "Sam Hill",
        "email": "sam@example.com",
        "time_zone": "Europe/Paris",
        "location": "zoom",
    }
    made: Any = client.post(f"{PUBLIC}/ann/intro/bookings", json=body).json
    assert made["location"] == {"kind": "zoom", "text": "", "url": ""}
    session().rollback()
    jobs.deliver_due(ann.app)
    token = made["manage_url"].rpartition("/")[2]
    later: Any = client.get(f"{PUBLIC}/bookings/{token}").json
    assert later["location"] == {
        "kind": "zoom", "text": "", "url": "https://zoom.example/j/8000000001", "password": "314159",
    }  # fmt: skip


def test_a_page_of_many_event_types_takes_no_more_queries(ann: Bookable, client: FlaskClient) -> None:
    can_make(ann.host, "zoom")
    seen = []
    for number in range(3):
        client.get(f"{PUBLIC}/ann")
        with counted_queries() as queries:
            client.get(f"{PUBLIC}/ann")
        seen.append(len(queries))
        ann.another(title=f"Another {number}", locations=PLACES)
    assert len(set(seen)) == 1
