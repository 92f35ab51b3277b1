"""What a CRM imports to test its own mounting: a host who can be booked, bookings, mails, and a guest's whole way.

Plain functions for any test runner; each needs an application context of the app that is tested.  Fixtures for pytest
are in :mod:`flask_booking.testing.fixtures`.
"""

from __future__ import annotations

from .mails import Delivered, deliver
from .mounted import assert_mounted
from .people import Bookable, book, booking_host, open_slots
from .way import walk

__all__ = ["Bookable", "Delivered", "assert_mounted", "book", "booking_host", "deliver", "open_slots", "walk"]
