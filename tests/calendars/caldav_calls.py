"""What the package asks of a host's calendar on a CalDAV server, in short."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask_booking.calendars.caldav import CalDAV
from flask_booking.calendars.provider import Changes, RemoteCalendar, RemoteEvent, Window, Written
from tests.calendars.drafts import WINDOW
from tests.fixtures.caldav import HostsCalendar

STARTS = dt.datetime(2026, 12, 1, 10, tzinfo=dt.UTC)


HOUR = dt.timedelta(hours=1)


def remote(host: HostsCalendar) -> RemoteCalendar:
    """The host's calendar as the provider lists it."""
    return next(one for one in CalDAV().calendars(host.access()) if one.id == host.url)


def read(host: HostsCalendar, cursor: str = "", window: Window = WINDOW) -> Changes:
    return CalDAV().changes(host.access(), remote(host), cursor, window)


def events(changes: Changes) -> list[RemoteEvent]:
    return sorted((event for resource in changes.resources for event in resource.events), key=lambda one: one.starts)


def spans(changes: Changes) -> list[tuple[int, int]]:
    return [(event.starts, event.ends) for event in events(changes)]


def write(host: HostsCalendar, draft: Any, known: Written | None = None) -> Written:
    return CalDAV().write(host.access(), remote(host), draft, known)
