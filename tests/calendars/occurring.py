"""What iCalendar texts take of Ann's time, in short."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask_booking.calendars.ics.components import scan
from flask_booking.calendars.ics.occurrences import read
from flask_booking.calendars.provider import RemoteEvent, Window
from tests.calendars.drafts import WINDOW
from tests.fixtures.caldav import calendar_text

ANN = frozenset({"ann@example.com"})


def found(*events: str, head: str = "", time_zone: str = "", window: Window = WINDOW) -> list[RemoteEvent]:
    """The occurrences of events in order of time."""
    text = calendar_text(*(event if "UID:" in event else f"UID:1@x\n{event}" for event in events), head=head)
    reading = read(scan(text), window, time_zone=time_zone, own=ANN)
    return sorted((one for events in reading.events.values() for one in events), key=lambda one: (one.starts, one.id))


def spans(*events: str, **more: Any) -> list[str]:
    """The same as ``12-01 10:00+60``: from when (UTC), and for how many minutes."""
    return [
        f"{dt.datetime.fromtimestamp(one.starts, dt.UTC):%m-%d %H:%M}+{(one.ends - one.starts) // 60}"
        for one in found(*events, **more)
    ]
