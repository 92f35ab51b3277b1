"""The practice calendar when the demo starts: there, connected and read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from example_app.extensions import db
from example_app.practice import connection
from example_app.practice.account import Account
from example_app.practice.client import NoAnswer, NotThere, PracticeCalendar
from example_app.practice.seed import fill
from flask_booking.calendars import mirror
from flask_booking.connections.problems import ProviderProblem
from flask_booking.models import Host


def begin(host: Host, account: Account, folder: Path) -> bool:
    """Have the calendar there, connected and read; whether that came to pass, else it is at rest.

    Who has disconnected it finds it disconnected.  ``folder`` keeps what has to be remembered of earlier starts.
    """
    try:
        calendar = PracticeCalendar(account)
        if calendar.make():
            zone = ZoneInfo(host.time_zone)
            fill(calendar, datetime.now(zone).date(), zone)
        connection.wake(account)
        connection.connect_once(host, account, folder / "connected")
        wanted = [row.id for row in connection.read_ones()]
        done = sum(mirror.sync(calendar_id) for calendar_id in wanted) == len(wanted)
    except (NoAnswer, NotThere, ProviderProblem):
        db.session.rollback()
        done = False
    if not done:
        connection.rest()
    return done
