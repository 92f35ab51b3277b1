"""Bookings as events, for tests of calendar providers."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from typing import Any

from flask_booking.calendars.provider import EventDraft, Guest, Window

DAY = 86_400


def at(text: str) -> int:
    """Epoch seconds of a UTC time such as ``2026-12-01 10:00``."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp())


WINDOW = Window(at("2026-11-01 00:00"), at("2027-02-01 00:00"))


def a_draft(**changes: Any) -> EventDraft:
    """A booking with one guest."""
    name = uuid.uuid4().hex
    draft = EventDraft(
        key=name[:26],
        booking=f"bk-{name[:8]}",
        uid=f"booking-{name}@crm.example.com",
        sequence=0,
        starts=at("2026-12-01 10:00"),
        ends=at("2026-12-01 10:30"),
        time_zone="Europe/Berlin",
        title="Intro call: Bob, with «quotes»; and, commas",
        description="First line\nSecond line: https://crm.example.com/b/1",
        location="Room 1, Main Street",
        url="https://crm.example.com/b/1",
        organizer=Guest("CRM", "bookings@crm.example.com"),
        guests=(Guest('Bob "B" Brown', "bob@example.net"),),
    )
    return dataclasses.replace(draft, **changes)
