"""Tries that fail: a service that is away, the last try of what waits, and what everybody should have then."""

from __future__ import annotations

from flask_booking.calendars import differences
from flask_booking.connections.problems import Unreachable
from flask_booking.models import (
    Booking,
    CalendarEvent,
    MessageState,
    OutboxMessage,
)
from flask_booking.models.columns import utcnow
from flask_booking.state import session
from tests.conferencing.conftest import GUEST, HOST, Office

BOTH = (GUEST, HOST)
TELLING = (OutboxMessage.topic == "mail", OutboxMessage.rule_id.is_(None))


def last_try(office: Office, topic: str = "calendar") -> None:
    """Have what waits of ``topic`` tried once more, for the last time."""
    for row in office.rows(OutboxMessage.topic == topic, OutboxMessage.state == MessageState.WAITING):
        row.attempts, row.due_at = office.app.config["BOOKING_MAX_ATTEMPTS"] - 1, utcnow()
    session().commit()
    office.deliver()


def down(office: Office, times: int = 1) -> None:
    office.memory.troubles += [Unreachable("503")] * times


def event() -> CalendarEvent:
    session().rollback()
    return session().query(CalendarEvent).populate_existing().one()


def try_again(office: Office) -> None:
    """What the host does on the booking's page."""
    assert differences.put_back(event())
    office.deliver()


def check(office: Office, booking: Booking, *, uid: str = "") -> None:
    """Guest and host have the meeting from our mails: once, and as it is now."""
    booking = office.fresh(booking)
    for reader in BOTH:
        [entry] = office.entries(reader)
        assert (entry.starts, entry.sequence) == (booking.starts_at, booking.sequence)
        assert entry.uid == (uid or booking.uid)
