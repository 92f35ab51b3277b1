"""What the connected calendars of hosts say, as far as it was read: from our own tables, never from a service.

It is remembered with the host's ``mirror_stamp``, which each reading of a calendar changes in the same transaction.
Busy times are remembered in stretches of :data:`STRETCH` seconds, so that a guest's page and the booking that follows
share what was read.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import functools
import typing as t

import sqlalchemy as sa
from flask import current_app

from ..availability import Busy
from ..models import BusyTime, ConnectedCalendar, Connection, Host, StaleCalendars
from ..state import Memory, Session, state

STRETCH = 32 * 86_400
_ALWAYS = 1 << 60


@dataclasses.dataclass(frozen=True)
class Read:
    """How far a calendar that closes time was read: until the instant ``until``, and last at ``at`` (epoch seconds;
    0 is never)."""

    name: str
    at: int
    until: int


@dataclasses.dataclass(frozen=True)
class Target:
    """The calendar that gets the events of a host's bookings."""

    calendar_id: int
    provider: str
    conferencing: tuple[str, ...]
    invites: bool


@dataclasses.dataclass(frozen=True)
class Mirror:
    """The calendars of one host that close time, and when they do."""

    reads: tuple[Read, ...] = ()
    busy: tuple[Busy, ...] = ()

    def unknown(self, now: int, *, trusting: bool = False) -> tuple[Busy, ...]:
        """When it isn't known at ``now`` whether the host is free.

        With ``trusting`` what was last read counts, however old.
        """
        found = []
        for read in self.reads:
            stale = not read.at or (not trusting and read.at + freshness() <= now)
            found.append(Busy(0 if stale else read.until, _ALWAYS, read.name))
        return tuple(found)

    def changes_at(self, now: int) -> int:
        """The next instant at which :meth:`unknown` says something else though nothing was read."""
        return min((read.at + freshness() for read in self.reads if read.at + freshness() > now), default=_ALWAYS)


def freshness() -> int:
    """For how many seconds what was read of a calendar counts as true."""
    return int(current_app.config["BOOKING_CALENDAR_STALE_MINUTES"] * 60)


def unknown(host: Host, mirror: Mirror, now: int, *, final: bool) -> tuple[Busy, ...]:
    """When it isn't known whether ``host`` is free, as far as that closes time; ``final`` says that a time is being
    given away and not only offered."""
    trusting = host.stale_calendars is StaleCalendars.ASK and not final
    return mirror.unknown(now, trusting=trusting)


def mirrors(session: Session, hosts: c.Sequence[Host], start: int, end: int) -> dict[int, Mirror]:
    """What is known of each host's connected calendars in ``[start, end)`` (epoch seconds).

    In one query, whatever the number of hosts, calendars and events; or in none.
    """
    memory = state().offers
    stretches = range(start // STRETCH, (max(end, start + 1) - 1) // STRETCH + 1)
    wanted = [(host, stretch, ("mirror", host.id, stretch)) for host in hosts for stretch in stretches]
    found: dict[t.Any, Mirror | None] = {key: _kept(memory, key, host) for host, _stretch, key in wanted}
    missing = [(host, stretch, key) for host, stretch, key in wanted if found[key] is None]
    if missing:
        numbers = [stretch for _host, stretch, _key in missing]
        first, last = min(numbers) * STRETCH, (max(numbers) + 1) * STRETCH
        loaded = _load(session, list({host.id for host, _stretch, _key in missing}), first, last)
        for host, stretch, key in missing:
            found[key] = mirror = _part(loaded[host.id], stretch * STRETCH, (stretch + 1) * STRETCH)
            memory.put(key, (host.mirror_stamp, mirror))
    together: dict[int, Mirror] = {}
    for host in hosts:
        parts = [t.cast(Mirror, found[key]) for one, _stretch, key in wanted if one is host]
        busy = parts[0].busy if len(parts) == 1 else tuple(sorted({row for part in parts for row in part.busy}))
        together[host.id] = Mirror(parts[0].reads, busy)
    return together


def targets(session: Session, hosts: c.Sequence[Host]) -> dict[int, Target | None]:
    """Where the events of each host's bookings go: in one query, or in none."""
    memory = state().offers
    stamps = {host.id: host.mirror_stamp for host in hosts}
    found: dict[int, tuple[Target | None] | None] = {
        host.id: _kept(memory, ("target", host.id), host) for host in hosts
    }
    missing = [host_id for host_id, value in found.items() if value is None]
    if missing:
        loaded: dict[int, tuple[Target | None]] = dict.fromkeys(missing, (None,))
        for host_id, *target in session.execute(_select_targets(), {"hosts": missing}):
            calendar_id, provider, conferencing, invites = target
            loaded[host_id] = (Target(calendar_id, provider, tuple(conferencing or ()), invites),)
        for host_id in missing:
            found[host_id] = loaded[host_id]
            memory.put(("target", host_id), (stamps[host_id], loaded[host_id]))
    return {host_id: t.cast("tuple[Target | None]", value)[0] for host_id, value in found.items()}


def _kept(memory: Memory, key: t.Any, host: Host) -> t.Any | None:
    """What is remembered, if nothing was read since.  The stamp is no part of the key: what is out of date shall make
    room for what isn't."""
    stamp, value = memory.get(key) or (None, None)
    return value if stamp == host.mirror_stamp else None


def _load(session: Session, host_ids: list[int], first: int, last: int) -> dict[int, Mirror]:
    reads: dict[int, dict[int, Read]] = {host_id: {} for host_id in host_ids}
    busy: dict[int, list[Busy]] = {host_id: [] for host_id in host_ids}
    for row in session.execute(_select_mirror(), {"hosts": host_ids, "first": first, "last": last}):
        host_id, calendar_id, name, synced_at, until, starts, ends, title = row
        if calendar_id not in reads[host_id]:
            reads[host_id][calendar_id] = Read(name, int(synced_at.timestamp()) if synced_at else 0, until)
        if starts is not None:
            busy[host_id].append(Busy(starts, ends, f"{title} · {name}" if title else name))
    return {host_id: Mirror(tuple(reads[host_id].values()), tuple(busy[host_id])) for host_id in host_ids}


def _part(mirror: Mirror, first: int, last: int) -> Mirror:
    return Mirror(mirror.reads, tuple(row for row in mirror.busy if row.start < last and row.end > first))


@functools.cache
def _select_mirror() -> t.Any:
    calendar, row = ConnectedCalendar.__table__.c, BusyTime.__table__.c
    joined = ConnectedCalendar.__table__.outerjoin(
        BusyTime.__table__,
        (row.calendar_id == calendar.id)
        & (row.host_id == calendar.host_id)
        & (row.starts < sa.bindparam("last"))
        & (row.ends > sa.bindparam("first"))
        & (calendar.tentative_blocks | ~row.tentative),
    )
    return (
        sa.select(
            calendar.host_id, calendar.id, calendar.name, calendar.synced_at, calendar.window_end,
            row.starts, row.ends, row.title,
        )
        .select_from(joined)
        .where(
            calendar.host_id.in_(sa.bindparam("hosts", expanding=True)),
            calendar.check_conflicts,
            ~calendar.paused,
            ~calendar.missing,
        )
        .order_by(calendar.host_id, row.starts)
    )  # fmt: skip


@functools.cache
def _select_targets() -> t.Any:
    calendar = ConnectedCalendar
    return (
        sa.select(calendar.host_id, calendar.id, Connection.provider, calendar.conferencing, calendar.invites)
        .join(Connection, Connection.id == calendar.connection_id)
        .where(
            calendar.host_id.in_(sa.bindparam("hosts", expanding=True)),
            calendar.target, calendar.writable, ~calendar.paused, ~calendar.missing,
        )
    )  # fmt: skip
