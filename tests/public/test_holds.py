"""A time is kept for the form that is being filled in, and for nobody else."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import time_machine
from flask.testing import FlaskClient

from flask_booking import catalog
from flask_booking.models import BookingStatus, Hold, OccupiedTime
from flask_booking.public import choose as choosing
from flask_booking.scheduling import cancel
from flask_booking.state import session
from tests.fixtures.people import Bookable
from tests.public.guest import ahead, bookings, choose, form_to, heading, manage, send, text_of, times

TIMES = ahead("/book/ann/intro?tz=Europe/Paris")


def test_a_hold_keeps_the_time_for_its_form_alone(ann: Bookable, client: FlaskClient) -> None:
    details = choose(client, TIMES)
    start = form_to(details, "/details").values["start"]
    assert "We keep this time for you until" in text_of(details)
    assert start not in times(client.get(TIMES)), "others don't see it"
    back = re.search(r'class="back" href="([^"]+)"', details.text)
    assert back
    own = client.get(back[1].replace("&amp;", "&"))
    assert start in times(own), "whoever holds it does"
    choose(client, back[1].replace("&amp;", "&"), times(own)[1])
    assert session().query(Hold).count() == 1, "another choice gives the first one back"


def test_leaving_gives_the_hold_back(ann: Bookable, client: FlaskClient) -> None:
    form = form_to(choose(client, TIMES), "/details")
    assert client.post("/book/ann/intro/release", data={"hold": form.values["hold"]}).status_code == 204
    assert session().query(OccupiedTime).count() == 0


def test_without_holds_the_way_is_the_same(ann: Bookable, client: FlaskClient) -> None:
    catalog.update_event_type(ann.event, {"hold_minutes": 0})
    details = choose(client, TIMES)
    assert "We keep" not in text_of(details)
    assert session().query(Hold).count() == 0
    assert send(client, details).status_code == 303


def test_a_time_that_is_given_back_while_its_form_s_page_is_made_is_on_offer(
    ann: Bookable, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script gives it back as the guest leaves the form, beside the request for the page of times."""
    details = choose(client, TIMES)
    held = form_to(details, "/details").values
    assert held["start"] not in times(client.get(TIMES)), "and what others were offered is remembered"
    real = choosing.ignoring_hold

    def given_back_first(token: str) -> object:
        assert client.post("/book/ann/intro/release", data={"hold": token}).status_code == 204
        return real(token)

    monkeypatch.setattr(choosing, "ignoring_hold", given_back_first)
    page = ann.app.test_client().get(f"{TIMES}&hold={held['hold']}")
    assert session().query(Hold).count() == 0
    assert held["start"] in times(page)


def test_who_has_cancelled_books_the_same_time_again_with_the_same_hold(ann: Bookable, client: FlaskClient) -> None:
    """Its token stays in the address of the calendar, so that Back finds the guest's own time."""
    details = choose(client, TIMES)
    held = form_to(details, "/details").values
    with_hold = f"{TIMES}&hold={held['hold']}"
    client.post(f"{manage(send(client, details).location)}/cancel", data={})
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30)):
        answer = send(client, choose(client, with_hold, held["start"]))
    assert heading(client.get(answer.location)) == "You are booked"
    assert [one.status for one in bookings()] == [BookingStatus.CANCELLED, BookingStatus.CONFIRMED]
    assert session().query(Hold).count() == 0


def test_who_goes_back_after_booking_reads_that_the_time_is_booked_and_not_that_it_was_taken(
    ann: Bookable, client: FlaskClient
) -> None:
    details = choose(client, TIMES)
    assert send(client, details).status_code == 303
    answer = client.get(details.request.full_path)
    assert (answer.status_code, heading(answer)) == (409, "You have booked this time already.")
    [booking] = bookings()
    assert booking.manage_token not in answer.text, "the form's address may have been passed on"
    assert booking.guest_email not in answer.text


def test_who_goes_back_to_mend_the_address_is_led_to_the_booking_there_is(ann: Bookable, client: FlaskClient) -> None:
    details = choose(client, TIMES)
    send(client, details, email="sam@wrong.example.com")
    answer = send(client, details, email="sam@example.com")
    assert (answer.status_code, heading(answer)) == (409, "You have booked this time already.")
    [booking] = bookings()
    assert "It is booked for sam@wrong.example.com." in text_of(answer)
    assert f"/book/manage/{booking.manage_token}" in answer.text
    cancel(booking.id, actor="guest")
    again = choose(client, TIMES)
    assert send(client, again, email="sam@example.com").status_code == 303


def test_a_form_that_is_sent_again_is_answered_whatever_the_host_asks_since(ann: Bookable, client: FlaskClient) -> None:
    details = choose(client, TIMES)
    first = send(client, details)
    catalog.update_event_type(
        ann.event, {"questions": [{"id": "q1", "label": "Company", "kind": "short", "required": True}]}
    )
    assert send(client, details).location == first.location
    assert send(client, details, email="else@example.com").status_code == 422
    assert len(bookings()) == 1
