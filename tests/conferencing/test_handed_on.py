"""Meetings at Zoom whose booking goes from one host to another, and back."""

from __future__ import annotations

import pytest

from flask_booking.models import EventState, MessageState, OutboxMessage
from flask_booking.scheduling import cancel, reassign
from tests.conferencing.conftest import Office, connect_zoom
from tests.fixtures.people import make_host


@pytest.mark.parametrize("made", [True, False])
def test_a_meeting_that_is_in_use_again_is_not_taken_back(office: Office, made: bool) -> None:
    _user, ben = make_host("Ben Cole")
    connect_zoom(office.zoom, ben, "ben")
    booking = office.book()
    if not made:
        office.zoom.drop(after_effect=True, method="POST", path="/v2/")  # it is there, and nobody knows its id
    office.deliver()
    office.zoom.fail(503, method="DELETE", path="/v2/")
    if not made:
        office.zoom.fail(503, method="GET", path="/v2/")
    reassign(booking.id, ben.id)
    office.deliver()
    assert (len(office.zoom.of("ann")), len(office.zoom.of("ben"))) == (1, 1)
    reassign(booking.id, office.ann.host.id)
    office.deliver()
    link = office.fresh(booking).location["url"]
    office.go_on("conference")
    [meeting] = office.zoom.of("ann")
    assert (meeting["join_url"], office.fresh(booking).location["url"]) == (link, link)
    assert office.zoom.of("ben") == []
    assert office.link().state is EventState.WRITTEN
    assert all(row.state is not MessageState.WAITING for row in office.rows(OutboxMessage.topic == "conference"))
    cancel(booking.id, actor="guest")
    office.deliver()
    assert office.zoom.meetings == {}
