"""Calendly-like booking for any existing Flask CRM."""

from .crm import CRM, ActivityFields, ContactFields, Guest, Happening, UserFields
from .errors import BookingConfigError, BookingError
from .extension import FlaskBooking

__all__ = [
    "CRM",
    "ActivityFields",
    "BookingConfigError",
    "BookingError",
    "ContactFields",
    "FlaskBooking",
    "Guest",
    "Happening",
    "UserFields",
]
__version__ = "0.1.0"
