"""Time: how fresh the rules of time zones are, whether promised wall clocks still hold, whether clocks agree."""

from __future__ import annotations

import collections.abc as c
import datetime as dt
import time

import sqlalchemy as sa
from flask import current_app

from .. import zones
from ..models import Booking
from ..models.booking import LIVE
from ..models.columns import utcnow
from ..state import session
from .finding import Finding, counted, info, ok, warn
from .tables import connection

_MOST_SECONDS = 5
_SHOWN = 5


def fresh() -> c.Iterator[Finding]:
    """Whether the rules in use are of this or the last year."""
    (release, place), *others = zones.releases()
    also = "".join(f"; {where} has {older or 'none that is known'}" for older, where in others)
    year = int(release[:4]) if release[:4].isdigit() else 0
    if year < utcnow().year - 1:
        text = f"the rules in use are {release or 'of an unknown year'} ({place}){also}: clocks have changed since"
        yield warn(text, "Run `pip install --upgrade tzdata`, then restart web processes and workers.")
    else:
        yield ok(f"{release} ({place}){also}")


def promised() -> c.Iterator[Finding]:
    """Whether coming meetings still begin when the clock on the host's wall says what was promised."""
    query = (
        sa.select(Booking.public_id, Booking.starts_at, Booking.starts_local, Booking.host_time_zone)
        .where(Booking.status.in_(LIVE), Booking.starts_at > utcnow())
        .order_by(Booking.starts_at)
        .execution_options(yield_per=1000)
    )
    count, moved = 0, []
    for public_id, starts_at, starts_local, zone_key in session().execute(query):
        count += 1
        now = _wall_clock(starts_at, zone_key)
        if now != starts_local:
            moved.append((public_id, starts_local, now, zone_key))
    if not moved:
        yield ok(f"{counted(count, 'coming meeting')} at the local time that was promised")
        return
    text = (
        f"{len(moved)} of {counted(count, 'coming meeting')} would begin at another local time than promised, as the "
        "rules of time zones changed after the booking"
    )
    prefix = current_app.config["BOOKING_SETTINGS_URL_PREFIX"]
    shown = [
        f"{prefix}/bookings/{public_id}: promised {before:%Y-%m-%d %H:%M} in {zone_key}, "
        + (f"now {now:%H:%M}" if now is not None else "a zone that isn't known any more")
        for public_id, before, now, zone_key in moved[:_SHOWN]
    ]
    more = [f"and {len(moved) - _SHOWN} more"] if len(moved) > _SHOWN else []
    yield warn(text, "\n".join(["Have their hosts move them to the promised time, or tell the guests:", *shown, *more]))


def _wall_clock(instant: dt.datetime, zone_key: str) -> dt.datetime | None:
    try:
        return instant.astimezone(zones.zone(zone_key)).replace(tzinfo=None)
    except zones.UnknownZone:
        return None


_CLOCKS = {
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())",
    "mysql": "SELECT unix_timestamp(sysdate(6))",
    "mariadb": "SELECT unix_timestamp(sysdate(6))",
}


def same_clock() -> c.Iterator[Finding]:
    """Whether the database's machine and this one agree on the time."""
    dialect = connection().dialect.name
    if dialect not in _CLOCKS:
        yield ok("the database has this machine's clock") if dialect == "sqlite" else info(f"not known for {dialect}")
        return
    before = time.time()
    theirs = float(connection().exec_driver_sql(_CLOCKS[dialect]).scalar() or 0)
    apart = theirs - (before + time.time()) / 2
    if abs(apart) > _MOST_SECONDS:
        where = f"{abs(apart):.0f} s {'ahead' if apart > 0 else 'behind'}"
        text = f"the database's clock is {where}: what one machine writes comes too early or late for another"
        yield warn(text, "Let both machines set their clocks by NTP (`timedatectl set-ntp true`).")
    else:
        yield ok("the database's clock and this one agree")
