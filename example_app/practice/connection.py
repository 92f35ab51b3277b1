"""The practice calendar as a connected account: Ann's from the first start on, at rest while its server isn't there.

A calendar that can't be read closes its owner's time, and rightly so; but that of a demo which isn't running is no
reason to offer nothing.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from sqlalchemy import select

from example_app.extensions import db
from example_app.practice.account import Account
from flask_booking.calendars import care, connecting, registry, wishes
from flask_booking.models import ConnectedCalendar, Connection, Host

OURS = re.compile(rf"http://127\.0\.0\.1:\d+/{re.escape(Account.user)}/")
"""What a CalDAV server of this kind calls its account, whatever port it had."""


def connect_once(host: Host, account: Account, mark: Path) -> None:
    """Connect it for the host, unless that was done before; the file ``mark`` remembers that."""
    host_id, this_host = host.id, f"{host.id} {host.created_at.isoformat()}"
    if any(one.host_id == host_id for one in connections()):
        return
    if mark.exists() and mark.read_text(encoding="utf-8") == this_host:
        return
    connecting.open_account(
        host,
        registry.provider("caldav"),
        secret={"username": account.user, "password": account.password},
        settings={"url": account.url},
        name=account.user,
    )
    mark.write_text(this_host, encoding="utf-8")


def connections() -> list[Connection]:
    """Everybody's connections to it."""
    rows = db.session.scalars(select(Connection).where(Connection.provider == "caldav").order_by(Connection.id))
    return [row for row in rows if OURS.fullmatch(row.account_id)]


def calendar_of(user_id: int) -> ConnectedCalendar | None:
    """The calendar as one that this user has connected."""
    mine = (calendar for one in connections() if one.host.user_id == user_id for calendar in one.calendars)
    return next((calendar for calendar in mine if calendar.remote_id.rstrip("/").rpartition("/")[2] == "work"), None)


def read_ones() -> list[ConnectedCalendar]:
    """What is to be read at the start: while it hasn't been, its owners can't be booked."""
    mine = [calendar for one in connections() for calendar in one.calendars]
    return [calendar for calendar in mine if calendar.check_conflicts and not calendar.paused]


def wake(account: Account) -> None:
    """Take the connections up again, at the address that the server has this time."""
    for connection in connections():
        move(connection, account)
        for calendar in connection.calendars:
            if calendar.public_id in connection.settings.get("resting", ()):
                wishes.unpause(calendar)
        connection.settings = {**connection.settings, "resting": []}
        # Who was reading or writing when the demo was killed does so no more.
        connection.reading_until = connection.writing_until = None
        db.session.commit()
        care.resume(connection.id)


def rest() -> None:
    """Leave the connections alone until the server is there again."""
    for connection in connections():
        awake = [calendar for calendar in connection.calendars if not calendar.paused]
        resting = [*connection.settings.get("resting", ()), *(calendar.public_id for calendar in awake)]
        connection.settings = {**connection.settings, "resting": resting}
        db.session.commit()
        for calendar in awake:
            wishes.pause(calendar)


def move(connection: Connection, account: Account) -> None:
    """Bring a connection's addresses up to date: each start may find another free port."""
    before = connection.account_id.removesuffix(f"{Account.user}/")
    connection.account_id = account.home
    url = str(connection.settings["url"])
    connection.settings = {**connection.settings, "url": url.replace(before, account.url, 1)}
    for calendar in connection.calendars:
        calendar.remote_id = calendar.remote_id.replace(before, account.url, 1)
        calendar.remote_key = hashlib.sha256(calendar.remote_id.encode()).hexdigest()
    db.session.commit()
