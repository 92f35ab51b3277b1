"""What hosts have set is remembered by each process, and never a moment too long."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from example_app.extensions import db
from example_app.models import User
from flask_booking.catalog import rules, schedules
from flask_booking.errors import SlotTaken
from flask_booking.models import (
    BlockedTime,
    DateOverride,
    HistoryKind,
    Host,
    MessageRule,
    OutboxMessage,
    Schedule,
)
from flask_booking.scheduling import book, host_settings
from flask_booking.state import session
from tests.fixtures.databases import Databases
from tests.scheduling.bookable import HOUR, instant, midnight, new_event, new_host, request


def blocked(host_id: int, start: int, end: int) -> BlockedTime:
    first, last = (instant(at).replace(tzinfo=None) for at in (start, end))
    return BlockedTime(host_id=host_id, starts_local=first, ends_local=last, time_zone="UTC")


def test_another_process_blocks_a_time_and_this_one_refuses_it_at_once(
    make_app: Callable[..., Flask], each_database: str
) -> None:
    here, there = make_app(each_database), make_app(each_database)
    start = midnight()
    with here.app_context():
        host = new_host(User(email="ann@example.com", name="Ann", password_hash=""))
        event_id, host_id = new_event(host).id, host.id
        book(event_id, request(start))
    with there.app_context():
        host = db.session.get(Host, host_id)
        schedules.block_time(host, starts=naive(start + HOUR), ends=naive(start + 2 * HOUR), time_zone="UTC")
    with here.app_context():
        with pytest.raises(SlotTaken):
            book(event_id, request(start + HOUR))
        assert book(event_id, request(start + 2 * HOUR)).id


def naive(epoch: int) -> dt.datetime:
    return instant(epoch).replace(tzinfo=None)


def test_another_process_adds_a_rule_and_the_next_booking_here_has_its_reminder(
    make_app: Callable[..., Flask], each_database: str
) -> None:
    here, there = make_app(each_database), make_app(each_database)
    start = midnight()

    def reminders() -> int:
        reminding = OutboxMessage.rule_id.is_not(None)
        return session().scalar(sa.select(sa.func.count()).select_from(OutboxMessage).where(reminding)) or 0

    with here.app_context():
        host = new_host(User(email="ann@example.com", name="Ann", password_hash=""))
        event_id, host_id = new_event(host).id, host.id
        book(event_id, request(start))
        assert reminders() == 0
    with there.app_context():
        rules.save_rule(db.session.get(Host, host_id), {"minutes": -60, "anchor": "start", "audience": "guest"})
    with here.app_context():
        book(event_id, request(start + HOUR))
        assert reminders() == 2


WRITES: dict[str, Callable[[Host, Schedule], Any]] = {
    "weekly hours": lambda host, schedule: setattr(schedule, "weekly", [[]] * 7),
    "another schedule": lambda host, schedule: session().add(
        Schedule(host_id=host.id, name="More", time_zone="UTC", weekly=[[]] * 7)
    ),
    "an override": lambda host, schedule: schedule.overrides.append(
        DateOverride(first=dt.date(2030, 1, 1), last=dt.date(2030, 1, 1), ranges=[])
    ),
    "a blocked time": lambda host, schedule: session().add(blocked(host.id, 0, HOUR)),
    "a rule": lambda host, schedule: session().add(MessageRule(host_id=host.id, minutes=-60)),
    "a schedule less": lambda host, schedule: session().delete(schedule),
}


@pytest.mark.parametrize("name", WRITES)
def test_whoever_writes_what_a_host_has_set_changes_the_stamp(host: Host, name: str) -> None:
    schedule = session().scalars(sa.select(Schedule).where(Schedule.host_id == host.id)).one()
    before = host.settings_stamp
    WRITES[name](host, schedule)
    session().flush()
    assert host.settings_stamp != before  # the loaded host knows at once
    session().commit()
    assert session().scalars(sa.select(Host.settings_stamp).where(Host.id == host.id)).one() != before


def test_what_was_rolled_back_is_never_remembered(host: Host) -> None:
    session().add(blocked(host.id, 0, HOUR))
    session().flush()
    assert host_settings.declared(session(), host_settings.stamps_of([host]))[host.id].blocked
    session().rollback()
    session().add(blocked(host.id, HOUR, 2 * HOUR))
    session().commit()
    found = host_settings.declared(session(), host_settings.stamps_of([host]))[host.id].blocked
    assert [one.starts_local for one in found] == [instant(HOUR).replace(tzinfo=None)]


def test_a_booking_whose_settings_are_remembered_takes_seven_statements(
    make_app: Callable[..., Flask], databases: Databases
) -> None:
    """With contact and activity; each further one costs every guest time, and holds the host's lock for longer."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    with make_app(databases.clean("postgresql")).app_context():
        event_id = new_event(new_host(User(email="ann@example.com", name="Ann", password_hash=""))).id
        start = midnight()
        book(event_id, request(start))
        session().remove()
        sa.event.listen(db.engine, "before_cursor_execute", note)
        try:
            booking = book(event_id, request(start + HOUR, "new@example.com"))
        finally:
            sa.event.remove(db.engine, "before_cursor_execute", note)
        assert len(seen) <= 7, "\n".join(seen)
        assert [entry.kind for entry in booking.history] == [HistoryKind.BOOKED]
        assert [host.id for host in booking.hosts] == [booking.event_type.page.host_id]
        assert booking.contact is not None
        assert booking.history[0].activity is not None
