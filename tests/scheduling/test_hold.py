"""A time kept for the form of one guest."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from example_app.extensions import db
from flask_booking.errors import HoldExpired, InvalidHold, SlotTaken, SlotUnavailable
from flask_booking.models import Booking, EventType, Host, OccupiedTime
from flask_booking.scheduling import book, place_hold, release_hold
from flask_booking.scheduling.hold import new_hold_token
from tests.scheduling.bookable import MINUTE, midnight, new_event, request


def rows(model: type[Any]) -> list[Any]:
    return list(db.session.scalars(sa.select(model).order_by(model.id)))


def test_only_its_own_form_books_it(event: EventType) -> None:
    token = new_hold_token(event.id)
    place_hold(event.id, token, midnight())
    with pytest.raises(SlotTaken):
        book(event.id, request(midnight()))
    booking = book(event.id, request(midnight(), hold=token))
    [row] = rows(OccupiedTime)
    assert (row.booking_id, row.hold_id) == (booking.id, None)


def test_choosing_another_time_gives_the_first_back(event: EventType) -> None:
    token = new_hold_token(event.id)
    place_hold(event.id, token, midnight())
    place_hold(event.id, token, midnight() + 30 * MINUTE)
    assert book(event.id, request(midnight())).live


def test_it_can_be_placed_again_and_given_back(event: EventType) -> None:
    token = new_hold_token(event.id)
    for _again in range(2):
        assert place_hold(event.id, token, midnight(), now=midnight(1)) == midnight(1) + 5 * MINUTE
    release_hold(event.id, token)
    release_hold(event.id, token)
    assert rows(OccupiedTime) == []


def test_the_page_that_was_left_gives_back_nothing_that_a_later_one_has_asked_for(event: EventType) -> None:
    token = new_hold_token(event.id)
    place_hold(event.id, token, midnight(), shown=2_000)
    release_hold(event.id, token, 1_999)
    assert len(rows(OccupiedTime)) == 1
    place_hold(event.id, token, midnight(), shown=1_000)
    release_hold(event.id, token, 1_999)
    assert len(rows(OccupiedTime)) == 1
    release_hold(event.id, token, 2_000)
    assert rows(OccupiedTime) == []


def test_one_that_ran_out_still_books_a_time_that_is_free(event: EventType) -> None:
    token = new_hold_token(event.id)
    place_hold(event.id, token, midnight(), now=midnight(-1))
    assert book(event.id, request(midnight(), hold=token)).live


def test_one_that_ran_out_says_so_when_the_time_is_gone(event: EventType) -> None:
    token = new_hold_token(event.id)
    place_hold(event.id, token, midnight(), now=midnight(-1))
    book(event.id, request(midnight(), "quick@example.com"))
    with pytest.raises(HoldExpired):
        book(event.id, request(midnight(), hold=token))


@pytest.mark.parametrize("token", ["", "forged", "a.b.c", "x" * 5000, "ünï"])
def test_a_forged_one_is_refused(token: str, event: EventType) -> None:
    with pytest.raises(InvalidHold):
        place_hold(event.id, token, midnight())
    if token:
        with pytest.raises(InvalidHold):
            book(event.id, request(midnight(), hold=token))
    assert rows(OccupiedTime) == rows(Booking) == []


def test_one_of_another_event_type_is_refused(event: EventType, host: Host) -> None:
    token = new_hold_token(new_event(host).id)
    with pytest.raises(InvalidHold):
        place_hold(event.id, token, midnight())


def test_a_time_that_is_not_offered_cannot_be_held(event: EventType) -> None:
    with pytest.raises(SlotUnavailable):
        place_hold(event.id, new_hold_token(event.id), midnight() + 60)
    assert rows(OccupiedTime) == []


def test_seats_are_held_one_by_one(event: EventType) -> None:
    event.seats = 2
    db.session.commit()
    tokens = [new_hold_token(event.id) for _seat in range(3)]
    for token in tokens[:2]:
        place_hold(event.id, token, midnight())
    with pytest.raises(SlotTaken):
        place_hold(event.id, tokens[2], midnight())
