"""Choosing a free time on a host's screen: a month to look at, and the times of one day."""

from __future__ import annotations

import calendar
import collections
import collections.abc as c
import dataclasses
import datetime as dt

import sqlalchemy as sa
from flask import request

from ..models import EventType, Host
from ..models.columns import utcnow
from ..scheduling import EventAddress, next_slot, offers
from ..scheduling.choose import NOTHING, Ignoring
from ..state import session
from ..zones import zone
from .access import desk


@dataclasses.dataclass(frozen=True)
class Month:
    """A month as a table of weeks, with the starts on offer of each local date."""

    first: dt.date
    weeks: list[list[dt.date]]
    starts: dict[dt.date, list[dt.datetime]]
    chosen: dt.date | None
    today: dt.date
    next_free: dt.date | None

    @property
    def before(self) -> str | None:
        """The month before as ``2026-12``, None when it is past."""
        first = (self.first - dt.timedelta(days=1)).replace(day=1)
        return f"{first:%Y-%m}" if first >= self.today.replace(day=1) else None

    @property
    def after(self) -> str:
        """The month after as ``2026-12``."""
        return f"{self.first + dt.timedelta(days=31):%Y-%m}"

    @property
    def times(self) -> list[dt.datetime]:
        """The starts of the chosen date."""
        return self.starts.get(self.chosen, []) if self.chosen else []


def address_of(event: EventType, hosts: c.Sequence[Host] | None = None) -> EventAddress:
    """What :func:`flask_booking.scheduling.offers` takes, also for an event type that guests can't book now."""
    ids = [host.id for host in (event.hosts if hosts is None else hosts)]
    rows = session().execute(
        sa.select(Host.id, Host.lock_version).where(Host.id.in_(ids), Host.active).order_by(Host.id)
    )
    return EventAddress(event.page_id, event.id, event.version, tuple((row[0], row[1]) for row in rows))


def month_of(address: EventAddress, zone_key: str, *, duration: int | None, ignoring: Ignoring = NOTHING) -> Month:
    """The month and day that the request's ``month`` and ``date`` ask for, in the host's zone, with what is free.

    Without them the month of the next free time, and its first free day.
    """
    there = zone(zone_key)
    today = utcnow().astimezone(there).date()
    asked, chosen = _month(request.args.get("month", "")), _day(request.args.get("date", ""))
    free: dt.date | None = None
    if asked is None and chosen is None:
        found = next_slot(address, after=int(utcnow().timestamp()), duration=duration)
        free = dt.datetime.fromtimestamp(found, there).date() if found is not None else None
    first = (asked or chosen or free or today).replace(day=1)
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    begin, end = (int(dt.datetime.combine(day, dt.time(), there).timestamp()) for day in (first, last))
    starts: dict[dt.date, list[dt.datetime]] = collections.defaultdict(list)
    for epoch in offers(address, start=begin, end=end + 86_400 + 7200, duration=duration, ignoring=ignoring).starts:
        start = dt.datetime.fromtimestamp(epoch, there)
        if start.date() <= last:
            starts[start.date()].append(start)
    if not starts:
        found = next_slot(address, after=end, duration=duration)
        free = dt.datetime.fromtimestamp(found, there).date() if found is not None else None
    if chosen is None or not first <= chosen <= last:
        chosen = next(iter(starts), None)
    weeks = calendar.Calendar(desk().host.week_start).monthdatescalendar(first.year, first.month)
    return Month(first, weeks, dict(starts), chosen, today, free)


def _month(text: str) -> dt.date | None:
    return _day(f"{text}-01")


def _day(text: str) -> dt.date | None:
    try:
        found = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2200 else None


def instant_of(text: str) -> dt.datetime | None:
    """A start as forms send it: ISO 8601 with an offset; None for anything else."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None and 2000 <= found.year <= 2200 else None
