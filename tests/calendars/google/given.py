"""A booking of Ann's, and how tests read what her Google Calendar has."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask_booking.calendars.google import Google
from flask_booking.calendars.provider import Changes, EventDraft, Guest, RemoteCalendar, RemoteEvent, Window, Written
from flask_booking.connections.access import FixedToken, OAuthAccess
from tests.fakes.google import Google as FakeGoogle

ANN = "ann@example.com"
HOUR, DAY = 3600, 86_400
T0 = int(dt.datetime(2030, 3, 1, tzinfo=dt.UTC).timestamp())
"""The stand-in's today."""
WINDOW = Window(T0, T0 + 60 * DAY)
DAILY = ["RRULE:FREQ=DAILY;COUNT=5"]
FIVE = [f"series1_203003{day:02d}T100000Z" for day in range(2, 7)]
"""The occurrences of the series in `conftest`."""
provider = Google()


def signed_in(google: FakeGoogle, email: str = ANN, **more: Any) -> OAuthAccess:
    return OAuthAccess(FixedToken(google.token_of(google.allow(email, **more))), account=email)


def draft(**more: Any) -> EventDraft:
    key = "0123456789abcdefghijklmnop"
    known: dict[str, Any] = {
        "key": key, "booking": "42", "uid": f"{key}@google.com", "sequence": 0, "starts": T0 + 10 * HOUR,
        "ends": T0 + 11 * HOUR, "time_zone": "Europe/Berlin", "title": "Intro call with Gus",
        "description": "What it is about", "guests": (Guest("Gus", "gus@example.net"),),
    }  # fmt: skip
    return EventDraft(**(known | more))


def write(access: OAuthAccess, calendar: RemoteCalendar, wanted: EventDraft, known: Written | None = None) -> Written:
    return provider.write(access, calendar, wanted, known)


def only(changes: Changes) -> RemoteEvent:
    """The one event that there is."""
    (event,) = [event for resource in changes.resources for event in resource.events]
    return event


def ids(changes: Changes) -> list[str]:
    return sorted(event.id for resource in changes.resources for event in resource.events)
