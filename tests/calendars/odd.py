"""A CalDAV calendar behind a server with habits."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable

from flask_booking.calendars.caldav import CalDAV
from flask_booking.calendars.provider import Changes, EventDraft, RemoteCalendar, Written
from flask_booking.connections.password import PasswordAccess
from tests.calendars.drafts import WINDOW
from tests.fakes.caldav import QuirkyCalDAV
from tests.fixtures.caldav import HostsCalendar, calendar_text


@dataclasses.dataclass
class Odd:
    """A calendar behind a server with habits, and its owner's app, which talks to the real one."""

    host: HostsCalendar
    fake: QuirkyCalDAV
    url: str

    @property
    def access(self) -> PasswordAccess:
        return PasswordAccess(self.host.account, self.host.password, settings={"url": self.url}, private=True)

    @property
    def calendar(self) -> RemoteCalendar:
        (found,) = CalDAV().calendars(self.access)
        return found

    def read(self, cursor: str = "") -> Changes:
        return CalDAV().changes(self.access, self.calendar, cursor, WINDOW)

    def write(self, draft: EventDraft, known: Written | None = None) -> Written:
        return CalDAV().write(self.access, self.calendar, draft, known)

    def add(self, hour: int) -> str:
        return self.host.put(calendar_text(f"UID:{hour}@x\nDTSTART:20261201T{hour:02}0000Z\nDURATION:PT1H"))


MakeOdd = Callable[..., Odd]


def o_clock(hour: int) -> dt.datetime:
    return dt.datetime(2026, 12, 1, hour, tzinfo=dt.UTC)
