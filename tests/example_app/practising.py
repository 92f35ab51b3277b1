"""What Ann does with her practice calendar, in short."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from example_app.practice import connection
from example_app.practice.entries import Entry
from flask_booking import jobs, scheduling
from flask_booking.calendars import mirror
from flask_booking.models import Connection
from tests.example_app.conftest import ANNS_ZONE, Practice
from tests.public.guest import text_of

PAGE = "/practice-calendar/"


def offered(practice: Practice, slug: str = "intro") -> list[datetime]:
    """When Ann's guests can book in the next weeks."""
    with practice.app.app_context():
        event, now = scheduling.find_event("ann", slug), int(time.time())
        starts = scheduling.offers(event, start=now, end=now + 30 * 86_400).starts
        return [datetime.fromtimestamp(start, ANNS_ZONE) for start in starts]


def closed(practice: Practice, entry: Entry) -> bool:
    """Whether nothing is offered that an entry is in the way of."""
    return not any(entry.starts <= start < entry.ends for start in offered(practice))


def enter(practice: Practice, title: str = "Call the bank", **more: Any) -> Entry:
    """An entry at a time that guests could have had, which booking has read."""
    start = offered(practice)[-1]
    practice.calendar.add(title, start, start + timedelta(minutes=30), **more)
    with practice.app.app_context():
        assert all(mirror.sync(calendar.id) for calendar in ours(practice).calendars)
    return practice.entry(title)


def read(client: FlaskClient) -> None:
    assert "Booking has read the calendar." in follow(client, client.post(f"{PAGE}read"))


def follow(client: FlaskClient, answer: TestResponse) -> str:
    assert answer.status_code == 302, answer.text
    return text_of(client.get(answer.location))


def deliver(practice: Practice) -> None:
    with practice.app.app_context():
        jobs.deliver_due(practice.app)


def typed(start: datetime, minutes: int = 30, **more: str) -> dict[str, str]:
    """The form for a new entry, filled in."""
    ends = start + timedelta(minutes=minutes)
    return {
        "title": "Call the bank",
        "day": f"{start:%Y-%m-%d}",
        "starts": f"{start:%H:%M}",
        "ends": f"{ends:%H:%M}",
        "show": "busy",
        **more,
    }


def ours(practice: Practice) -> Connection:
    (found,) = connection.connections()
    return found
