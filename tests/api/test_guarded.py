"""What the public API keeps to itself, and what it does when something breaks."""

from __future__ import annotations

import datetime as dt
import functools
import logging
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from flask_booking import guards, scheduling
from flask_booking.models import Booking, UsedChallenge
from flask_booking.signals import booking_booked
from flask_booking.state import session
from tests.fixtures.people import Bookable, make_bookable
from tests.public.test_guards import solved
from tests.scheduling.storm import storm

ROOT = "/api/booking/v1/public"


def sam(ann: Bookable) -> dict[str, str]:
    start = ann.tomorrow().strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"start": start, "name": "Sam Secret", "email": "sam@secret.example", "time_zone": "UTC"}


def test_an_address_with_a_nul_leads_nowhere_on_each_database(each_app: Flask) -> None:
    with each_app.app_context():
        make_bookable(each_app)
    client = each_app.test_client()
    for path in ("/%00", "/ann%00", "/ann/intro%00", "/ann%00/intro/slots", "/bookings/%00"):
        assert client.get(ROOT + path).status_code == 404
        assert client.get("/book" + path).status_code == 404


def test_nothing_between_may_keep_an_answer(client: FlaskClient, ann: Bookable) -> None:
    made = client.post(f"{ROOT}/ann/intro/bookings", json=sam(ann))
    token = made.json["manage_url"].rpartition("/")[2]  # type: ignore[index]
    for answer in (made, client.get(f"{ROOT}/ann"), client.get(f"{ROOT}/bookings/{token}"), client.get(f"{ROOT}/x")):
        assert answer.headers["Cache-Control"] == "no-store"


def test_the_page_of_a_host_who_left_is_closed(client: FlaskClient, ann: Bookable) -> None:
    ann.host.active = False
    session().commit()
    for address in ("ann", "ann/intro", "ann/intro/slots?start=2027-01-01&end=2027-01-02"):
        assert client.get(f"{ROOT}/{address}").status_code == 410


def test_an_error_is_logged_by_its_place_and_without_its_words(
    app: Flask, ann: Bookable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_event_type_id: int, wanted: scheduling.BookingRequest) -> None:
        session().execute(sa.text("INSERT INTO nowhere VALUES (:who)"), {"who": wanted.intake.guest.email})

    monkeypatch.setattr(scheduling, "book", fail)
    with caplog.at_level(logging.DEBUG):
        answer = app.test_client().post(f"{ROOT}/ann/intro/bookings", json=sam(ann))
    assert (answer.status_code, answer.json["code"]) == (500, "internal")  # type: ignore[index]
    assert "booking_api.book failed: OperationalError" in caplog.text
    assert "secret" not in caplog.text.lower()


def test_a_receiver_that_leaves_a_broken_session_costs_nobody_the_answer(client: FlaskClient, ann: Bookable) -> None:
    def broken(*_args: Any, **_more: Any) -> None:
        session().add(Booking())
        session().flush()

    with booking_booked.connected_to(broken):
        answer = client.post(f"{ROOT}/ann/intro/bookings", json=sam(ann))
    assert answer.status_code == 201


def test_the_next_free_time_after_a_range_long_past_is_in_the_future(client: FlaskClient, ann: Bookable) -> None:
    query = {"start": "2020-01-01", "end": "2020-01-02", "tz": "UTC"}
    found = client.get(f"{ROOT}/ann/intro/slots", query_string=query).json
    assert found["slots"] == []  # type: ignore[index]
    assert dt.datetime.fromisoformat(found["next"]) > dt.datetime.now(dt.UTC)  # type: ignore[index]


def test_solutions_that_arrive_together_are_each_accepted_once(each_app: Flask) -> None:
    each_app.config["BOOKING_PROOF_OF_WORK"] = True
    with each_app.test_request_context():
        several = [solved(guards.new_challenge() or {}) for _ in range(8)]
        session().add_all(UsedChallenge(signature_hash=f"old {number}", expires=1) for number in range(50))
        session().commit()
        session().remove()
    answers = storm(each_app, [functools.partial(guards.check_work, work) for work in several * 3])
    assert answers == {"done": 8, "refused": 16}
