"""Connected calendars as rows: what a reading of a service leaves behind."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
from typing import Any

from flask_booking.models import BusyTime, ConnectedCalendar, Connection, Host
from flask_booking.models.columns import utcnow
from flask_booking.models.stamps import restamp_mirror
from flask_booking.scheduling.transaction import lock_calendars, transact
from flask_booking.state import session

_numbers = itertools.count(1)


def new_connection(host: Host, provider: str = "memory", **columns: Any) -> Connection:
    """An account of ``host``, committed."""
    number = next(_numbers)
    values = {"account_id": f"account-{number}", "account_name": f"account-{number}@example.com", "secret": "{}"}
    connection = Connection(host_id=host.id, provider=provider, **(values | columns))
    session().add(connection)
    session().commit()
    return connection


def new_calendar(host: Host, connection: Connection | None = None, **columns: Any) -> ConnectedCalendar:
    """A calendar that is checked for conflicts and was read just now, for a year; committed."""
    connection = connection or new_connection(host)
    remote_id = columns.pop("remote_id", f"calendar-{next(_numbers)}")
    now = utcnow()
    values: dict[str, Any] = {
        "remote_id": remote_id,
        "remote_key": hashlib.sha256(remote_id.encode()).hexdigest(),
        "name": "Work",
        "check_conflicts": True,
        "writable": True,
        "synced_at": now,
        "reconciled_at": now,
        "window_start": int(now.timestamp()) - 86_400,
        "window_end": int(now.timestamp()) + 366 * 86_400,
    }
    calendar = ConnectedCalendar(connection_id=connection.id, host_id=host.id, **(values | columns))
    session().add(calendar)
    changed(host)
    return calendar


def busy(calendar: ConnectedCalendar, *times: tuple[int, int], tentative: bool = False, title: str = "Dentist") -> None:
    """Times that the calendar takes (epoch seconds), committed."""
    for starts, ends in times:
        key = hashlib.sha256(f"{starts}".encode()).hexdigest()
        session().add(
            BusyTime(
                host_id=calendar.host_id, calendar_id=calendar.id, resource_key=key, starts=starts, ends=ends,
                tentative=tentative, title=title,
            )
        )  # fmt: skip
    session().flush()
    changed(calendar.host_id)


def changed(host: Host | int) -> None:
    """What every writer of a mirror does besides: the host's lock and another stamp."""
    host_id = host if isinstance(host, int) else host.id

    def work() -> None:
        lock_calendars(session(), [host_id])
        restamp_mirror(session(), host_id)

    transact(session(), work)


def age(calendar: ConnectedCalendar, minutes: float) -> None:
    """Have it been read so many minutes ago."""
    calendar.synced_at = utcnow() - dt.timedelta(minutes=minutes)
    changed(calendar.host_id)
