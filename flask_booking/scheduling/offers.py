"""What can be booked, for pages and programs: remembered as long as nothing can have changed.

A lookup reads, in one query, the versions of the event type and of its hosts.  Whoever writes anything that decides
about offers raises one of them in the same transaction, so what was computed for the same versions is still true until
the clock alone changes it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import time
import typing as t

import sqlalchemy as sa

from ..availability import Verdict, explain, valid_until
from ..errors import InvalidInput, NoLongerOffered, NotBookable
from ..i18n import gettext as _
from ..models import Assignment, Booking, BookingPage, EventType, EventTypeHost, Host, OldSlug
from ..state import session, state
from ..zones import zone
from . import snapshot as snapshots
from .choose import NOTHING, Ignoring, starts
from .find import page_by_slug

DAY = 86_400
LONGEST_DAYS = 62
LONGEST = LONGEST_DAYS * DAY
"""The widest range that one look-up answers: two months, in seconds."""
_CHANGES = DAY
"""Less than this can clocks that change add to so many days, in seconds."""


@dataclasses.dataclass(frozen=True)
class EventAddress:
    """An event type as a look-up finds it, with the versions that decide about its offers."""

    page_id: int
    event_type_id: int
    version: int
    hosts: tuple[tuple[int, int], ...]

    @property
    def host_ids(self) -> list[int]:
        """The active hosts, in the order of locking."""
        return [host_id for host_id, _version in self.hosts]


@dataclasses.dataclass(frozen=True)
class Offers:
    """Starts on offer (epoch seconds, sorted), and the cache key and expiry that anything made from them may share."""

    starts: tuple[int, ...]
    duration: int
    key: tuple[object, ...]
    valid_until: int


@functools.cache
def _lookup() -> sa.Executable:
    """The one query of a look-up; made once, since building it takes longer than a database takes to answer it."""
    return (
        sa.select(
            BookingPage.id, BookingPage.active, EventType.id, EventType.active, EventType.archived_at,
            EventType.version, Host.id, Host.lock_version, Host.active,
        )
        .join(EventType, EventType.page_id == BookingPage.id)
        .outerjoin(EventTypeHost, EventTypeHost.event_type_id == EventType.id)
        .outerjoin(Host, Host.id == EventTypeHost.host_id)
        .where(BookingPage.slug == sa.bindparam("page"), EventType.slug == sa.bindparam("event"))
        .order_by(Host.id)
    )  # fmt: skip


def find_event(page_slug: str, event_slug: str) -> EventAddress:
    """The event type at an address, in one query.

    Raises :class:`NotBookable` for an unknown one and :class:`NoLongerOffered` for an inactive one; the latter's
    subclass :class:`Moved` names the new address when it or its page was renamed.
    """
    # Through the connection: nothing here is an object of the ORM, whose loading would cost as much again.
    rows = session().connection().execute(_lookup(), {"page": page_slug, "event": event_slug}).all()
    if not rows:
        raise _moved(page_slug, event_slug) or NotBookable()
    page_id, page_active, event_type_id, active, archived_at, version, *_host = rows[0]
    if not page_active or not active or archived_at is not None:
        raise NoLongerOffered
    hosts = tuple((row[6], row[7]) for row in rows if row[8])
    return EventAddress(page_id, event_type_id, version, hosts)


class Moved(NoLongerOffered):
    """The event type has another address now: ``page`` and ``slug``."""

    def __init__(self, page: str, slug: str) -> None:
        super().__init__()
        self.page, self.slug = page, slug


def _moved(page_slug: str, event_slug: str) -> Moved | None:
    page = page_by_slug(page_slug)
    if page is None:
        return None
    known = sa.select(EventType.slug).where(EventType.page_id == page.id)
    former = known.join(OldSlug, OldSlug.event_type_id == EventType.id).where(OldSlug.slug == event_slug)
    slug = session().scalar(known.where(EventType.slug == event_slug)) or session().scalar(former)
    return Moved(page.slug, slug) if slug else None


def _refuse_more_than_two_months(start: int, end: int) -> None:
    if end - start >= LONGEST + _CHANGES:
        raise InvalidInput(_("Ask for at most two months at a time."), fields={"end": _("At most 62 days.")})


def offers(
    address: EventAddress,
    *,
    start: int,
    end: int,
    duration: int | None = None,
    now: int | None = None,
    ignoring: Ignoring = NOTHING,
) -> Offers:
    """What can be booked from ``start`` to ``end`` (epoch seconds); ``duration`` in minutes, the default one if None.

    Raises :class:`InvalidInput` for a duration the event type lacks or a range beyond two months.
    """
    _refuse_more_than_two_months(start, end)
    now = int(time.time()) if now is None else now
    key = (address.event_type_id, address.version, address.hosts, duration, start, end, ignoring)
    memory = state().offers
    found: Offers | None = memory.get(key)
    if found is not None and found.valid_until > now >= found.key[-1]:  # type: ignore[operator]
        return found
    snapshot = _snapshot(address, start, end, now)
    minutes = snapshot.durations[0] if duration is None else duration
    if minutes not in snapshot.durations:
        raise InvalidInput(_("This duration isn't offered."), fields={"duration": _("This duration isn't offered.")})
    offered = starts(snapshot, minutes, now=now, start=start, end=end, ignoring=ignoring)
    expiry = min(
        (
            valid_until(snapshot.rules(minutes), calendar, now=now, start=start, end=end, offered=offered)
            for calendar in snapshot.calendars
        ),
        default=now + DAY,
    )
    result = Offers(tuple(offered), minutes, (*key, now), min(expiry, snapshot.true_until))
    memory.put(key, result)
    return result


def _snapshot(address: EventAddress, start: int, end: int, now: int, *, longest: int = 0) -> snapshots.Snapshot:
    """The versions in the key were read before the data: what is remembered can be newer than its key, never older."""
    key = ("snapshot", address.event_type_id, address.version, address.hosts, start, end, longest)
    memory = state().offers
    found: snapshots.Snapshot | None = memory.get(key)
    if found is None or found.true_until <= now:
        rows = session().execute(_event_and_hosts(), {"event": address.event_type_id, "hosts": address.host_ids}).all()
        if not rows:
            raise NotBookable
        hosts = [host for _event, host in rows if host is not None]
        found = snapshots.load(session(), rows[0][0], hosts, start, end, now=now, longest=longest)
        memory.put(key, found)
    return found


@functools.cache
def _event_and_hosts() -> t.Any:
    return (
        sa.select(EventType, Host)
        .outerjoin(Host, Host.id.in_(sa.bindparam("hosts", expanding=True)))
        .where(EventType.id == sa.bindparam("event"))
        .order_by(Host.id)
        .execution_options(populate_existing=True)
    )


def offers_for_move(booking: Booking, *, start: int, end: int, now: int | None = None) -> Offers:
    """Where ``booking`` can be moved to between ``start`` and ``end`` (epoch seconds).

    All of its own hosts must be free for as long as it lasts; where it is now isn't in its way.
    """
    _refuse_more_than_two_months(start, end)
    now = int(time.time()) if now is None else now
    event, minutes = booking.event_type, booking.minutes
    hosts = tuple((host.id, host.lock_version) for host in booking.hosts if host.active)
    address = EventAddress(event.page_id, event.id, event.version, hosts)
    everyone = dataclasses.replace(_snapshot(address, start, end, now, longest=minutes), assignment=Assignment.ALL)
    found = starts(everyone, minutes, now=now, start=start, end=end, ignoring=Ignoring(booking_id=booking.id))
    return Offers(tuple(found), minutes, ("move", booking.id, address, start, end), now)


def next_slot(address: EventAddress, *, after: int, duration: int | None = None, now: int | None = None) -> int | None:
    """The first start on offer at or after ``after`` (epoch seconds), looking at most a year ahead of it and of now."""
    after = max(after, int(time.time()) if now is None else now)
    for begin in range(after, after + 366 * DAY, LONGEST):
        found = offers(address, start=begin, end=begin + LONGEST, duration=duration, now=now)
        if found.starts:
            return found.starts[0]
    return None


def nearest(
    address: EventAddress, *, at: int, duration: int | None = None, count: int = 4, ignoring: Ignoring = NOTHING
) -> list[int]:
    """The starts on offer nearest to ``at``, in order of time: what to say when it was taken meanwhile."""
    midnight = at - at % DAY
    found = offers(address, start=midnight - 7 * DAY, end=midnight + 22 * DAY, duration=duration, ignoring=ignoring)
    return sorted(sorted(found.starts, key=lambda start: (abs(start - at), start))[:count])


def explain_day(
    address: EventAddress, day: dt.date, zone_key: str, *, duration: int | None = None
) -> dict[int, list[Verdict]]:
    """For each host, every start of a local date with the reason why it isn't offered; by the code that offers."""
    midnight = dt.datetime.combine(day, dt.time(), zone(zone_key))
    start = int(midnight.timestamp())
    end = int(dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zone(zone_key)).timestamp())
    now = int(time.time())
    snapshot = _snapshot(address, start, end, now)
    rules = snapshot.rules(duration or snapshot.durations[0])
    return {
        calendar.host_id: explain(rules, calendar, now=now, start=start, end=end) for calendar in snapshot.calendars
    }
