"""Why a time is not offered, told by the code that offers."""

from __future__ import annotations

import dataclasses
import datetime as dt

import sqlalchemy as sa
from flask import request
from flask.typing import ResponseReturnValue

from ..availability import Verdict
from ..i18n import format_time, format_times
from ..i18n import gettext as _
from ..models import Booking, EventType, Host
from ..models.columns import utcnow
from ..scheduling import explain_day
from ..state import crm, session
from ..zones import zone
from . import access, times
from .access import desk
from .blueprint import blueprint
from .screen import render


@dataclasses.dataclass(frozen=True)
class Row:
    """A start, or a stretch outside the hours, with its verdict and the booking that stands in the way."""

    verdict: Verdict
    times: str
    booking: Booking | None


@blueprint.get("/why")
def why() -> ResponseReturnValue:
    """Every start of one day for one event type."""
    events = [one for one in desk().page.event_types if one.archived_at is None]
    event = next((one for one in events if one.public_id == request.args.get("event")), None)
    event = event or next(iter(events), None)
    today = utcnow().astimezone(zone(desk().host.time_zone)).date()
    day, problem = _day(today)
    duration = request.args.get("duration", type=int)
    if event is not None and duration not in event.durations:
        duration = event.duration
    return render(
        "why.html",
        events=events,
        event=event,
        day=day,
        today=today,
        duration=duration,
        problem=problem,
        tables=_tables(event, day, duration) if event is not None else [],
    )


def _day(today: dt.date) -> tuple[dt.date, str]:
    text = request.args.get("date", "")
    if not text:
        return today, ""
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return today, _("Please enter a date, such as 2026-12-31.")
    if abs((day - today).days) > 1200:
        return today, _("Please choose a date within three years.")
    return day, ""


def _tables(event: EventType, day: dt.date, duration: int | None) -> list[tuple[str, list[Row], int]]:
    """For each host: the name, the rows, and how many of them are offered."""
    found = explain_day(times.address_of(event), day, desk().host.time_zone, duration=duration)
    hosts = {host.id: host for host in event.hosts}
    in_the_way = _bookings(one.booking_id for verdicts in found.values() for one in verdicts)
    return [
        (
            crm().display_name(hosts[host_id].user),
            [_row(one if _visible(hosts[host_id]) else _discreet(one), in_the_way) for one in verdicts],
            sum(one.reason is None for one in verdicts),
        )
        for host_id, verdicts in found.items()
    ]


def _discreet(one: Verdict) -> Verdict:
    """Without what a colleague calls it: what it is is nobody else's business."""
    return dataclasses.replace(one, label="")


def _row(one: Verdict, bookings: dict[int, Booking]) -> Row:
    starts, ends = (dt.datetime.fromtimestamp(edge, dt.UTC) for edge in (one.start, one.end))
    zone_key = desk().host.time_zone
    text = format_times(starts, ends, zone_key)
    if (ends - starts) < dt.timedelta(days=1) and ends.astimezone(zone(zone_key)).time() == dt.time():
        text = _("%(time)s – midnight", time=format_time(starts, zone_key))
    return Row(one, text, bookings.get(one.booking_id or 0))


def _bookings(ids: object) -> dict[int, Booking]:
    """The bookings that stand in the way, without those that the user may not see."""
    wanted = {one for one in ids if one is not None}  # type: ignore[attr-defined]
    if not wanted:
        return {}
    rows = session().scalars(sa.select(Booking).where(Booking.id.in_(wanted)))
    return {row.id: row for row in rows if any(_visible(host) for host in row.hosts)}


def _visible(host: Host) -> bool:
    return access.may_manage(host)
