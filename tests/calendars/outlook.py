"""Ann's Outlook at a stand-in for Microsoft, and the provider that asks it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask

from flask_booking.calendars.microsoft import Microsoft
from flask_booking.calendars.provider import (
    Changes,
    EventDraft,
    Guest,
    RemoteCalendar,
    RemoteEvent,
    Window,
    Written,
)
from flask_booking.config import defaults
from flask_booking.connections.access import FixedToken, OAuthAccess
from tests.fakes.microsoft import FakeMicrosoft, Mailbox, served

BERLIN = ZoneInfo("Europe/Berlin")
GUEST = Guest("Gil Guest", "gil@example.net")


def at(day: int, hour: float = 0, *, month: int = 12, zone: dt.tzinfo = dt.UTC) -> int:
    """An instant in 2026."""
    wall = dt.datetime(2026, month, day, tzinfo=zone) + dt.timedelta(hours=hour)
    return int(wall.timestamp())


DECEMBER = Window(at(1), at(31))


@dataclass
class Outlook:
    fake: FakeMicrosoft
    ann: Mailbox
    access: OAuthAccess
    calendar: RemoteCalendar
    provider: Microsoft
    app: Flask

    def changes(self, cursor: str = "", window: Window = DECEMBER) -> Changes:
        return self.provider.changes(self.access, self.calendar, cursor, window)

    def events(self, window: Window = DECEMBER) -> list[RemoteEvent]:
        """Everything there is, by start."""
        found = [event for resource in self.changes(window=window).resources for event in resource.events]
        return sorted(found, key=lambda event: event.starts)

    def only(self, window: Window = DECEMBER) -> RemoteEvent:
        (event,) = self.events(window)
        return event

    def write(self, draft: EventDraft, known: Written | None = None) -> Written:
        return self.provider.write(self.access, self.calendar, draft, known)

    def remove(self, draft: EventDraft, known: Written | None = None) -> None:
        self.provider.remove(self.access, self.calendar, draft, known)

    def look(self, draft: EventDraft, known: Written) -> Written | None:
        return self.provider.look(self.access, self.calendar, draft, known)

    def in_zone(self, time_zone: str) -> None:
        """The calendar's zone becomes known."""
        self.calendar = replace(self.calendar, time_zone=time_zone)

    def changed(self) -> list[dict[str, Any]]:
        """What was asked to be changed so far."""
        return [asked.json for asked in self.fake.asked("PATCH", "/events/")]


@contextmanager
def outlook(**mailbox: Any) -> Iterator[Outlook]:
    with served(FakeMicrosoft()) as fake:
        app = Flask("crm")
        app.config.update(defaults())
        app.config["BOOKING_MICROSOFT_API_URL"] = fake.api_url
        ann = fake.add_mailbox("ann@example.com", **mailbox)
        access = OAuthAccess(FixedToken(fake.token_for(ann)))
        with app.app_context():
            provider = Microsoft()
            (calendar,) = provider.calendars(access)
            fake.journal.clear()
            yield Outlook(fake, ann, access, calendar, provider, app)


def draft(**more: Any) -> EventDraft:
    """A booking on the first of December at ten in Berlin."""
    said: dict[str, Any] = {
        "key": "0123456789abcdefghijklmnop",
        "booking": "bk-42",
        "uid": "booking-42@crm.example",
        "sequence": 0,
        "starts": at(1, 10, zone=BERLIN),
        "ends": at(1, 10.5, zone=BERLIN),
        "time_zone": "Europe/Berlin",
        "title": "Intro call",
        "description": "Bring your questions.",
        "guests": (GUEST,),
    }
    return EventDraft(**said | more)
