"""Promises to tell of changes: kept up, renewed in time, and not begged for."""

from __future__ import annotations

import time
from typing import Any

import pytest

from flask_booking.calendars import watches
from flask_booking.calendars.memory import Memory
from flask_booking.calendars.provider import RemoteCalendar, Watch, WatchRequest
from flask_booking.connections.problems import NotAllowed
from flask_booking.models import CalendarWatch
from flask_booking.state import session
from tests.calendars.conftest import Office

HOUR, DAY = 3600, 86_400


class Telling(Memory):
    """A service that tells of changes, unless it ``refuses`` to."""

    can_watch = True
    refuses = False

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[WatchRequest] = []
        self.ended: list[str] = []

    def watch(self, access: Any, calendar: RemoteCalendar, request: WatchRequest) -> Watch:
        self.asked.append(request)
        if self.refuses:
            raise NotAllowed("this domain isn't verified")
        return Watch(f"promise-{len(self.asked)}", "resource", request.expires)

    def unwatch(self, access: Any, watch: Watch) -> None:
        self.ended.append(watch.id)


@pytest.fixture
def memory() -> Telling:
    return Telling()


@pytest.fixture
def telling(office: Office, memory: Telling) -> Telling:
    office.app.config["BOOKING_PUBLIC_URL"] = "https://crm.example.com"
    return memory


def keep(office: Office) -> list[CalendarWatch]:
    """Do what a reading does; the promises there are then."""
    watches.keep(office.service, None, RemoteCalendar("work", "Work"), office.calendar.id)  # type: ignore[arg-type]
    session().expire_all()
    return session().query(CalendarWatch).order_by(CalendarWatch.id).all()


def pass_by(seconds: int) -> None:
    """Let the promises be that much older."""
    for row in session().query(CalendarWatch):
        row.expires -= seconds
    session().commit()


def test_a_promise_is_asked_for_once_and_renewed_a_day_before_it_ends(office: Office, telling: Telling) -> None:
    for _ in range(3):
        (row,) = keep(office)
    assert [row.remote_id for row in keep(office)] == ["promise-1"]
    assert watches.live(office.calendar.id)
    pass_by(row.expires - int(time.time()) - DAY)
    assert [row.remote_id for row in keep(office)] == ["promise-2"]
    assert telling.ended == ["promise-1"]


def test_a_service_that_promises_nothing_is_asked_again_an_hour_later(office: Office, telling: Telling) -> None:
    telling.refuses = True
    for hours in range(1, 4):
        for _ in range(3):
            assert [row.remote_id for row in keep(office)] == [""], "remembered in one row"
        assert len(telling.asked) == hours
        assert not watches.live(office.calendar.id)
        pass_by(HOUR)
    telling.refuses = False
    assert [row.remote_id for row in keep(office)] == ["promise-4"]
    assert not telling.ended, "what was never promised can't be ended"


def test_a_worker_that_died_while_asking_keeps_nobody_from_asking(office: Office, telling: Telling) -> None:
    row = CalendarWatch(calendar_id=office.calendar.id, channel="c", token_hash="h", expires=int(time.time()) + 7 * DAY)
    session().add(row)
    session().commit()
    assert [row.remote_id for row in keep(office)] == ["promise-1"]
