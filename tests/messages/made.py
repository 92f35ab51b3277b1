"""Values that the tests of this folder speak about."""

from __future__ import annotations

import datetime as dt
from email.message import EmailMessage
from typing import Any

from flask_booking.messages.email import compose
from flask_booking.messages.invitation import (
    Invitation,
    Method,
    Person,
    Status,
    guest_attends,
    host_attends,
)
from flask_booking.messages.view import Answer, MeetingView

STARTS = dt.datetime(2026, 12, 3, 13, tzinfo=dt.UTC)
ENDS = STARTS + dt.timedelta(hours=1)
STAMP = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)
ANN = Person("Ann Meyer", "ann@example.com")
GRACE = Person("Grace Hopper", "grace@example.com")
MAILBOX = Person("Ann Meyer", "bookings@example.com")


def invitation(guest: Person = GRACE, **changes: Any) -> Invitation:
    values: dict[str, Any] = {
        "method": Method.REQUEST,
        "uid": "booking-abc@flask-booking",
        "sequence": 0,
        "starts": STARTS,
        "ends": ENDS,
        "stamp": STAMP,
        "status": Status.CONFIRMED,
        "summary": "Consultation with Ann Meyer",
        "organizer": MAILBOX,
        "attendees": (host_attends(ANN), guest_attends(guest)),
        "description": "We look at where you stand.\nBring a question; leave with a plan, or two.",
        "location": "https://meet.example.com/abc",
        "url": "https://crm.example.com/book/manage/abc",
    }
    return Invitation(**values | changes)


def cancellation(**changes: Any) -> Invitation:
    return invitation(**{"method": Method.CANCEL, "status": Status.CANCELLED, "sequence": 1} | changes)


def mail(recipient: Person = GRACE, **changes: Any) -> EmailMessage:
    values: dict[str, Any] = {
        "sender": MAILBOX,
        "reply_to": ANN,
        "recipient": recipient,
        "subject": "Confirmed: Consultation with Ann Meyer",
        "text": "Hello\n\n.\nFrom the café 😀\n",
        "html": "<p>Hello from the café 😀</p>",
        "invitation": invitation(recipient),
        "message_id": "<0123456789abcdef@example.com>",
        "date": STAMP,
    }
    return compose(**values | changes)


def view(**changes: Any) -> MeetingView:
    values: dict[str, Any] = {
        "uid": "booking-abc@flask-booking",
        "sequence": 0,
        "title": "Consultation",
        "starts": STARTS,
        "ends": ENDS,
        "reader_zone": "Europe/Paris",
        "locale": "en",
        "host_names": ("Ann Meyer",),
        "host_emails": ("ann@example.com",),
        "guest_name": "Grace Hopper",
        "guest_email": "grace@example.com",
        "guest_phone": "+33 6 12 34 56 78",
        "guest_zone": "Europe/Paris",
        "location_kind": "link",
        "location_text": "Video call",
        "location_url": "https://meet.example.com/abc",
        "description": "Bring a question.",
        "answers": (Answer("What is it about?", "Harbour & Sons"),),
        "notes": "I may be two minutes late.",
        "policy": "Please cancel four hours before.",
        "manage_url": "https://crm.example.com/book/manage/tok",
        "reschedule_url": "https://crm.example.com/book/manage/tok/reschedule",
        "cancel_url": "https://crm.example.com/book/manage/tok/cancel",
        "booking_url": "https://crm.example.com/book/ann/consultation",
        "crm_url": "https://crm.example.com/settings/booking/bookings/1",
        "attached": True,
    }
    return MeetingView(**values | changes)
