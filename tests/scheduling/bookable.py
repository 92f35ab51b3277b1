"""Hosts, event types and requests as tests of scheduling need them: open around the clock unless they say otherwise."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from flask_booking.crm import Guest
from flask_booking.models import BookingPage, EventType, Host, Schedule
from flask_booking.scheduling import BookingRequest
from flask_booking.scheduling.intake import Intake
from flask_booking.state import session
from tests.fixtures.days import today

MINUTE, HOUR, DAY = 60, 3600, 86_400
ALWAYS = [[[0, 1440]]] * 7
_numbers = itertools.count(1)


def midnight(days: int = 3) -> int:
    """UTC midnight so many days from now, in epoch seconds."""
    return int(dt.datetime.combine(today() + dt.timedelta(days=days), dt.time(), dt.UTC).timestamp())


def instant(epoch: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(epoch, dt.UTC)


def new_host(user: Any, *, weekly: Any = ALWAYS, zone: str = "UTC", **columns: Any) -> Host:
    """A host with a page and a default schedule, committed."""
    db = session()
    host = Host(user=user, time_zone=zone, **columns)
    db.add(host)
    db.flush()
    db.add(Schedule(host_id=host.id, name="Hours", time_zone=zone, weekly=weekly, is_default=True))
    db.add(BookingPage(host_id=host.id, slug=f"page-{host.id}-{next(_numbers)}"))
    db.commit()
    return host


def new_event(*hosts: Host, **columns: Any) -> EventType:
    """An event type on the first host's page, half an hour long and without notice, committed."""
    db = session()
    page = db.query(BookingPage).filter_by(host_id=hosts[0].id).first()
    values: dict[str, Any] = {"durations": [30], "notice": 0, "title": "Intro", "slug": f"intro-{next(_numbers)}"}
    event = EventType(page=page, hosts=list(hosts), **(values | columns))
    db.add(event)
    db.commit()
    return event


def guest(email: str = "sam@example.com", name: str = "Sam Guest", **more: Any) -> Intake:
    """What a guest typed, checked already."""
    return Intake(Guest(name, email, time_zone="Europe/Paris", **more), [], {}, "")


def request(start: int, email: str = "sam@example.com", **more: Any) -> BookingRequest:
    """A guest's wish for ``start`` (epoch seconds)."""
    return BookingRequest(instant(start), more.pop("intake", None) or guest(email), **more)
