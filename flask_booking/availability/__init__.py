"""When a host can be booked, decided in one place for the page, the booking and the explanation.

Pure: values in, slots and reasons out, with no database, no framework and no clock of its own.
"""

from __future__ import annotations

from flask_booking.availability.assignment import refusal_all, refusal_any, slots_all, slots_any
from flask_booking.availability.hours import dates_needed, open_time
from flask_booking.availability.offers import explain, reach, refusal, slots, valid_until
from flask_booking.availability.rules import (
    TAKEN,
    Busy,
    Calendar,
    Hours,
    Limits,
    Occupied,
    Range,
    Reason,
    Rules,
    Verdict,
    Window,
    WindowKind,
)

__all__ = [
    "TAKEN",
    "Busy",
    "Calendar",
    "Hours",
    "Limits",
    "Occupied",
    "Range",
    "Reason",
    "Rules",
    "Verdict",
    "Window",
    "WindowKind",
    "dates_needed",
    "explain",
    "open_time",
    "reach",
    "refusal",
    "refusal_all",
    "refusal_any",
    "slots",
    "slots_all",
    "slots_any",
    "valid_until",
]
