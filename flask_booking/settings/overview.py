"""The first screen: what is next, what is to be done, how the week goes, and the link to share."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

import sqlalchemy as sa
from flask.typing import ResponseReturnValue
from sqlalchemy import orm as so

from ..calendars import differences
from ..catalog.hosts import OFFICE_HOURS
from ..models import (
    Booking,
    BookingHost,
    BookingStatus,
    CalendarEvent,
    ConnectedCalendar,
    Connection,
    ConnectionState,
    Host,
    MessageState,
    OutboxMessage,
    Schedule,
)
from ..models.booking import LIVE
from ..models.columns import utcnow
from ..state import session
from ..zones import zone
from . import booking_list, calendar_words, deliveries, links
from .access import desk
from .blueprint import blueprint
from .screen import render

_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Steps:
    """What a new host has done already."""

    event_type: bool
    place: bool
    hours: bool
    booked: bool
    calendar: bool

    @property
    def first(self) -> str:
        """The first step that is still to be done."""
        order = ("hours", "calendar", "event_type", "place", "booked")
        return next((name for name in order if not getattr(self, name)), "")

    @property
    def done(self) -> bool:
        """Whether nothing is left to be explained."""
        return self.booked


@blueprint.get("/")
def overview() -> ResponseReturnValue:
    """Today, next, to do, and the week."""
    host = desk().host
    there = zone(host.time_zone)
    now = utcnow().astimezone(there)
    today = _midnight(now.date(), host.time_zone)
    tomorrow = _midnight(now.date() + dt.timedelta(days=1), host.time_zone)
    week = _week(now.date(), host)
    this_week, last_week = (_count(host, *week[index : index + 2]) for index in (1, 0))
    return render(
        "overview.html",
        today=booking_list.rows_between(host, today, tomorrow),
        coming=booking_list.rows_between(host, tomorrow, tomorrow + dt.timedelta(days=30), limit=_SHOWN),
        next_meeting=_next(host),
        requests=_requests(host),
        without_host=_without_host(host),
        crm_errors=_crm_errors(host),
        links=links.troubles(host),
        join_url=links.join_url,
        failed=_failed(host),
        broken=_broken(host),
        lost_target=_lost_target(host),
        differing=_differing(host),
        said=calendar_words,
        this_week=this_week,
        last_week=last_week,
        steps=_steps(),
        link_events=[one for one in desk().page.event_types if one.active and one.archived_at is None],
    )


def _midnight(day: dt.date, zone_key: str) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), zone(zone_key))


def _week(today: dt.date, host: Host) -> list[dt.datetime]:
    """The beginnings of last week, this week and next week."""
    monday = today - dt.timedelta(days=(today.weekday() - host.week_start) % 7)
    return [_midnight(monday + dt.timedelta(days=7 * step), host.time_zone) for step in (-1, 0, 1)]


def _ours(host: Host) -> sa.Select[t.Any]:
    return sa.select(BookingHost.booking_id).where(BookingHost.host_id == host.id)


def _count(host: Host, start: dt.datetime, end: dt.datetime) -> int:
    found = session().scalar(
        sa.select(sa.func.count())
        .select_from(Booking)
        .where(
            Booking.id.in_(_ours(host)),
            Booking.status != BookingStatus.CANCELLED,
            Booking.starts_at >= start,
            Booking.starts_at < end,
        )
    )
    return found or 0


def _next(host: Host) -> Booking | None:
    found: Booking | None = session().scalar(
        booking_list.with_people(
            sa.select(Booking)
            .where(Booking.id.in_(_ours(host)), Booking.status.in_(LIVE), Booking.ends_at > utcnow())
            .order_by(Booking.starts_at, Booking.id)
            .limit(1)
        )
    )
    return found


def _requests(host: Host) -> list[Booking]:
    pending = Booking.status == BookingStatus.PENDING
    found = sa.select(Booking).where(Booking.id.in_(_ours(host)), pending).order_by(Booking.starts_at).limit(_SHOWN)
    return list(session().scalars(found))


def _without_host(host: Host) -> int:
    """How many coming meetings and requests wait to be given to somebody: those of the own event types."""
    coming = booking_list.left_by_all([host.id]).where(Booking.ends_at > utcnow())
    return session().scalar(sa.select(sa.func.count()).select_from(coming.subquery())) or 0


def _crm_errors(host: Host) -> list[Booking]:
    broken = Booking.crm_error != ""
    found = sa.select(Booking).where(Booking.id.in_(_ours(host)), broken).order_by(Booking.id.desc()).limit(_SHOWN)
    return list(session().scalars(found))


def _broken(host: Host) -> list[Connection]:
    broken = Connection.state == ConnectionState.BROKEN
    found = sa.select(Connection).where(Connection.host_id == host.id, broken).order_by(Connection.id)
    return list(session().scalars(found))


def _lost_target(host: Host) -> ConnectedCalendar | None:
    """The calendar that bookings should go into, and that its account has no more."""
    row = ConnectedCalendar
    found: ConnectedCalendar | None = session().scalar(
        sa.select(row).where(row.host_id == host.id, row.target, row.missing)
    )
    return found


def _differing(host: Host) -> list[CalendarEvent]:
    """Events that somebody changed in the calendar, or that couldn't be written."""
    found = differences.open_ones(host.id).options(so.joinedload(CalendarEvent.booking))
    return list(session().scalars(found.order_by(CalendarEvent.starts, CalendarEvent.id).limit(_SHOWN)))


def _failed(host: Host) -> int:
    # What couldn't be written into a calendar is told by its booking.
    elsewhere = OutboxMessage.topic.in_(("calendar", "conference"))
    failed = deliveries.of_host(host.id).where(OutboxMessage.state == MessageState.FAILED, ~elsewhere)
    return session().scalar(sa.select(sa.func.count()).select_from(failed.subquery())) or 0


def _steps() -> Steps:
    host, page = desk().host, desk().page
    events = [one for one in page.event_types if one.archived_at is None]
    schedules = session().scalars(sa.select(Schedule).where(Schedule.host_id == host.id)).all()
    own_hours = len(schedules) > 1 or any(one.weekly != OFFICE_HOURS or one.overrides for one in schedules)
    booked = session().scalar(_ours(host).limit(1)) is not None
    calendar = session().scalar(sa.select(ConnectedCalendar.id).where(ConnectedCalendar.host_id == host.id).limit(1))
    return Steps(bool(events), any(one.locations for one in events), own_hours, booked, calendar is not None)
