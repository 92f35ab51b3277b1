"""Which calendar services there are: the package's own, and those that a CRM adds."""

from __future__ import annotations

import typing as t

from flask import Flask, current_app
from werkzeug.utils import import_string

from ..connections.problems import Misconfigured
from ..errors import BookingConfigError
from ..state import state
from .provider import CalendarProvider, Listening, OAuthProvider, OwnAccess, Sign

OURS = {
    "google": "flask_booking.calendars.google.Google",
    "microsoft": "flask_booking.calendars.microsoft.Microsoft",
    "caldav": "flask_booking.calendars.caldav.CalDAV",
    "ical": "flask_booking.calendars.ical.ICal",
}
_KEY = "calendar_providers"


def init_app(app: Flask) -> None:
    """Refuse services that can't be meant.  They are loaded when they are needed first."""
    given = app.config["BOOKING_CALENDAR_PROVIDERS"]
    if not isinstance(given, dict):
        raise BookingConfigError("BOOKING_CALENDAR_PROVIDERS is a dictionary: {name: class, object or dotted path}")
    for name in given:
        if not isinstance(name, str) or not name.isidentifier() or len(name) > 40:
            raise BookingConfigError(f"BOOKING_CALENDAR_PROVIDERS: {name!r} can't be the name of a service")
    app.extensions["booking"].extras[_KEY] = {**OURS, **given}


def find(name: str) -> CalendarProvider | None:
    """The service of that name; None when the app has none, or ours lacks its extra."""
    known: dict[str, t.Any] = state().extras[_KEY]
    found = known.get(name)
    if found is None:
        return None
    if isinstance(found, str):
        try:
            found = import_string(found)
        except ImportError:
            if found != OURS.get(name):
                raise
            return None  # the extra that it needs isn't installed
    if isinstance(found, type):
        found = found()
    known[name] = found
    return t.cast(CalendarProvider, found)


def provider(name: str) -> CalendarProvider:
    """The service of that name.  Raises :class:`~flask_booking.connections.problems.Misconfigured` without one."""
    found = find(name)
    if found is None:
        raise Misconfigured(f"no calendar service is called {name}")
    return found


def listening(name: str) -> Listening | None:
    """The service of that name if it tells of changes; None if it doesn't, or there is none."""
    found: t.Any = find(name)
    return found if isinstance(found, Listening) and getattr(found, "can_watch", False) else None


def offered() -> list[CalendarProvider]:
    """The services that hosts can connect now, in the order of the registry: those that need a registration of the CRM
    are left out while it has none."""
    found = []
    for name in state().extras[_KEY]:
        one = find(name)
        if one is not None and _ready(one):
            found.append(one)
    return found


def _ready(one: CalendarProvider) -> bool:
    if one.sign is not Sign.OAUTH:
        return isinstance(t.cast(t.Any, one), OwnAccess)
    try:
        t.cast(OAuthProvider, one).service(current_app.config)
    except Misconfigured:
        return False
    return True
