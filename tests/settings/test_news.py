"""Hosts are told at once of what guests did, on any page of the CRM."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from flask_booking.models import Booking
from flask_booking.scheduling import BookingRequest, book, cancel
from flask_booking.scheduling.intake import check
from tests.fixtures.people import Bookable, make_bookable, make_host


@pytest.fixture
def ann(app: Flask) -> Iterator[Bookable]:
    with app.app_context():
        yield make_bookable(app)


@pytest.fixture
def ann_at_work(app: Flask, ann: Bookable) -> FlaskClient:
    return logged_in(app, ann.user)


def logged_in(app: Flask, user: Any) -> FlaskClient:
    client = app.test_client()
    with client.session_transaction() as values:
        values["_user_id"], values["_fresh"] = str(user.id), True
    return client


def sam_books(ann: Bookable, *, actor: str = "guest", hour: int = 12) -> Booking:
    intake = check(ann.event, name="Sam <b>Guest</b>", email="sam@example.com")
    return book(ann.event.id, BookingRequest(ann.tomorrow(hour), intake, actor=actor))


def told(client: FlaskClient, since: int = 0) -> list[dict[str, str]]:
    news: list[dict[str, str]] = client.get(f"/settings/booking/news?since={since}").json["news"]
    return news


def test_a_host_is_told_of_bookings_and_cancellations_by_guests(ann: Bookable, ann_at_work: FlaskClient) -> None:
    assert told(ann_at_work) == []
    booking = sam_books(ann)
    [item] = told(ann_at_work)
    assert item["text"].startswith("Meeting booked: Sam <b>Guest</b>, ")
    assert item["url"] == f"/settings/booking/bookings/{booking.public_id}"
    cancel(booking.id, actor="guest")
    assert [one["text"].split(":")[0] for one in told(ann_at_work)] == ["Meeting booked", "Meeting cancelled"]


def test_a_host_is_not_told_of_the_hosts_own_doing(ann: Bookable, ann_at_work: FlaskClient) -> None:
    cancel(sam_books(ann, actor="host").id, actor="host")
    assert told(ann_at_work) == []


def test_nobody_else_is_told(app: Flask, ann: Bookable) -> None:
    sam_books(ann)
    ben, _host = make_host("Ben Vogel")
    assert told(logged_in(app, ben)) == []


def test_what_was_before_is_not_told_again(ann: Bookable, ann_at_work: FlaskClient) -> None:
    sam_books(ann)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=5)
    with time_machine.travel(later, tick=False):
        assert told(ann_at_work, int(later.timestamp())) == []


def test_every_page_of_the_crm_asks_and_visitors_do_not(app: Flask, ann: Bookable, ann_at_work: FlaskClient) -> None:
    assert re.search(r'data-booking-live="/settings/booking/news"', ann_at_work.get("/contacts/").text)
    assert "data-booking-live" not in app.test_client().get("/login").text
