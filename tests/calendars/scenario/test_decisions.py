"""What a host may decide about an event that was changed works at each service, also when it is gone by then."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_booking import jobs
from flask_booking.calendars import differences, mirror
from flask_booking.models import Booking, BookingStatus, CalendarEvent, ConnectedCalendar, Difference, EventState
from flask_booking.scheduling import BookingRequest, book, cancel, find_event, offers, reschedule
from flask_booking.state import session
from tests.calendars.scenario.conftest import begin
from tests.calendars.scenario.sides import Side, Times
from tests.calendars.scenario.world import OFFERED
from tests.fixtures.mail import MailServer
from tests.scheduling.bookable import guest, instant, midnight

DONE_THERE = {Difference.MOVED: "move", Difference.DECLINED: "decline", Difference.DELETED: "delete"}
WAYS = [(difference, way) for difference in DONE_THERE for way in OFFERED[difference]]


@pytest.fixture
def booking(app: Flask, side: Side, smtp: MailServer) -> int:
    """The key of a meeting tomorrow that is in the calendar; Ann wants to be asked."""
    begin(side, smtp, invites=False, follows=False)
    address = find_event("ann", "intro")
    [start, *_later] = offers(address, start=midnight(1), end=midnight(2), duration=30).starts
    booking_id = book(address.event_type_id, BookingRequest(instant(start), guest())).id
    work(app)
    return booking_id


def work(app: Flask) -> None:
    session().rollback()
    jobs.deliver_due(app)
    session().rollback()


def read() -> None:
    mirror.sync(session().scalars(sa.select(ConnectedCalendar.id)).one(), full=True)
    session().rollback()


def event() -> CalendarEvent:
    session().rollback()
    return session().scalars(sa.select(CalendarEvent).execution_options(populate_existing=True)).one()


def times(booking_id: int) -> Times:
    session().rollback()
    booking = session().get_one(Booking, booking_id, populate_existing=True)
    return int(booking.starts_at.timestamp()), int(booking.ends_at.timestamp())


def there(side: Side) -> list[Times]:
    return [at for _event, _mark, at in side.own()]


@pytest.mark.parametrize("gone", [False, True], ids=["", "gone"])
@pytest.mark.parametrize(("difference", "way"), WAYS)
def test_each_way_that_is_offered_ends_in_agreement(
    app: Flask, side: Side, booking: int, difference: Difference, way: str, gone: bool
) -> None:
    [(name, _mark, before)] = side.own()
    later = (before[0] + 7200, before[1] + 7200)
    if difference is Difference.MOVED:
        side.move(name, later)
    elif difference is Difference.DECLINED:
        side.decline(name)
    else:
        side.delete(name)
    read()
    assert way in OFFERED[event().difference], "a CalDAV server has no declined events: they are gone"
    assert event().difference is not Difference.NONE
    if gone and difference is not Difference.DELETED:
        side.delete(name)  # before anybody has decided
    if way == "follow":
        differences.follow(event())
    elif way == "cancel":
        cancel(booking, actor="host")
    else:
        assert differences.put_back(event())
    work(app)
    expected = {"follow": [later], "put back": [before], "cancel": []}[way]
    assert there(side) == expected
    status = session().get_one(Booking, booking, populate_existing=True).status
    assert status is (BookingStatus.CANCELLED if way == "cancel" else BookingStatus.CONFIRMED)
    assert times(booking) == (later if way == "follow" else before)
    read()
    assert there(side) == expected
    row = event()
    assert (row.state, row.problem) == (EventState.REMOVED if way == "cancel" else EventState.WRITTEN, "")
    assert row.difference is Difference.NONE
    assert session().scalars(differences.open_ones(row.host_id)).all() == []


def test_a_calendar_that_is_gone_with_the_event_is_given_up_and_can_be_tried_again(
    app: Flask, side: Side, booking: int
) -> None:
    """Only the calendar in memory can come and go."""
    if side.provider != "memory":
        return
    calendars = side.service.calendars_by_id  # type: ignore[attr-defined]
    calendar = calendars.pop("work")
    assert differences.put_back(event())
    work(app)
    assert (event().state, event().problem) == (EventState.FAILED, "gone")
    calendars["work"] = calendar
    assert differences.put_back(event())
    work(app)
    assert event().state is EventState.WRITTEN
    assert there(side) == [times(booking)]


def test_there_is_nothing_to_put_an_event_back_into_once_its_account_is_disconnected(
    app: Flask, side: Side, booking: int
) -> None:
    event().calendar_id = None
    session().commit()
    assert not differences.put_back(event())


def test_a_meeting_moved_by_its_guest_meanwhile_answers_the_question(app: Flask, side: Side, booking: int) -> None:
    [(name, _mark, _before)] = side.own()
    side.delete(name)
    read()
    assert event().difference is Difference.DELETED
    later = instant(times(booking)[0]) + dt.timedelta(hours=2)
    reschedule(booking, later, actor="guest")
    work(app)
    assert there(side) == [times(booking)]
    assert event().difference is Difference.NONE
