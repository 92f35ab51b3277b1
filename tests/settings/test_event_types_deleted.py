"""Event types: switched off, archived and deleted, and what is told and kept on the way."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa

from example_app.models import Mail
from flask_booking import jobs
from flask_booking.models import EventType, MessageState, OutboxMessage
from flask_booking.state import session

from .conftest import Office, Screens, said, tomorrow

STILL_SENDING = "Messages about its meetings are still being sent. Try again later, or archive it."


def undo_token(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("action", "data", "is_done"),
    [
        ("active", {"active": "0"}, lambda event: not event.active),
        ("archive", {"archived": "1"}, lambda event: event.archived_at is not None),
    ],
)
def test_switching_off_and_archiving_can_be_taken_back(
    office: Office, ann: Screens, action: str, data: dict[str, str], is_done: object
) -> None:
    ann.post(f"/event-types/{office.events['ann']}/{action}", **data)
    with office.app.app_context():
        assert is_done(office.event())  # type: ignore[operator]

    page = ann.get("/event-types").text
    assert "Undo" in page
    assert "Undo" not in ann.get("/event-types").text  # told once
    assert ann.post("/undo", token=undo_token(page)).status_code == 303
    with office.app.app_context():
        assert not is_done(office.event())  # type: ignore[operator]


def test_deleting_tells_how_many_bookings_go_with_it_and_offers_to_archive(office: Office, ann: Screens) -> None:
    office.booking()
    path = f"/event-types/{office.events['ann']}/delete"
    text = ann.text(path)
    assert "1 booking goes with it" in text
    assert "Archive instead" in text

    refused = ann.post(path)
    assert refused.status_code == 409
    assert "There are meetings still to be held." in said(refused)
    with office.app.app_context():
        assert office.event().title == "Intro"


def test_an_event_type_stays_until_the_guests_have_heard_of_the_cancellations(office: Office, ann: Screens) -> None:
    booking = office.booking()
    ann.post(f"/bookings/{booking}/cancel", reason="ill")
    path = f"/event-types/{office.events['ann']}/delete"
    page = ann.get(path)
    assert STILL_SENDING in said(page)
    assert "Delete it and 1 booking" not in page.text

    refused = ann.post(path)
    assert refused.status_code == 409
    assert said(refused).count(STILL_SENDING) == 1
    with office.app.app_context():
        assert "cancelled" in {row.kind for row in session().query(OutboxMessage) if row.recipient == "sam@example.com"}

    jobs.deliver_due(office.app)
    assert "Delete it and 1 booking" in ann.get(path).text
    assert ann.post(path).status_code == 303
    with office.app.app_context():
        assert session().query(EventType).filter_by(public_id=office.events["ann"]).count() == 0
        assert any("sam@example.com" in mail.recipient and "ancel" in mail.subject for mail in session().query(Mail))


@pytest.mark.parametrize(
    ("later", "kept"), [({"attempts": 1}, True), ({"last_error": "busy"}, True), ({"attempts": 0}, False)]
)
def test_what_is_tried_again_later_keeps_an_event_type_and_what_is_only_planned_does_not(
    office: Office, ann: Screens, later: dict[str, Any], kept: bool
) -> None:
    booking = office.booking()
    ann.post(f"/bookings/{booking}/cancel")
    with office.app.app_context():
        waiting = sa.update(OutboxMessage).where(OutboxMessage.state == MessageState.WAITING)
        session().execute(waiting.values(due_at=tomorrow(), **later))
        session().commit()
    answer = ann.post(f"/event-types/{office.events['ann']}/delete")
    assert answer.status_code == (409 if kept else 303)


def test_deleting_what_was_never_booked_deletes(office: Office, ann: Screens) -> None:
    assert ann.post(f"/event-types/{office.events['ann']}/delete").status_code == 303
    with office.app.app_context():
        assert session().query(EventType).filter_by(public_id=office.events["ann"]).count() == 0
