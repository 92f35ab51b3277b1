"""What Ann's guests do, and what her readers' mail clients make of the mails."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask_booking.crm import Guest
from flask_booking.models import Booking
from flask_booking.scheduling import reserve
from flask_booking.scheduling.intake import Intake
from tests.fixtures.mail import MailServer
from tests.fixtures.people import Bookable
from tests.messages.mail_client import MailClient

GUEST = "grace@example.com"
HOST = "ann@example.com"


def book(ann: Bookable, *, start: dt.datetime | None = None, **guest: Any) -> Booking:
    values = {"name": "Grace Hopper", "email": GUEST, "time_zone": "Europe/Paris", "locale": "en"}
    intake = Intake(
        guest=Guest(**values | guest),
        answers=[{"id": "q1", "label": "What about?", "kind": "short", "value": "Ships", "text": "Ships"}],
        location={"kind": "link", "text": "Video call", "url": "https://meet.example.com/abc"},
        notes="See you.",
    )
    return reserve.book(ann.event.id, reserve.BookingRequest(start=start or ann.tomorrow(), intake=intake))


def clients(smtp: MailServer, *addresses: str) -> list[MailClient]:
    """What each reader's client has made of everything that was delivered, in order."""
    made = []
    for address in addresses:
        client = MailClient(address)
        for delivered in smtp.delivered:
            if address in delivered.recipients:
                client.receive(delivered.raw)
        made.append(client)
    return made


def subjects(client: MailClient) -> list[str]:
    return [str(message["Subject"]).partition(":")[0] for message in client.inbox]
