"""The only writers of bookings: each operation is one transaction, and sends nothing itself."""

from .change import accept, cancel, complete_past, decline, follow_calendar, mark, reassign, remind_guest, reschedule
from .find import booking_by_public_id, booking_by_token, page_by_slug
from .hold import place_hold, release_hold
from .offers import EventAddress, Offers, explain_day, find_event, nearest, next_slot, offers
from .reserve import BookingRequest, asked_before, book, booked_before, booked_by_form, booking_of_form

__all__ = [
    "BookingRequest",
    "EventAddress",
    "Offers",
    "accept",
    "asked_before",
    "book",
    "booked_before",
    "booked_by_form",
    "booking_by_public_id",
    "booking_by_token",
    "booking_of_form",
    "cancel",
    "complete_past",
    "decline",
    "explain_day",
    "find_event",
    "follow_calendar",
    "mark",
    "nearest",
    "next_slot",
    "offers",
    "page_by_slug",
    "place_hold",
    "reassign",
    "release_hold",
    "remind_guest",
    "reschedule",
]
