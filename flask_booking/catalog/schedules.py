"""Writing weekly hours, date overrides and blocked times."""

from __future__ import annotations

import collections.abc as c
import datetime as dt
import typing as t

import sqlalchemy as sa

from ..encryption import new_public_id
from ..errors import InvalidInput
from ..i18n import gettext as _
from ..models import BlockedTime, BookingPage, DateOverride, EventType, Host, Schedule
from ..scheduling.blocked import check_rrule
from ..state import session
from . import check
from .hosts import OFFICE_HOURS
from .writing import remove, write

_LONGEST_OVERRIDE = 366
_END_OF_TIME = 9000
"""The first year that can't be blocked: the calendars of computers end with the year 9999."""


def create_schedule(host: Host, name: str, *, time_zone: str | None = None, weekly: object = None) -> Schedule:
    """A new schedule; ``weekly`` has seven lists of ranges in minutes, Monday first.  Raises :class:`InvalidInput`."""

    def work() -> Schedule:
        schedule = Schedule(host_id=host.id, is_default=False)
        _fill(schedule, name, time_zone or host.time_zone, OFFICE_HOURS if weekly is None else weekly)
        session().add(schedule)
        return schedule

    return write([host.id], work)


def update_schedule(schedule: Schedule, *, name: object, time_zone: object, weekly: object) -> None:
    """Change a schedule.  Raises :class:`InvalidInput`; problems of a day are noted as ``weekly.<0-6>``."""
    write([schedule.host_id], lambda: _fill(schedule, name, time_zone, weekly))


def _fill(schedule: Schedule, name: object, time_zone: object, weekly: object) -> None:
    problems: check.Problems = {}
    clean_name = check.line(name, "name", problems, most=120, required=True)
    key = check.zone_key(time_zone, "time_zone", problems)
    days: list[t.Any] = list(weekly) if isinstance(weekly, list | tuple) else []
    if len(days) != 7:
        problems["weekly"] = _("Please enter hours for the seven days of the week.")
    hours = [check.ranges(day, f"weekly.{index}", problems) for index, day in enumerate(days)]
    check.finish(problems)
    schedule.name, schedule.time_zone, schedule.weekly = clean_name, key, hours


def make_default(schedule: Schedule) -> None:
    """Use a schedule for every event type that names none."""

    def work() -> None:
        session().execute(sa.update(Schedule).where(Schedule.host_id == schedule.host_id).values(is_default=False))
        schedule.is_default = True

    write([schedule.host_id], work)


def delete_schedule(schedule: Schedule) -> None:
    """Delete a schedule; event types that used it fall back to the default one.  The default can't be deleted."""
    if schedule.is_default:
        raise InvalidInput(_("This is your default schedule. Make another one the default first."))
    db = session()

    def work() -> None:
        db.execute(sa.update(EventType).where(EventType.schedule_id == schedule.id).values(schedule_id=None))
        db.delete(schedule)

    remove([schedule.host_id], work)


def restore_schedule(
    host: Host,
    *,
    public_id: str,
    name: object,
    time_zone: object,
    weekly: object,
    overrides: c.Iterable[tuple[object, object, object, str]],
    used: c.Collection[str],
) -> Schedule:
    """Bring a deleted schedule back, to those event types in ``used`` (ids in addresses) that have named none since.

    ``overrides`` are their first and last dates, ranges and notes, in the order they were made.  Raises
    :class:`InvalidInput`.
    """
    db = session()
    own = sa.select(EventType).join(EventType.page).where(BookingPage.host_id == host.id)
    events = db.scalars(own.where(EventType.public_id.in_(used), EventType.schedule_id.is_(None))).all()
    again = list(overrides)

    def work() -> Schedule:
        schedule = Schedule(host_id=host.id, is_default=False, public_id=public_id)
        _fill(schedule, name, time_zone, weekly)
        db.add(schedule)
        for values in again:
            schedule.overrides.append(_override(*values))
            db.flush()  # one by one: where two have a date, the later id counts
        for event in events:
            event.schedule, event.version = schedule, event.version + 1
        return schedule

    return write({host.id, *(one.id for event in events for one in event.hosts)}, work)


def add_override(schedule: Schedule, first: object, last: object, ranges: object, note: str = "") -> DateOverride:
    """Other hours (or none: closed) from ``first`` to ``last``, both included; replaces overrides of these dates.

    Raises :class:`InvalidInput`.
    """

    def work() -> DateOverride:
        override = _override(first, last, ranges, note)
        for other in list(schedule.overrides):
            if other.first >= override.first and other.last <= override.last:
                schedule.overrides.remove(other)
        schedule.overrides.append(override)
        return override

    return write([schedule.host_id], work)


def _override(first: object, last: object, ranges: object, note: str) -> DateOverride:
    problems: check.Problems = {}
    begin, end = _date(first, "first", problems), _date(last or first, "last", problems)
    if begin and end and not 0 <= (end - begin).days < _LONGEST_OVERRIDE:
        problems["last"] = _("The last date comes after the first one, at most a year later.")
    hours = check.ranges(ranges, "ranges", problems)
    text = check.line(note, "note", problems)
    check.finish(problems)
    assert begin is not None  # noqa: S101 - problems were raised above
    assert end is not None  # noqa: S101
    return DateOverride(first=begin, last=end, ranges=hours, note=text)


def restore_override(
    schedule: Schedule, *, key: int, public_id: str, first: object, last: object, ranges: object, note: str
) -> DateOverride:
    """Bring back a removed override, whose ``id`` was ``key``: it replaces none, and counts where it did before.

    Raises :class:`InvalidInput`.
    """
    db = session()

    def work() -> DateOverride:
        override = _override(first, last, ranges, note)
        override.public_id = public_id
        # Where two overrides have a date, the later id counts.  SQLite gives the last one away again.
        if db.get(DateOverride, key) is None:
            override.id = key
        schedule.overrides.append(override)
        return override

    return write([schedule.host_id], work)


def remove_override(override: DateOverride) -> None:
    """Go back to the weekly hours on these dates."""
    schedule = override.schedule

    def work() -> None:
        if override in schedule.overrides:  # nobody else has removed it meanwhile
            schedule.overrides.remove(override)

    remove([schedule.host_id], work)


def block_time(
    host: Host,
    *,
    starts: dt.datetime,
    ends: dt.datetime,
    time_zone: str | None = None,
    title: str = "",
    rrule: str = "",
    all_day: bool = False,
    blocked: BlockedTime | None = None,
    public_id: str | None = None,
) -> BlockedTime:
    """Block a period, once or by RRULE; ``starts`` and ``ends`` are wall-clock times without a zone.

    An all-day block lasts from midnight to midnight and includes the day of ``ends``.  ``blocked`` changes an
    existing one; ``public_id`` is that of one which comes back.  Raises :class:`InvalidInput`.
    """
    clean = check_blocked(
        starts=starts, ends=ends, time_zone=time_zone or host.time_zone, title=title, rrule=rrule, all_day=all_day
    )

    def work() -> BlockedTime:
        row = blocked or BlockedTime(host_id=host.id, public_id=public_id or new_public_id())
        for name, value in clean.items():
            setattr(row, name, value)
        session().add(row)
        return row

    return write([host.id], work)


def check_blocked(
    *, starts: dt.datetime, ends: dt.datetime, time_zone: str, title: str = "", rrule: str = "", all_day: bool = False
) -> dict[str, t.Any]:
    """The clean columns of a blocked time.  Raises :class:`InvalidInput` with every problem."""
    problems: check.Problems = {}
    key = check.zone_key(time_zone, "time_zone", problems)
    text = check.line(title, "title", problems)
    rule = ""
    for field, edge in (("starts", starts), ("ends", ends)):
        if edge.year >= _END_OF_TIME:
            problems[field] = _("Please enter a date before the year %(year)s.", year=_END_OF_TIME)
    check.finish(problems)  # what comes now reckons with days after these
    if all_day:
        starts = dt.datetime.combine(starts.date(), dt.time())
        ends = dt.datetime.combine(ends.date() + dt.timedelta(days=1), dt.time())
    if ends <= starts:
        problems["ends"] = _("The end comes after the start.")
    elif ends - starts > dt.timedelta(days=366):
        problems["ends"] = _("Please block at most a year at a time.")
    try:
        rule = check_rrule(rrule, starts, key)
    except InvalidInput as error:
        problems |= error.fields
    check.finish(problems)
    return {
        "starts_local": starts, "ends_local": ends, "time_zone": key, "title": text, "rrule": rule, "all_day": all_day,
    }  # fmt: skip


def unblock_time(blocked: BlockedTime) -> None:
    """Take a blocked time away."""
    remove([blocked.host_id], lambda: session().delete(blocked))


def _date(value: object, field: str, problems: check.Problems) -> dt.date | None:
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(str(value or ""))
    except ValueError:
        problems[field] = _("Please enter a date, such as 2026-12-31.")
        return None
