"""A booking's page tells how it stands with its event in the calendar, and the host decides."""

from __future__ import annotations

import datetime as dt

import pytest

from flask_booking import jobs
from flask_booking.calendars import mirror
from flask_booking.calendars.memory import Memory
from flask_booking.connections.problems import Unreachable
from flask_booking.models import (
    Booking,
    BookingStatus,
    CalendarEvent,
    MessageState,
    OutboxMessage,
)
from flask_booking.models.columns import utcnow
from flask_booking.state import session
from tests.settings.calendars.ways import (
    calendars,
)
from tests.settings.conftest import Office, Screens, tomorrow


@pytest.fixture
def booked(connected: Office, memory: Memory) -> str:
    """A booking tomorrow at ten that was entered into Work; its id in addresses."""
    booking = connected.booking("ann", tomorrow(10))
    with connected.app.app_context():
        jobs.deliver_due(connected.app)
        assert len(memory.calendars_by_id["work"].events) == 1
    return booking


def entered(memory: Memory) -> str:
    """The key of the booking's event in Work."""
    (key,) = memory.calendars_by_id["work"].drafts
    return key


def read_work(office: Office) -> None:
    with office.app.app_context():
        mirror.sync(calendars(office)["Work"].id)
        session().rollback()


def moved_by_hand(office: Office, memory: Memory, hour: int = 15) -> None:
    start = int(tomorrow(hour).timestamp())
    memory.move(entered(memory), start, start + 1800)
    read_work(office)


def deliver(office: Office) -> None:
    with office.app.app_context():
        jobs.deliver_due(office.app)


def test_a_booking_says_in_which_calendar_it_is(ann: Screens, booked: str) -> None:
    assert "Calendar In Work" in ann.text(f"/bookings/{booked}")
    assert "Event in the calendar Done" in ann.text(f"/bookings/{booked}")


def test_a_moved_event_is_shown_and_the_booking_moved_there(
    connected: Office, ann: Screens, memory: Memory, booked: str
) -> None:
    moved_by_hand(connected, memory)
    assert "The event with Sam Guest was moved in your calendar" in ann.text("/")
    text = ann.text(f"/bookings/{booked}")
    assert "The event was moved in the calendar, to" in text
    assert "15:00 – 15:30" in text
    ann.post(f"/bookings/{booked}/events/{entered(memory)}/follow")
    text = ann.text(f"/bookings/{booked}")
    assert "Moved. Sam Guest gets a mail with the new time." in text
    assert "15:00 – 15:30" in text
    assert "The event was moved" not in text
    deliver(connected)
    assert "Nothing waits for you." in ann.text("/")


def test_a_moved_event_is_put_back(connected: Office, ann: Screens, memory: Memory, booked: str) -> None:
    moved_by_hand(connected, memory)
    ann.post(f"/bookings/{booked}/events/{entered(memory)}/write")
    text = ann.text(f"/bookings/{booked}")
    assert "The event is being entered into the calendar." in text
    assert "On its way into Work" in text
    deliver(connected)
    assert memory.calendars_by_id["work"].events[entered(memory)].starts == int(tomorrow(10).timestamp())
    read_work(connected)
    assert "Calendar In Work" in ann.text(f"/bookings/{booked}")
    assert "Nothing waits for you." in ann.text("/")


def test_a_deleted_event_is_put_back(connected: Office, ann: Screens, memory: Memory, booked: str) -> None:
    memory.delete(entered(memory))
    read_work(connected)
    assert "The event with Sam Guest was deleted from your calendar" in ann.text("/")
    text = ann.text(f"/bookings/{booked}")
    assert "Put the event back" in text
    assert "Move the meeting there" not in text
    ann.post(f"/bookings/{booked}/events/{entered(memory)}/write")
    deliver(connected)
    assert len(memory.calendars_by_id["work"].events) == 1
    read_work(connected)
    assert "Nothing waits for you." in ann.text("/")


def test_a_declined_meeting_is_cancelled_or_accepted_in_the_calendar(
    connected: Office, ann: Screens, memory: Memory, booked: str
) -> None:
    memory.decline(entered(memory))
    read_work(connected)
    text = ann.text(f"/bookings/{booked}")
    assert "To keep it, accept it there." in text
    assert "Put the event back" not in text, "it would still be declined"
    ann.post(f"/bookings/{booked}/cancel")
    deliver(connected)
    assert memory.calendars_by_id["work"].events == {}
    assert "Taken out of Work" in ann.text(f"/bookings/{booked}")
    assert "Nothing waits for you." in ann.text("/")


def test_a_booking_doesnt_follow_its_event_where_another_meeting_is(
    connected: Office, ann: Screens, memory: Memory, booked: str
) -> None:
    key = entered(memory)
    connected.booking("ann", tomorrow(15), email="other@example.com")
    start = int(tomorrow(15).timestamp())
    memory.move(key, start, start + 1800)
    read_work(connected)
    ann.post(f"/bookings/{booked}/events/{key}/follow")
    text = ann.text(f"/bookings/{booked}")
    assert "The meeting stays where it is:" in text
    assert "Move the meeting there" in text, "the host may decide otherwise"


def test_an_event_that_couldnt_be_written_is_told_and_tried_again(
    connected: Office, ann: Screens, memory: Memory
) -> None:
    from flask_booking.connections.problems import NotAllowed

    memory.troubles.append(NotAllowed("403"))
    booking = connected.booking("ann", tomorrow(10))
    deliver(connected)
    assert "The meeting with Sam Guest couldn't be entered into your calendar" in ann.text("/")
    assert "wasn't sent" not in ann.text("/")
    text = ann.text(f"/bookings/{booking}")
    assert "Couldn't be entered into Work The calendar doesn't allow it. Try again" in text
    with connected.app.app_context():
        key = session().query(CalendarEvent).one().key
    ann.post(f"/bookings/{booking}/events/{key}/write")
    deliver(connected)
    assert "Calendar In Work" in ann.text(f"/bookings/{booking}")
    assert "Nothing waits for you." in ann.text("/")


def given_up(office: Office, memory: Memory) -> None:
    """Have the calendar be away while what waits for it is tried for the last time."""
    memory.troubles += [Unreachable("503")] * 2
    with office.app.app_context():
        for message in session().query(OutboxMessage).filter_by(topic="calendar", state=MessageState.WAITING):
            message.attempts, message.due_at = office.app.config["BOOKING_MAX_ATTEMPTS"] - 1, utcnow()
        session().commit()
    deliver(office)
    memory.troubles.clear()


def test_an_event_that_was_tried_in_vain_is_told_and_tried_again(
    connected: Office, ann: Screens, memory: Memory
) -> None:
    booking = connected.booking("ann", tomorrow(10))
    given_up(connected, memory)
    assert "The meeting with Sam Guest couldn't be entered into your calendar" in ann.text("/")
    text = ann.text(f"/bookings/{booking}")
    assert "Couldn't be entered into Work It failed again and again, and isn't tried by itself any more. Try" in text
    assert "We keep trying" not in text
    with connected.app.app_context():
        key = session().query(CalendarEvent).one().key
    ann.post(f"/bookings/{booking}/events/{key}/write")
    deliver(connected)
    assert "Calendar In Work" in ann.text(f"/bookings/{booking}")
    assert "Nothing waits for you." in ann.text("/")


def test_an_event_that_couldnt_be_taken_out_is_told_and_tried_again(
    connected: Office, ann: Screens, memory: Memory, booked: str
) -> None:
    ann.post(f"/bookings/{booked}/cancel")
    given_up(connected, memory)
    assert "The cancelled meeting with Sam Guest couldn't be taken out of your calendar" in ann.text("/")
    assert "Couldn't be taken out of Work" in ann.text(f"/bookings/{booked}")
    ann.post(f"/bookings/{booked}/events/{entered(memory)}/write")
    deliver(connected)
    assert memory.calendars_by_id["work"].events == {}
    assert "Taken out of Work" in ann.text(f"/bookings/{booked}")
    assert "Nothing waits for you." in ann.text("/")


def test_an_event_that_couldnt_be_entered_is_called_so_also_when_the_meeting_was_held(
    connected: Office, ann: Screens, memory: Memory
) -> None:
    booking = connected.booking("ann", tomorrow(10))
    given_up(connected, memory)
    with connected.app.app_context():
        row = session().query(Booking).one()
        row.status, row.starts_at = BookingStatus.COMPLETED, utcnow() - dt.timedelta(hours=2)
        row.ends_at = row.starts_at + dt.timedelta(minutes=30)
        session().commit()
    assert "Couldn't be entered into Work" in ann.text(f"/bookings/{booking}")


def test_a_host_decides_only_about_events_of_meetings_that_exist(
    connected: Office, ann: Screens, memory: Memory, booked: str
) -> None:
    for action in ("follow", "write"):
        assert ann.post(f"/bookings/{booked}/events/unknown/{action}").status_code == 404
    ann.post(f"/bookings/{booked}/events/{entered(memory)}/follow")
    assert "The meeting stays where it is:" in ann.text(f"/bookings/{booked}"), "it wasn't moved"
