"""Everything that decides what can be booked, read from the database in a handful of queries."""

from __future__ import annotations

import collections
import collections.abc as c
import dataclasses
import datetime as dt

import sqlalchemy as sa

from ..availability import Busy, Calendar, Hours, Limits, Occupied, Range, Rules, Window, dates_needed
from ..models import (
    Assignment,
    BlockedTime,
    DateOverride,
    EventType,
    EventTypeHost,
    Host,
    OccupiedTime,
    Schedule,
)
from ..state import Session
from .blocked import expand
from .transaction import current

DAY = 86_400
_REACH = 2 * DAY
"""The longest time that one booking can occupy: 12 hours, and a day of buffers."""
_LIMIT_REACH = 32 * DAY
"""How far a limit per week or month looks beyond the range asked for."""


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """What decides about the offers of an event type between two instants (epoch seconds)."""

    event_type_id: int
    durations: tuple[int, ...]
    assignment: Assignment
    base: Rules
    calendars: tuple[Calendar, ...]
    start: int
    end: int

    def rules(self, duration: int) -> Rules:
        """The rules for one of the durations (minutes) that the guest can choose from."""
        return dataclasses.replace(self.base, duration=duration)


def load(
    session: Session,
    event: EventType,
    host_ids: c.Sequence[int],
    start: int,
    end: int,
    *,
    locked: bool = False,
) -> Snapshot:
    """Read what decides about offers of ``event`` by these hosts in ``[start, end)`` (epoch seconds).

    With ``locked`` the occupied times are read as committed now; the caller holds the hosts' locks.  Takes four
    queries, whatever the number of hosts, bookings and blocked times.
    """
    limited = any((event.limit_day, event.limit_week, event.limit_month))
    hosts = session.execute(
        sa.select(Host.id, Host.week_start, Host.limit_day, Host.limit_week, Host.limit_month).where(
            Host.id.in_(host_ids), Host.active
        )
    ).all()
    limited = limited or any(host.limit_day or host.limit_week or host.limit_month for host in hosts)
    reach = _LIMIT_REACH if limited else _REACH
    hours = _hours(session, event, host_ids, start, end)
    blocked = _blocked(session, host_ids, start - _REACH, end + _REACH)
    occupied = _occupied(session, host_ids, start - reach, end + reach, locked)
    owner_week = next((host.week_start for host in hosts), 0)
    return Snapshot(
        event_type_id=event.id,
        durations=tuple(event.durations),
        assignment=event.assignment,
        base=_rules(event, owner_week),
        calendars=tuple(
            Calendar(
                host_id=host.id,
                hours=hours[host.id],
                blocked=blocked[host.id],
                occupied=occupied[host.id],
                limits=Limits(host.limit_day, host.limit_week, host.limit_month),
            )
            for host in hosts
            if host.id in hours
        ),
        start=start,
        end=end,
    )


def _rules(event: EventType, week_start: int) -> Rules:
    return Rules(
        event_type_id=event.id,
        duration=event.duration,
        interval=event.interval,
        buffer_before=event.buffer_before,
        buffer_after=event.buffer_after,
        notice=event.notice,
        window=Window(event.window_kind, event.window_days, event.window_first, event.window_last),
        limits=Limits(event.limit_day, event.limit_week, event.limit_month),
        week_start=week_start,
        seats=event.seats,
    )


def hours_of(schedule: Schedule, overrides: c.Iterable[DateOverride]) -> Hours:
    """A schedule as the arithmetic takes it."""
    dates: dict[dt.date, tuple[Range, ...]] = {}
    for override in overrides:
        ranges = _ranges(override.ranges)
        for day in range((override.last - override.first).days + 1):
            dates[override.first + dt.timedelta(days=day)] = ranges
    return Hours(schedule.time_zone, tuple(_ranges(ranges) for ranges in schedule.weekly), dates)


def _ranges(pairs: list[list[int]]) -> tuple[Range, ...]:
    return tuple((start, end) for start, end in pairs)


def _hours(session: Session, event: EventType, host_ids: c.Sequence[int], start: int, end: int) -> dict[int, Hours]:
    """Each host's hours: the event type's schedule where it is the host's own, else the host's default one."""
    first, last = dates_needed(start, end)
    wanted = (
        Schedule.is_default
        if event.schedule_id is None
        else sa.or_(Schedule.is_default, Schedule.id == event.schedule_id)
    )
    rows = session.execute(
        sa.select(Schedule, DateOverride)
        .outerjoin(
            DateOverride,
            (DateOverride.schedule_id == Schedule.id) & (DateOverride.last >= first) & (DateOverride.first <= last),
        )
        .where(Schedule.host_id.in_(host_ids), wanted)
        .order_by(DateOverride.id)
    ).all()
    schedules: dict[int, Schedule] = {}
    overrides: dict[int, list[DateOverride]] = collections.defaultdict(list)
    for schedule, override in rows:
        if schedules.get(schedule.host_id) is None or schedule.id == event.schedule_id:
            schedules[schedule.host_id] = schedule
        if override is not None:
            overrides[schedule.id].append(override)
    return {host_id: hours_of(schedule, overrides[schedule.id]) for host_id, schedule in schedules.items()}


def _blocked(session: Session, host_ids: c.Sequence[int], start: int, end: int) -> dict[int, tuple[Busy, ...]]:
    found: dict[int, list[Busy]] = collections.defaultdict(list)
    for blocked in session.scalars(sa.select(BlockedTime).where(BlockedTime.host_id.in_(host_ids))):
        found[blocked.host_id] += expand(blocked, start, end)
    return collections.defaultdict(tuple, {host_id: tuple(sorted(times)) for host_id, times in found.items()})


def _occupied(
    session: Session, host_ids: c.Sequence[int], start: int, end: int, locked: bool
) -> dict[int, tuple[Occupied, ...]]:
    row = OccupiedTime
    query = (
        sa.select(
            row.host_id, row.starts, row.ends, row.occupied_from, row.occupied_until,
            row.event_type_id, row.booking_id, row.hold_id, row.expires,
        )
        .where(row.host_id.in_(host_ids), row.occupied_from >= start - _REACH, row.occupied_from < end)
        .order_by(row.host_id, row.occupied_from)
    )  # fmt: skip
    found: dict[int, list[Occupied]] = collections.defaultdict(list)
    for found_row in session.execute(current(query) if locked else query):
        found[found_row[0]].append(Occupied(*found_row[1:]))
    return collections.defaultdict(tuple, {host_id: tuple(times) for host_id, times in found.items()})


def hosts_of(session: Session, event_type_id: int) -> list[int]:
    """The active hosts of an event type, in the order of locking."""
    return list(
        session.scalars(
            sa.select(Host.id)
            .join(EventTypeHost, EventTypeHost.host_id == Host.id)
            .where(EventTypeHost.event_type_id == event_type_id, Host.active)
            .order_by(Host.id)
        )
    )
