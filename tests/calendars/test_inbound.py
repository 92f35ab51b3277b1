"""What a host does to a booking's event in the calendar: the booking follows, or the host is asked."""

from __future__ import annotations

import pytest

from flask_booking.connections.problems import Unreachable
from flask_booking.models import (
    Booking,
    BookingStatus,
    CalendarChanges,
    CalendarEvent,
    Difference,
    EventState,
    HistoryKind,
    MessageState,
)
from flask_booking.scheduling import find_event, offers, reschedule
from flask_booking.state import session
from tests.calendars.conftest import Office
from tests.calendars.made import changed
from tests.scheduling.bookable import HOUR


@pytest.fixture
def booked(office: Office) -> Booking:
    """A meeting tomorrow at noon, which is in the calendar."""
    booking = office.book(12)
    office.deliver()
    office.sync()
    return booking


def let_follow(office: Office) -> None:
    office.ann.host.calendar_changes = CalendarChanges.FOLLOW
    session().commit()


def moved(office: Office, hour: int, hours: float = 0.5) -> None:
    start = office.epoch(office.ann.tomorrow(hour))
    office.service.move(office.event().remote_id, start, start + int(hours * HOUR))


def fresh(booking: Booking) -> Booking:
    session().expire_all()
    return session().get_one(Booking, booking.id)


def kinds(booking: Booking) -> list[HistoryKind]:
    return [entry.kind for entry in fresh(booking).history]


def test_nothing_follows_from_nothing(office: Office, booked: Booking) -> None:
    for full in (False, True, True):
        office.sync(full=full)
    assert office.event().difference is Difference.NONE
    assert kinds(booked) == [HistoryKind.BOOKED]


class TestShown:
    """Unless the host wished otherwise, a difference is shown and decided by a person."""

    def test_a_moved_event_is_shown_and_the_booking_stays(self, office: Office, booked: Booking) -> None:
        moved(office, 15)
        office.sync()
        event = office.event()
        assert event.difference is Difference.MOVED
        assert event.seen_starts == office.epoch(office.ann.tomorrow(15))
        assert fresh(booked).starts_at == office.ann.tomorrow(12)

    def test_a_deleted_event_is_shown_and_the_booking_stays(self, office: Office, booked: Booking) -> None:
        office.service.delete(office.event().remote_id)
        office.sync()
        assert office.event().difference is Difference.DELETED
        assert fresh(booked).status is BookingStatus.CONFIRMED

    def test_a_declined_event_is_shown(self, office: Office, booked: Booking) -> None:
        office.service.decline(office.event().remote_id)
        office.sync()
        assert office.event().difference is Difference.DECLINED

    def test_what_is_put_back_is_shown_no_more(self, office: Office, booked: Booking) -> None:
        moved(office, 15)
        office.sync()
        moved(office, 12)
        office.sync()
        assert office.event().difference is Difference.NONE

    def test_both_times_stay_closed_while_nobody_has_decided(self, office: Office, booked: Booking) -> None:
        moved(office, 15)
        office.sync()
        noon = office.epoch(office.ann.tomorrow(12))
        found = offers(find_event("ann", "intro"), start=noon, end=noon + 12 * HOUR).starts
        assert noon not in found
        assert noon + 3 * HOUR not in found


class TestFollowed:
    """A host who wants bookings to follow the calendar."""

    @pytest.fixture(autouse=True)
    def follow(self, office: Office) -> None:
        let_follow(office)

    def test_a_moved_event_moves_the_booking_and_the_guest_is_told(self, office: Office, booked: Booking) -> None:
        moved(office, 15)
        office.sync()
        booking = fresh(booked)
        assert (booking.starts_at, booking.ends_at) == (office.ann.tomorrow(15), office.ann.tomorrow(15, 30))
        assert kinds(booked) == [HistoryKind.BOOKED, HistoryKind.RESCHEDULED]
        told = [mail for mail in office.messages("mail") if mail.kind == "rescheduled"]
        assert {mail.recipient for mail in told} == {"sam@example.com", "ann@example.com"}
        office.deliver()
        for full in (False, True):
            office.sync(full=full)
        assert office.event().difference is Difference.NONE
        assert kinds(booked) == [HistoryKind.BOOKED, HistoryKind.RESCHEDULED]
        (event,) = office.service.calendars_by_id["work"].events.values()
        assert event.starts == office.epoch(office.ann.tomorrow(15))

    def test_a_host_may_overrule_the_own_hours_and_length(self, office: Office, booked: Booking) -> None:
        moved(office, 15, 1.75)
        office.sync()
        booking = fresh(booked)
        assert (booking.ends_at - booking.starts_at).total_seconds() == 1.75 * HOUR

    def test_a_deleted_event_cancels_the_booking_and_the_guest_is_told(self, office: Office, booked: Booking) -> None:
        office.service.delete(office.event().remote_id)
        office.sync()
        booking = fresh(booked)
        assert (booking.status, booking.cancelled_by) == (BookingStatus.CANCELLED, "host")
        assert booking.reason
        office.deliver()
        assert office.event().state is EventState.REMOVED
        assert office.states("calendar") == [MessageState.DONE] * 2

    def test_a_declined_event_cancels_the_booking(self, office: Office, booked: Booking) -> None:
        office.service.decline(office.event().remote_id)
        office.sync()
        assert fresh(booked).status is BookingStatus.CANCELLED

    def test_where_another_meeting_is_the_host_is_asked(self, office: Office, booked: Booking) -> None:
        other = office.book(15, email="lea@example.com")
        office.deliver()
        events = office.service.calendars_by_id["work"].events.values()
        event = next(one for one in events if one.booking != other.public_id)
        start = office.epoch(office.ann.tomorrow(15))
        office.service.move(event.id, start, start + HOUR // 2)
        office.sync()
        assert fresh(booked).starts_at == office.ann.tomorrow(12)
        differences = {one.booking_id: one.difference for one in session().query(CalendarEvent)}
        assert differences == {booked.id: Difference.MOVED, other.id: Difference.NONE}
        office.sync(full=True)  # and isn't tried again with each reading
        assert kinds(booked) == [HistoryKind.BOOKED]

    def test_a_move_into_the_past_is_not_followed(self, office: Office, booked: Booking) -> None:
        start = office.epoch(office.ann.tomorrow(12)) - 5 * 24 * HOUR
        office.service.move(office.event().remote_id, start, start + HOUR)
        office.sync()
        assert fresh(booked).starts_at == office.ann.tomorrow(12)
        assert office.event().difference is Difference.MOVED


def test_absence_is_no_proof(office: Office, booked: Booking) -> None:
    let_follow(office)
    real, event = office.service.changes, office.event()

    def changes(*args: object) -> object:
        found = real(*args)  # type: ignore[arg-type]
        kept = tuple(one for one in found.resources if one.id != event.remote_id)
        return found.__class__(kept, (event.remote_id,), found.cursor, found.complete)

    office.service.changes = changes  # type: ignore[method-assign,assignment]
    for full in (False, True):
        office.sync(full=full)
    assert fresh(booked).status is BookingStatus.CONFIRMED
    assert office.event().difference is Difference.NONE


def test_a_service_that_can_not_prove_it_now_is_asked_again_later(office: Office, booked: Booking) -> None:
    let_follow(office)
    office.service.delete(office.event().remote_id)
    real = office.service.look

    def look(*_args: object) -> None:
        raise Unreachable("503")

    office.service.look = look  # type: ignore[method-assign,assignment]
    office.sync()
    assert fresh(booked).status is BookingStatus.CONFIRMED
    office.service.look = real  # type: ignore[method-assign]
    office.sync()  # what wasn't settled is looked at with the next reading, whatever has changed since
    assert fresh(booked).status is BookingStatus.CANCELLED


def test_an_answer_that_is_older_than_what_we_wrote_moves_nothing_back(office: Office, booked: Booking) -> None:
    let_follow(office)
    real = office.service.changes

    def changes(*args: object) -> object:
        old = real(*args)  # type: ignore[arg-type]
        office.service.changes = real  # type: ignore[method-assign]
        reschedule(booked.id, office.ann.tomorrow(16), actor="guest")
        office.deliver()
        return old

    office.service.changes = changes  # type: ignore[method-assign,assignment]
    office.sync(full=True)
    assert fresh(booked).starts_at == office.ann.tomorrow(16)
    assert kinds(booked) == [HistoryKind.BOOKED, HistoryKind.RESCHEDULED]
    office.sync()
    assert office.event().difference is Difference.NONE


def test_our_own_change_on_its_way_is_no_change_of_the_hosts(office: Office, booked: Booking) -> None:
    let_follow(office)
    reschedule(booked.id, office.ann.tomorrow(16), actor="guest")
    for full in (False, True):  # the calendar still has the old time
        office.sync(full=full)
    assert fresh(booked).starts_at == office.ann.tomorrow(16)
    assert kinds(booked) == [HistoryKind.BOOKED, HistoryKind.RESCHEDULED]
    office.deliver()
    office.sync()
    assert office.event().difference is Difference.NONE
    assert office.event().starts == office.epoch(office.ann.tomorrow(16))


def test_the_last_change_wins_when_both_sides_move(office: Office, booked: Booking) -> None:
    let_follow(office)
    moved(office, 15)
    reschedule(booked.id, office.ann.tomorrow(16), actor="guest")
    office.sync()
    office.deliver()
    office.sync()
    (event,) = office.service.calendars_by_id["work"].events.values()
    assert event.starts == office.epoch(fresh(booked).starts_at) == office.epoch(office.ann.tomorrow(16))


def test_a_deletion_that_a_failure_hid_is_found_by_reading_all(office: Office, booked: Booking) -> None:
    let_follow(office)
    office.service.calendars_by_id["work"].events.clear()  # and its service tells nobody
    office.sync()
    assert fresh(booked).status is BookingStatus.CONFIRMED
    office.sync(full=True)
    assert fresh(booked).status is BookingStatus.CANCELLED


def test_meetings_of_several_hosts_are_shown_and_not_followed(office: Office) -> None:
    from example_app.models import User
    from flask_booking.models import Assignment
    from tests.scheduling.bookable import new_host

    let_follow(office)
    user = User(email="ben@example.com", name="Ben", password_hash="")
    session().add(user)
    office.ann.event.hosts = [office.ann.host, new_host(user)]
    office.ann.event.assignment = Assignment.ALL
    session().commit()
    changed(office.ann.host)
    booking = office.book(12)
    office.deliver()
    moved(office, 15)
    office.sync()
    assert fresh(booking).starts_at == office.ann.tomorrow(12)
    assert office.event().difference is Difference.MOVED
