"""Meetings at Zoom whose booking is moved while no account is connected that could move them."""

from __future__ import annotations

import pytest

from flask_booking.calendars.care import resume
from flask_booking.connections.accounts import disconnect
from flask_booking.models import Booking, Connection, EventState
from flask_booking.scheduling import reschedule
from flask_booking.state import session
from tests.conferencing.conftest import Office, connect_zoom


@pytest.fixture
def moved(office: Office) -> Booking:
    """A booking whose meeting is at Zoom at its old time."""
    booking = office.book()
    office.deliver()
    disconnect(session().query(Connection).one())
    reschedule(booking.id, office.ann.tomorrow(15), actor="guest")
    office.deliver()
    assert [one["start_time"][11:16] for one in office.zoom.of("ann")] == ["12:00"]
    return booking


def test_the_same_account_moves_the_meeting_once_it_is_connected_again(office: Office, moved: Booking) -> None:
    url = moved.location["url"]
    resume(connect_zoom(office.zoom, office.ann.host).id)
    office.deliver()
    assert [one["start_time"][11:16] for one in office.zoom.of("ann")] == ["15:00"]
    assert (office.link().state, office.link().problem) == (EventState.WRITTEN, "")
    assert office.fresh(moved).location["url"] == url
    assert office.kinds() == ["booked", "rescheduled"]


def test_another_account_makes_it_anew_and_everybody_gets_its_link(office: Office, moved: Booking) -> None:
    resume(connect_zoom(office.zoom, office.ann.host, "ann.private").id)
    office.deliver()
    [meeting] = office.zoom.of("ann.private")
    assert meeting["start_time"][11:16] == "15:00"
    assert office.fresh(moved).location["url"] == meeting["join_url"]
    assert office.kinds() == ["booked", "rescheduled", "linked"]


def test_one_that_was_not_moved_stays_where_it_was_made(office: Office) -> None:
    booking = office.book()
    office.deliver()
    url = booking.location["url"]
    disconnect(session().query(Connection).one())
    resume(connect_zoom(office.zoom, office.ann.host, "ann.private").id)
    office.deliver()
    assert office.zoom.of("ann.private") == []
    assert office.fresh(booking).location["url"] == url
    assert office.link().state is EventState.WRITTEN
