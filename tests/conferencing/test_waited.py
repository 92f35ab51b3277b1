"""A guest waits for a calendar's invitation for an hour at most, and for one that can come no more not at all."""

from __future__ import annotations

import datetime as dt

from flask_booking.calendars import connecting
from flask_booking.calendars.memory import Memory
from flask_booking.models import (
    Connection,
    EventState,
    MessageState,
    OutboxMessage,
)
from flask_booking.models.columns import utcnow
from flask_booking.scheduling import BookingRequest, book, cancel, intake, reschedule
from flask_booking.state import session
from tests.conferencing.conftest import GUEST, Office
from tests.conferencing.trying import down, event


def waited(office: Office, delta: dt.timedelta) -> None:
    """Let what waits to be entered be that much older, and due."""
    for row in office.rows(OutboxMessage.topic == "calendar", OutboxMessage.state == MessageState.WAITING):
        row.created_at, row.due_at = utcnow() - delta, utcnow()
    session().commit()


def test_a_guest_who_has_waited_an_hour_for_a_calendars_invitation_gets_ours(office: Office, inviting: Memory) -> None:
    booking = office.book()
    down(office, 3)
    office.deliver()
    assert not office.entries(GUEST), "it may still come from the calendar"
    for minutes in (61, 120):
        waited(office, dt.timedelta(minutes=minutes))
        office.deliver()
        [entry] = office.entries(GUEST)
        assert (entry.uid, entry.starts) == (booking.uid, booking.starts_at)
    assert event().state is EventState.WANTED, "the host's calendar is tried for longer"
    waited(office, dt.timedelta(hours=3))
    office.deliver()
    assert event().state is EventState.WRITTEN
    [draft] = inviting.calendars_by_id["work"].drafts.values()
    assert not draft.invite, "a guest isn't invited twice"
    reschedule(booking.id, office.ann.tomorrow(16), actor="guest")
    office.deliver()
    [entry] = office.entries(GUEST)
    assert (entry.starts, entry.sequence) == (office.ann.tomorrow(16), 1)


def test_before_a_meeting_that_begins_soon_nobody_waits_for_an_invitation(office: Office, inviting: Memory) -> None:
    soon = utcnow().replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=2)
    checked = intake.check(office.ann.event, name="Grace Hopper", email=GUEST, time_zone="Europe/Paris")
    booking = book(office.ann.event.id, BookingRequest(soon, checked))
    down(office)
    office.deliver()
    [entry] = office.entries(GUEST)
    assert (entry.uid, entry.starts) == (booking.uid, soon)


def test_a_service_that_has_invited_goes_on_while_it_is_tried(office: Office, inviting: Memory) -> None:
    booking = office.book()
    office.deliver()
    reschedule(booking.id, office.ann.tomorrow(16), actor="guest")
    down(office, 2)
    office.deliver()
    waited(office, dt.timedelta(hours=2))
    office.deliver()
    assert not office.entries(GUEST), "its own calendar's service tells of the move, or we do at the end"
    assert event().invites


def test_disconnecting_a_calendar_leaves_no_guest_without_an_invitation(office: Office, inviting: Memory) -> None:
    booking = office.book()
    down(office)
    office.deliver()
    assert not office.entries(GUEST)
    connecting.disconnect(session().query(Connection).filter_by(provider="memory").one())
    office.deliver()
    [entry] = office.entries(GUEST)
    assert (entry.uid, entry.starts) == (booking.uid, booking.starts_at)
    cancel(booking.id, actor="guest")
    office.deliver()
    assert not office.entries(GUEST)
