"""What hosts have set, remembered: hours, blocked times and the rules of reminders change seldom, bookings often.

``Host.settings_stamp`` is another one after each change, in the same transaction, so what is remembered with a stamp is
true as long as the host has it.  Bookings read the stamp under the host's lock.
"""

from __future__ import annotations

import collections
import collections.abc as c
import dataclasses
import datetime as dt
import functools
import typing as t

import sqlalchemy as sa

from ..availability import Busy, Hours, Range
from ..models import Anchor, Audience, BlockedTime, DateOverride, Host, MessageRule, Schedule
from ..state import Session, state
from .blocked import Blocked, expand

DAY = 86_400
T = t.TypeVar("T")
Stamps: t.TypeAlias = "dict[int, int]"
"""The settings stamp of each host, by the host's id."""


@dataclasses.dataclass(frozen=True)
class Declared:
    """A host's hours by the id of their schedule, the id of the default one, and what is blocked."""

    hours: c.Mapping[int, Hours]
    default: int | None
    blocked: tuple[Blocked, ...]

    def hours_of(self, schedule_id: int | None) -> Hours | None:
        """The hours of a schedule where it is the host's own, else the default ones."""
        own = self.hours.get(schedule_id) if schedule_id is not None else None
        return own or (self.hours.get(self.default) if self.default is not None else None)

    def busy(self, start: int, end: int) -> tuple[Busy, ...]:
        """What blocked times close in ``[start, end)`` (epoch seconds), sorted."""
        first, last = (
            dt.datetime.fromtimestamp(max(at, 0), dt.UTC).replace(tzinfo=None) for at in (start - DAY, end + DAY)
        )
        found: list[Busy] = []
        for one in self.blocked:
            if one.rrule or (one.ends_local >= first and one.starts_local <= last):
                found += expand(one, start, end)
        return tuple(sorted(found))


@dataclasses.dataclass(frozen=True)
class Rule:
    """An active rule of reminders or follow-ups, as :class:`~flask_booking.models.MessageRule` has it."""

    id: int
    host_id: int
    event_type_id: int | None
    anchor: Anchor
    minutes: int
    audience: Audience


NOTHING = Declared({}, None, ())


def stamps_of(hosts: c.Iterable[Host]) -> Stamps:
    """The stamps that these hosts were loaded with."""
    return {host.id: host.settings_stamp for host in hosts}


def declared(session: Session, stamps: Stamps) -> dict[int, Declared]:
    """The hours and blocked times of each host: in two queries, or none."""
    return _remembered(session, "declared", stamps, _declared)


def rules(session: Session, stamps: Stamps) -> dict[int, tuple[Rule, ...]]:
    """The active rules of each host, in the order they were made: in one query, or none."""
    return _remembered(session, "rules", stamps, _rules)


def _remembered(
    session: Session, kind: str, stamps: Stamps, load: c.Callable[[Session, c.Sequence[int]], dict[int, T]]
) -> dict[int, T]:
    memory = state().offers
    found = {host_id: memory.get((kind, host_id, stamp)) for host_id, stamp in stamps.items()}
    missing = [host_id for host_id, value in found.items() if value is None]
    if missing:
        loaded = load(session, missing)
        for host_id in missing:
            found[host_id] = loaded[host_id]
            memory.put((kind, host_id, stamps[host_id]), loaded[host_id])
    return t.cast("dict[int, T]", found)


def _declared(session: Session, host_ids: c.Sequence[int]) -> dict[int, Declared]:
    schedules: dict[int, Schedule] = {}
    overrides: dict[int, list[DateOverride]] = collections.defaultdict(list)
    for schedule, override in session.execute(_select_schedules(), {"hosts": host_ids}):
        schedules[schedule.id] = schedule
        if override is not None:
            overrides[schedule.id].append(override)
    hours: dict[int, dict[int, Hours]] = {host_id: {} for host_id in host_ids}
    default: dict[int, int] = {}
    for schedule in schedules.values():
        hours[schedule.host_id][schedule.id] = _hours(schedule, overrides[schedule.id])
        if schedule.is_default:
            default[schedule.host_id] = schedule.id
    blocked: dict[int, list[Blocked]] = collections.defaultdict(list)
    for row in session.execute(_select_blocked(), {"hosts": host_ids}):
        blocked[row[0]].append(Blocked(*row[1:]))
    return {host_id: Declared(hours[host_id], default.get(host_id), tuple(blocked[host_id])) for host_id in host_ids}


def _hours(schedule: Schedule, overrides: c.Iterable[DateOverride]) -> Hours:
    dates: dict[dt.date, tuple[Range, ...]] = {}
    for override in overrides:
        ranges = _ranges(override.ranges)
        for day in range((override.last - override.first).days + 1):
            dates[override.first + dt.timedelta(days=day)] = ranges
    return Hours(schedule.time_zone, tuple(_ranges(ranges) for ranges in schedule.weekly), dates)


def _ranges(pairs: list[list[int]]) -> tuple[Range, ...]:
    return tuple((start, end) for start, end in pairs)


def _rules(session: Session, host_ids: c.Sequence[int]) -> dict[int, tuple[Rule, ...]]:
    found: dict[int, list[Rule]] = {host_id: [] for host_id in host_ids}
    for row in session.execute(_select_rules(), {"hosts": host_ids}):
        found[row[1]].append(Rule(*row))
    return {host_id: tuple(rules) for host_id, rules in found.items()}


@functools.cache
def _select_schedules() -> t.Any:
    return (
        sa.select(Schedule, DateOverride)
        .outerjoin(DateOverride, DateOverride.schedule_id == Schedule.id)
        .where(Schedule.host_id.in_(sa.bindparam("hosts", expanding=True)))
        .order_by(DateOverride.id)
        .execution_options(populate_existing=True)
    )


@functools.cache
def _select_blocked() -> t.Any:
    row = BlockedTime
    return sa.select(row.host_id, row.starts_local, row.ends_local, row.time_zone, row.rrule, row.title).where(
        row.host_id.in_(sa.bindparam("hosts", expanding=True))
    )


@functools.cache
def _select_rules() -> t.Any:
    row = MessageRule
    return (
        sa.select(row.id, row.host_id, row.event_type_id, row.anchor, row.minutes, row.audience)
        .where(row.host_id.in_(sa.bindparam("hosts", expanding=True)), row.active)
        .order_by(row.id)
    )
