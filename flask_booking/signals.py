"""What happened, told after commit.  A receiver's error is logged and never reaches the guest.

Each signal's sender is the Flask app; those about bookings carry ``booking`` (:class:`~flask_booking.models.Booking`)
and ``entry`` (:class:`~flask_booking.models.HistoryEntry`).
"""

from __future__ import annotations

import logging
import typing as t

from blinker import NamedSignal, Namespace
from flask import current_app

from .errors import frames_of
from .models import Booking, HistoryEntry, HistoryKind
from .state import session

_signals = Namespace()
_log = logging.getLogger(__name__)

booking_booked = _signals.signal("booking-booked")
"""A guest booked, and the meeting is confirmed."""
booking_requested = _signals.signal("booking-requested")
"""A guest asked for a time that the host must accept."""
booking_accepted = _signals.signal("booking-accepted")
"""The host accepted a request."""
booking_declined = _signals.signal("booking-declined")
"""The host declined a request, or it expired."""
booking_rescheduled = _signals.signal("booking-rescheduled")
"""The meeting has another time; ``entry.detail["from"]`` is the old one (ISO 8601)."""
booking_cancelled = _signals.signal("booking-cancelled")
"""The meeting won't be held."""
booking_completed = _signals.signal("booking-completed")
"""The meeting was held, as far as anybody said."""
booking_no_show = _signals.signal("booking-no-show")
"""The guest didn't come."""
booking_reassigned = _signals.signal("booking-reassigned")
"""Another host holds the meeting."""

outbox_filled = _signals.signal("outbox-filled")
"""Messages ``ids`` were committed and are due: wakes a worker.  Nothing is lost when nobody hears it."""

calendars_due = _signals.signal("calendars-due")
"""Connected calendars ``ids`` are to be read now: wakes a worker.  Nothing is lost when nobody hears it."""

BY_KIND: dict[HistoryKind, NamedSignal] = {
    kind: _signals.signal(f"booking-{kind.replace('_', '-')}") for kind in HistoryKind
}


def announce(kind: HistoryKind, booking: Booking, entry: HistoryEntry) -> None:
    """Send the signal of ``entry``, whose kind this is; call it after commit."""
    _send(BY_KIND[kind], booking=booking, entry=entry)


def ring(message_ids: list[int]) -> None:
    """Wake the workers for these messages; call it after commit."""
    _send(outbox_filled, ids=message_ids)


def wake_readers(calendar_ids: list[int]) -> None:
    """Wake the workers to read these calendars; call it after commit."""
    if calendar_ids:
        _send(calendars_due, ids=calendar_ids)


def _send(signal: NamedSignal, **said: t.Any) -> None:
    app: t.Any = current_app._get_current_object()  # type: ignore[attr-defined]
    for receiver in signal.receivers_for(app):
        try:
            receiver(app, **said)
        except Exception as error:
            # What it left half done in the session would stand in the way of the answer.
            session().rollback()
            failed = type(error).__name__
            _log.error("a receiver of the signal %s failed: %s\n%s", signal.name, failed, frames_of(error))
