"""A request that is sent again answers with the first booking, to the guest who made it and to nobody else."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from flask_booking import catalog
from flask_booking.errors import KeyReused, SlotTaken
from flask_booking.models import Booking, OutboxMessage
from flask_booking.scheduling import book, cancel, follow_calendar, reschedule
from flask_booking.state import session
from tests.fixtures.people import Bookable, make_bookable
from tests.scheduling.bookable import HOUR, instant, midnight, request

KEY = "0f8fad5b-d9cb-469f-a165-70867728950e"


def test_the_same_request_books_once_on_each_database(each_app: Flask) -> None:
    with each_app.app_context():
        ann = make_bookable(each_app)
        first = book(ann.event.id, request(midnight(), idempotency_key=KEY))
        second = book(ann.event.id, request(midnight(), "Sam@Example.com", idempotency_key=KEY))
        assert second.id == first.id
        assert session().scalar(sa.select(sa.func.count()).select_from(Booking)) == 1
        assert session().scalar(sa.select(sa.func.count()).where(OutboxMessage.kind == "booked")) == 2


def test_another_guest_with_the_same_key_never_sees_the_first_guests_booking(ann: Bookable) -> None:
    first = book(ann.event.id, request(midnight(), idempotency_key=KEY))
    with pytest.raises(SlotTaken):
        book(ann.event.id, request(midnight(), "eve@example.com", idempotency_key=KEY))
    second = book(ann.event.id, request(midnight() + HOUR, "eve@example.com", idempotency_key=KEY))
    assert (second.id, second.guest_email) != (first.id, first.guest_email)


def test_a_key_is_good_for_one_time_and_duration(ann: Bookable) -> None:
    book(ann.event.id, request(midnight(), idempotency_key=KEY))
    later, longer = (
        request(midnight() + HOUR, idempotency_key=KEY),
        request(midnight(), duration=60, idempotency_key=KEY),
    )
    for other in (later, longer):
        with pytest.raises(KeyReused):
            book(ann.event.id, other)
    assert session().scalar(sa.select(sa.func.count()).select_from(Booking)) == 1


def test_a_late_repetition_answers_with_the_booking_as_it_is_now(ann: Bookable) -> None:
    first = book(ann.event.id, request(midnight(), idempotency_key=KEY))
    reschedule(first.id, instant(midnight() + HOUR), actor="guest")
    reschedule(first.id, instant(midnight() + 2 * HOUR), actor="guest")
    assert book(ann.event.id, request(midnight(), idempotency_key=KEY)).starts_at == instant(midnight() + 2 * HOUR)
    cancel(first.id, actor="guest")
    assert book(ann.event.id, request(midnight(), idempotency_key=KEY)).status == "cancelled"


def test_nor_does_it_matter_what_the_host_has_changed_since(ann: Bookable) -> None:
    first = book(ann.event.id, request(midnight(), idempotency_key=KEY))
    follow_calendar(first.id, instant(midnight()), instant(midnight() + 2 * HOUR))
    for duration in (None, 30):
        assert book(ann.event.id, request(midnight(), duration=duration, idempotency_key=KEY)).id == first.id
    with pytest.raises(KeyReused):
        book(ann.event.id, request(midnight(), duration=120, idempotency_key=KEY))
    catalog.update_event_type(ann.event, {"durations": [60, 30]})
    assert book(ann.event.id, request(midnight(), idempotency_key=KEY)).id == first.id


def test_the_key_itself_is_not_kept(ann: Bookable) -> None:
    """It may be of any alphabet, and in a stolen database it would answer for the guest."""
    assert book(ann.event.id, request(midnight(), idempotency_key="\0" * 200)).idempotency_key not in (None, "\0" * 200)


def test_the_api_tells_nobody_elses_link(client: FlaskClient, ann: Bookable) -> None:
    def post(**changes: str) -> tuple[int, str, str]:
        body = {"start": ann.tomorrow().strftime("%Y-%m-%dT%H:%M:%SZ"), "name": "Sam", "time_zone": "UTC"}
        body |= {"email": "sam@example.com", "idempotency_key": KEY, **changes}
        answer = client.post("/api/booking/v1/public/ann/intro/bookings", json=body)
        return answer.status_code, answer.json.get("code", ""), answer.json.get("manage_url", "")  # type: ignore[union-attr]

    first = post()
    assert (first[0], post()) == (201, first)
    assert post(email="eve@example.com") == (409, "slot_taken", "")
    later = ann.tomorrow(13).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert post(start=later) == (422, "idempotency_key_reused", "")
    assert (first[0], post()) == (201, first)
    question = {"id": "q1", "label": "Company", "kind": "short", "required": True}
    catalog.update_event_type(ann.event, {"questions": [question]})
    assert post() == first, "the host asks for more now"
    assert post(email="eve@example.com", start=later)[:2] == (422, "invalid")
