"""A host who can be booked day and night, and guests who do, by the functions that pages and screens call."""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import datetime as dt
import typing as t

import sqlalchemy as sa
from flask import current_app

from .. import catalog, scheduling
from ..errors import InvalidInput
from ..jobs.context import as_if_asked
from ..models import Booking, BookingPage, EventType, Host, Schedule
from ..scheduling import intake
from ..state import session

ALWAYS = [[[0, 24 * 60]]] * 7
"""Hours around the clock, so that a test has the same times at any hour of any day."""
_AHEAD = dt.timedelta(hours=1)


@dataclasses.dataclass(frozen=True)
class Bookable:
    """A user of the CRM who can be booked: as a host, with a page and an event type on it."""

    user: t.Any
    host: Host
    page: BookingPage
    event: EventType


def booking_host(
    user: t.Any,
    *,
    slug: str | None = None,
    time_zone: str | None = None,
    weekly: c.Sequence[t.Any] = ALWAYS,
    **event_type: t.Any,
) -> Bookable:
    """Make ``user`` bookable: day and night, without notice, for meetings of half an hour.

    The user is saved if that wasn't done.  ``weekly`` has, for Monday to Sunday, the ranges of minutes that are open;
    ``time_zone`` is that of these hours, the host's own if None.  ``event_type`` are values of
    :func:`flask_booking.catalog.create_event_type`, such as ``title`` or ``questions``.  Commits.
    """
    db = session()
    db.add(user)
    db.commit()
    host = catalog.ensure_host(user, slug=slug)
    hours = db.scalars(sa.select(Schedule).where(Schedule.host_id == host.id, Schedule.is_default)).one()
    catalog.update_schedule(hours, name=hours.name, time_zone=time_zone or host.time_zone, weekly=list(weekly))
    page = db.scalars(sa.select(BookingPage).where(BookingPage.host_id == host.id)).one()
    with _named_fields():
        event = catalog.create_event_type(page, {"title": "Meeting", "durations": [30], "notice": 0, **event_type})
    return Bookable(user, host, page, event)


def open_slots(event: EventType, *, days: int = 14, duration: int | None = None) -> list[dt.datetime]:
    """The starts that a guest is offered in the next so many days (62 at most), in UTC and in order.

    ``duration`` is in minutes, the event type's first one if None.
    """
    now = int(dt.datetime.now(dt.UTC).timestamp())
    address = scheduling.find_event(event.page.slug, event.slug)
    offered = scheduling.offers(address, start=now, end=now + days * 86_400, duration=duration)
    return [dt.datetime.fromtimestamp(start, dt.UTC) for start in offered.starts]


def book(
    event: EventType,
    *,
    start: dt.datetime | None = None,
    duration: int | None = None,
    name: str = "Sam Guest",
    email: str = "sam@example.com",
    **details: t.Any,
) -> Booking:
    """Book ``event`` as a guest, and return the booking; ``start`` is the first time on offer an hour ahead if None.

    ``details`` are ``phone``, ``time_zone``, ``locale``, ``answers`` (by the questions' ids), ``location`` and
    ``notes``.  The contact and the activity are written, signals are sent, and mails wait for :func:`deliver`.  Raises
    what a guest would be told: see :mod:`flask_booking.errors`.
    """
    offered = [] if start else open_slots(event, duration=duration)
    if not start and not offered:
        raise AssertionError(f"{event.title!r} offers no time in the next two weeks: pass booking_host other hours")
    at = start or ahead(offered)
    # As in a request, which hooks of the CRM may need for their addresses.
    with as_if_asked(current_app), _named_fields():
        typed = intake.check(event, name=name, email=email, **details)
        return scheduling.book(event.id, scheduling.BookingRequest(at, typed, duration))


def ahead(starts: c.Sequence[dt.datetime]) -> dt.datetime:
    """The first of these times that is an hour ahead, else the last: one that passes soon would fail some runs."""
    soon = dt.datetime.now(dt.UTC) + _AHEAD
    return next((start for start in starts if start >= soon), starts[-1])


@contextlib.contextmanager
def _named_fields() -> c.Iterator[None]:
    """Tell in the traceback what a page would tell beside each field."""
    try:
        yield
    except InvalidInput as error:
        error.add_note("\n".join(f"{field}: {text}" for field, text in error.fields.items()))
        raise
