"""Which calendar services there are."""

from __future__ import annotations

import typing as t

from ..connections.registry import Registry, registration
from .provider import CalendarProvider, Listening, OwnAccess, Sign

OURS = {
    "google": "flask_booking.calendars.google.Google",
    "microsoft": "flask_booking.calendars.microsoft.Microsoft",
    "caldav": "flask_booking.calendars.caldav.CalDAV",
    "ical": "flask_booking.calendars.ics.ICal",
}

_registry = Registry[CalendarProvider]("BOOKING_CALENDAR_PROVIDERS", "calendar service", OURS, longest=40)
init_app, known, find, provider = _registry.init_app, _registry.known, _registry.find, _registry.provider


def listening(name: str) -> Listening | None:
    """The service of that name if it tells of changes; None if it doesn't, or there is none."""
    found: t.Any = find(name)
    return found if isinstance(found, Listening) and getattr(found, "can_watch", False) else None


def offered() -> list[CalendarProvider]:
    """The services that hosts can connect now, in the order of the registry: those that need a registration of the CRM
    are left out while it has none."""
    return [one for one in _registry.all() if _ready(one)]


def _ready(one: CalendarProvider) -> bool:
    if one.sign is Sign.OAUTH:
        return registration(one) is not None
    return isinstance(t.cast(t.Any, one), OwnAccess)
