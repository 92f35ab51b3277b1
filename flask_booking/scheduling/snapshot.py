"""Everything that decides what can be booked, read from the database in a handful of queries."""

from __future__ import annotations

import collections
import collections.abc as c
import dataclasses
import functools
import typing as t

import sqlalchemy as sa
from sqlalchemy import orm as so

from ..availability import Calendar, Hours, Limits, Occupied, Range, Rules, Window
from ..models import Assignment, BookingPage, EventType, EventTypeHost, Host, OccupiedTime
from ..models.stamps import note_stamps
from ..state import Session
from . import host_settings, mirrored
from .transaction import lock_calendars, locking

DAY = 86_400
_REACH = 2 * DAY
"""The longest time that one booking can occupy: the day that a host may make of it, and a day of buffers."""
_CLOSED: tuple[tuple[Range, ...], ...] = ((),) * 7
"""The hours of a host who has none."""
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
    true_until: int
    """When what is known of connected calendars is too old to count (epoch seconds)."""

    def rules(self, duration: int) -> Rules:
        """The rules for one of the durations (minutes) that the guest can choose from."""
        return dataclasses.replace(self.base, duration=duration)


def load(
    session: Session,
    event: EventType,
    hosts: c.Iterable[Host],
    start: int,
    end: int,
    *,
    now: int,
    longest: int = 0,
    locked: bool = False,
    final: bool = False,
) -> Snapshot:
    """Read what decides about offers of ``event`` by those hosts who are active, in ``[start, end)`` (epoch seconds).

    ``longest`` is how many minutes a meeting lasts that is longer than those on offer: its host has made it so, or
    offers its duration no more.  With ``locked`` the occupied times are read as committed now; the caller holds the
    hosts' locks.  With ``final`` the time is being given away.  Takes one query, whatever the number of hosts and
    bookings, two more for hosts whose settings aren't remembered, and one for those of whose calendars this isn't.
    """
    hosts = [host for host in hosts if host.active]
    host_ids = [host.id for host in hosts]
    limits = [Limits(one.limit_day, one.limit_week, one.limit_month) for one in hosts]
    base = _rules(event, hosts[0].week_start if hosts else 0)
    limited = any(one != Limits() for one in (base.limits, *limits))
    before, after = base.buffer_before * 60, (max(*event.durations, longest) + base.buffer_after) * 60
    mirrors = mirrored.mirrors(session, hosts, start - before, end + after)
    before, after = (max(near, _LIMIT_REACH) if limited else near for near in (before, after))
    declared = host_settings.declared(session, host_settings.stamps_of(hosts))
    occupied = _occupied(session, host_ids, start - before, end + after, locked)
    return Snapshot(
        event_type_id=event.id,
        durations=tuple(event.durations),
        assignment=event.assignment,
        base=base,
        calendars=tuple(
            Calendar(
                host_id=host.id,
                hours=declared[host.id].hours_of(event.schedule_id) or Hours(host.time_zone, _CLOSED),
                busy=mirrors[host.id].busy,
                unknown=mirrored.unknown(host, mirrors[host.id], now, final=final),
                blocked=declared[host.id].busy(start - _REACH, end + _REACH),
                occupied=occupied[host.id],
                limits=limit,
            )
            for host, limit in zip(hosts, limits, strict=True)
        ),
        start=start,
        end=end,
        true_until=min((one.changes_at(now) for one in mirrors.values()), default=1 << 60),
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


def _occupied(
    session: Session, host_ids: c.Sequence[int], start: int, end: int, locked: bool
) -> dict[int, tuple[Occupied, ...]]:
    found: dict[int, list[Occupied]] = collections.defaultdict(list)
    """What is occupied in ``[start, end)``, in order of time.  The index is asked for what begins not long before."""
    wanted = {"hosts": host_ids, "begun": start - _REACH, "first": start, "last": end}
    for row in session.connection().execute(_select_occupied(locked), wanted):
        found[row[0]].append(Occupied(*row[1:]))
    return collections.defaultdict(tuple, {host_id: tuple(times) for host_id, times in found.items()})


def event_to_book(session: Session, event_type_id: int) -> tuple[EventType | None, list[Host]]:
    """An event type, and its active hosts with their users, whose calendars are locked until the transaction ends, as
    by :func:`.transaction.lock_calendars`: in one query where a query can lock.

    They are read again when the lock had to be waited for, since whoever had it may have changed them.
    """
    locks = session.connection().dialect.name == "postgresql"
    while True:
        rows = session.execute(_select_event(locks), {"event": event_type_id}).all()
        hosts = [row[1] for row in rows if row[1] is not None]
        if not locks:
            versions = lock_calendars(session, [host.id for host in hosts])
        else:
            versions = {}
            for _event, host, settings_stamp, mirror_stamp, version in rows if hosts else ():
                versions[host.id] = version
                note_stamps(session, host.id, settings_stamp=settings_stamp, mirror_stamp=mirror_stamp)
        if all(versions.get(host.id) == host.lock_version + 1 for host in hosts):
            return (rows[0][0] if rows else None), hosts


# Each query is built once: that takes longer than a database takes to answer it.


_DECIDING = (
    *("page_id", "title", "active", "archived_at", "durations", "interval", "buffer_before", "buffer_after", "notice"),
    *("window_kind", "window_days", "window_first", "window_last", "limit_day", "limit_week", "limit_month"),
    *("limit_guest", "seats", "hold_minutes", "requires_approval", "assignment", "schedule_id"),
)
"""The columns of an event type that decide about a booking; its texts and questions are read where they are shown."""


@functools.cache
def _select_event(locks: bool) -> t.Any:
    active = sa.select(Host.id).join(EventTypeHost, EventTypeHost.host_id == Host.id)
    active = active.where(EventTypeHost.event_type_id == sa.bindparam("event"), Host.active)
    hosts = locking(active) if locks else active.subquery()
    return (
        sa.select(EventType, Host, *(column for column in hosts.c if column.key != "id"))
        .select_from(EventType)
        .outerjoin(hosts, sa.true())
        .outerjoin(Host, Host.id == hosts.c.id)
        .where(EventType.id == sa.bindparam("event"))
        .order_by(Host.id)
        .options(
            so.load_only(*(getattr(EventType, name) for name in _DECIDING)),
            so.joinedload(EventType.page).load_only(BookingPage.host_id),
            so.joinedload(Host.user),
        )
        .execution_options(populate_existing=True)
    )


@functools.cache
def _select_occupied(locked: bool) -> t.Any:
    row = OccupiedTime.__table__.c
    query = (
        sa.select(
            row.host_id, row.starts, row.ends, row.occupied_from, row.occupied_until,
            row.event_type_id, row.booking_id, row.hold_id, row.expires,
        )
        .where(
            row.host_id.in_(sa.bindparam("hosts", expanding=True)),
            row.occupied_from >= sa.bindparam("begun"),
            row.occupied_until > sa.bindparam("first"),
            row.occupied_from < sa.bindparam("last"),
        )
        .order_by(row.host_id, row.occupied_from)
    )  # fmt: skip
    return query.with_for_update() if locked else query
