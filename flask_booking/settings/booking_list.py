"""Finding a host's bookings: one query for the list, the CSV file, the overview and the CRM's own pages."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import datetime as dt
import typing as t

import sqlalchemy as sa
from sqlalchemy import orm as so

from ..crm.columns import lowered
from ..models import Booking, BookingHost, BookingPage, BookingStatus, EventType, Host
from ..models.booking import LIVE
from ..models.columns import utcnow
from ..scheduling.find import without_host
from ..state import session
from ..zones import zone

SHOWS = ("upcoming", "pending", "past", "cancelled", "all")
PER_PAGE = 25


@dataclasses.dataclass(frozen=True)
class Filter:
    """What a list of bookings shows; ``first`` and ``last`` are local dates, both included."""

    show: str = "upcoming"
    event: str = ""
    text: str = ""
    first: dt.date | None = None
    last: dt.date | None = None
    contact: t.Any = None
    everyone: bool = False

    @property
    def narrowed(self) -> bool:
        """Whether anything but ``show`` was chosen."""
        return bool(self.event or self.text or self.first or self.last or self.contact is not None)


def query(chosen: Filter, host_ids: c.Sequence[int], zone_key: str) -> sa.Select[t.Any]:
    """The bookings of these hosts that ``chosen`` shows: coming ones in order, past ones the latest first.

    With them go the live ones of their event types that nobody holds any more.
    """
    now = utcnow()
    ours = sa.select(BookingHost.booking_id).where(BookingHost.host_id.in_(host_ids))
    left = left_by_all(host_ids)
    # As a table of its own: MariaDB asks a union within IN anew for each booking.
    found = sa.select(Booking).where(Booking.id.in_(sa.select(ours.union_all(left).subquery().c.booking_id)))
    if chosen.show == "upcoming":
        found = found.where(Booking.status.in_(LIVE), Booking.ends_at > now)
    elif chosen.show == "pending":
        found = found.where(Booking.status == BookingStatus.PENDING)
    elif chosen.show == "past":
        found = found.where(Booking.ends_at <= now, Booking.status != BookingStatus.CANCELLED)
    elif chosen.show == "cancelled":
        found = found.where(Booking.status == BookingStatus.CANCELLED)
    if chosen.event:
        found = found.join(EventType, EventType.id == Booking.event_type_id).where(EventType.public_id == chosen.event)
    if chosen.contact is not None and getattr(Booking, "contact_id", None) is not None:
        found = found.where(Booking.contact_id == chosen.contact)
    if chosen.text:
        found = found.where(_says(chosen.text))
    there = zone(zone_key)
    if chosen.first:
        found = found.where(Booking.starts_at >= _midnight(chosen.first, there))
    if chosen.last and chosen.last < dt.date.max:
        found = found.where(Booking.starts_at < _midnight(chosen.last + dt.timedelta(days=1), there))
    forward = chosen.show in ("upcoming", "pending")
    order = (Booking.starts_at, Booking.id) if forward else (Booking.starts_at.desc(), Booking.id.desc())
    return found.order_by(*order)


def left_by_all(host_ids: c.Sequence[int]) -> sa.Select[t.Any]:
    """The ids of the live bookings of these hosts' event types that nobody holds any more."""
    theirs = sa.select(EventType.id).join(EventType.page).where(BookingPage.host_id.in_(host_ids))
    return sa.select(Booking.id).where(without_host(), Booking.event_type_id.in_(theirs))


def _midnight(day: dt.date, there: dt.tzinfo) -> dt.datetime:
    """When a local date begins; the first instant there is for a date that begins before it, east of Greenwich."""
    try:
        return dt.datetime.combine(day, dt.time(), there).astimezone(dt.UTC)
    except OverflowError:
        return dt.datetime.min.replace(tzinfo=dt.UTC)


def _says(text: str) -> sa.ColumnElement[bool]:
    columns = (Booking.guest_name, Booking.guest_email, Booking.guest_phone, Booking.title, Booking.notes)
    patterns = []
    for way in lowered(text):
        escaped = way.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        patterns.append(f"%{escaped}%")
    return sa.or_(*(sa.func.lower(column).like(one, escape="\\") for column in columns for one in patterns))


def with_people(found: sa.Select[t.Any]) -> sa.Select[t.Any]:
    """The same query, its hosts and event types read at once."""
    return found.options(so.selectinload(Booking.hosts).joinedload(Host.user), so.joinedload(Booking.event_type))


def read_page(found: sa.Select[t.Any], number: int) -> tuple[list[Booking], int]:
    """The rows of one page, and how many there are in all."""
    total = session().scalar(sa.select(sa.func.count()).select_from(found.order_by(None).subquery())) or 0
    shown = with_people(found).options(so.selectinload(Booking.history))  # for how a request ended
    rows = session().scalars(shown.limit(PER_PAGE).offset((number - 1) * PER_PAGE))
    return list(rows), total


def rows_between(host: Host, start: dt.datetime, end: dt.datetime, *, limit: int = 100) -> list[Booking]:
    """The host's meetings that start in ``[start, end)`` and weren't cancelled, in order; at most ``limit``."""
    ours = sa.select(BookingHost.booking_id).where(BookingHost.host_id == host.id)
    found = (
        sa.select(Booking)
        .where(Booking.id.in_(ours), Booking.status != BookingStatus.CANCELLED)
        .where(Booking.starts_at >= start, Booking.starts_at < end)
        .order_by(Booking.starts_at, Booking.id)
        .limit(limit)
    )
    return list(session().scalars(with_people(found)))
