"""What a unit of work does when the database itself says no."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_booking.errors import SlotTaken
from flask_booking.models import Booking, Hold, OccupiedTime, OutboxMessage
from flask_booking.scheduling import book, place_hold
from flask_booking.scheduling.hold import new_hold_token
from flask_booking.scheduling.transaction import transact
from flask_booking.state import session
from tests.fixtures.people import make_bookable
from tests.scheduling.bookable import DAY, HOUR, midnight, request


def _occupied_unseen(event_type_id: int, host_id: int, start: int) -> None:
    """A row that takes ``start`` but claims to occupy another month, so that no look-up finds it."""
    row = {"event_type_id": event_type_id, "host_id": host_id, "starts": start, "ends": start + HOUR, "seat": 0}
    far = {"occupied_from": start - 90 * DAY, "occupied_until": start - 89 * DAY}
    session().execute(sa.insert(OccupiedTime).values(**row, **far))
    session().commit()


def test_a_time_that_only_the_constraint_knows_to_be_taken_is_told_as_taken(each_app: Flask) -> None:
    with each_app.app_context():
        ann = make_bookable(each_app)
        start = midnight()
        _occupied_unseen(ann.event.id, ann.host.id, start)
        with pytest.raises(SlotTaken):
            book(ann.event.id, request(start))
        with pytest.raises(SlotTaken):
            place_hold(ann.event.id, new_hold_token(ann.event.id), start)
        for model in (Booking, Hold, OutboxMessage):
            assert session().scalar(sa.select(sa.func.count()).select_from(model)) == 0


def test_a_row_that_somebody_else_wrote_first_is_read_by_a_second_try(each_app: Flask) -> None:
    with each_app.app_context():
        ann = make_bookable(each_app)
        tries: list[int] = []

        def work() -> str:
            tries.append(1)
            if len(tries) == 1:
                session().execute(sa.insert(Hold).values(_hold(ann.event.id)))
                session().execute(sa.insert(Hold).values(_hold(ann.event.id)))
            return "done"

        assert transact(session(), work) == "done"
        assert len(tries) == 2


def test_a_constraint_that_stays_broken_is_an_error(each_app: Flask) -> None:
    with each_app.app_context():
        ann = make_bookable(each_app)

        def work() -> None:
            session().execute(sa.insert(Hold).values(_hold(ann.event.id)))
            session().execute(sa.insert(Hold).values(_hold(ann.event.id)))

        with pytest.raises(sa.exc.IntegrityError):
            transact(session(), work)
        assert session().scalar(sa.select(sa.func.count()).select_from(Hold)) == 0


def _hold(event_type_id: int) -> dict[str, int | str]:
    return {"token_hash": "same", "event_type_id": event_type_id, "starts": 0, "ends": 1, "expires": 2}
