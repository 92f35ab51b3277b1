"""A worker that dies while it writes to a calendar, or reads one, leaves one event and a whole mirror to the next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from flask_booking.models import BusyTime, CalendarEvent, ConnectedCalendar, EventState, EventType, Host
from flask_booking.models.columns import utcnow
from flask_booking.state import session
from tests.calendars.made import changed, new_calendar, new_connection
from tests.calendars.scenario.sides import ANN, GoogleSide
from tests.fakes.base import served
from tests.fakes.google import Google
from tests.fixtures.databases import Databases
from tests.fixtures.queues import RedisSpace
from tests.jobs.conftest import MakeOffice, Office, StartWorker
from tests.jobs.pausing import CALENDAR_STEPS, GAVE_UP
from tests.jobs.workers import eventually
from tests.messages.mail_client import MailClient


@pytest.fixture
def side() -> Iterator[GoogleSide]:
    with served(Google()) as google:
        yield GoogleSide(google)


@pytest.fixture
def office(
    way: str, database: str, request: pytest.FixtureRequest, make_office: MakeOffice, databases: Databases,
    side: GoogleSide,
) -> Office:  # fmt: skip
    """Ann has connected her calendar, which was never read."""
    config = {"BOOKING_PUBLIC_URL": None, "SERVER_NAME": "crm.example.com"}
    if way == "redis":
        space: RedisSpace = request.getfixturevalue("redis_space")
        config |= {"BOOKING_REDIS_URL": space.url, "BOOKING_QUEUE": space.prefix}
    office = make_office(databases.clean(database), **config, **side.config())
    host = session().scalars(sa.select(Host)).one()
    connection = new_connection(host, "google", account_name=ANN, secret=side.secret())
    connection.expires_at = utcnow() + dt.timedelta(hours=1)
    calendar = new_calendar(host, connection, remote_id=ANN, target=True)
    calendar.due_at = utcnow()
    changed(host)
    return office


def noon(days: int) -> tuple[int, int]:
    start = int(Office.at(days).timestamp())
    return start, start + 1800


def mirrored() -> list[tuple[int, int]]:
    session().rollback()
    return sorted((row[0], row[1]) for row in session().execute(sa.select(BusyTime.starts, BusyTime.ends)))


@pytest.mark.parametrize(
    ("way", "database", "step"),
    [
        *(("alone", "sqlite", step) for step in CALENDAR_STEPS),
        *(("redis", "postgresql", step) for step in ("wrote", "read")),
    ],
)
def test_another_worker_finishes_what_a_killed_one_began(
    office: Office, fork_worker: StartWorker, side: GoogleSide, step: str
) -> None:
    side.add(noon(2))
    side.add(noon(3))
    assert session().scalars(sa.select(EventType)).first()
    office.book(days=5)
    doomed = fork_worker(office, pause_at=step)
    doomed.wait_until_paused()
    doomed.kill()
    office.leases_of_the_dead_end()
    fork_worker(office)
    eventually(office.all_done, "delivery by another worker")
    eventually(lambda: mirrored() == [noon(2), noon(3)], "reading by another worker")
    assert [times for _event, _mark, times in side.own()] == [noon(5)]


@pytest.mark.parametrize(("way", "database"), [("alone", "sqlite"), ("redis", "postgresql")])
def test_a_worker_that_is_killed_while_it_gives_up_is_followed_by_one_that_mails_the_invitation(
    office: Office, fork_worker: StartWorker, side: GoogleSide
) -> None:
    office.app.config["BOOKING_MAX_ATTEMPTS"] = 1
    calendar = session().scalars(sa.select(ConnectedCalendar)).one()
    calendar.invites, calendar.check_conflicts, calendar.due_at = True, False, None
    changed(calendar.host_id)
    side.down(999)
    booking_id = office.book(days=5)
    doomed = fork_worker(office, pause_at=GAVE_UP)
    doomed.wait_until_paused()
    doomed.kill()
    assert office.message(topic="calendar").state == "waiting"
    office.leases_of_the_dead_end()
    fork_worker(office)
    eventually(lambda: office.message(topic="calendar").state == "failed", "giving up by another worker")
    eventually(lambda: not office.messages(topic="mail", state="waiting", rule_id=None), "the mails")
    assert session().scalars(sa.select(CalendarEvent.state)).one() is EventState.FAILED
    for reader in ("sam@example.com", ANN):
        client = MailClient(reader)
        for delivered in office.smtp.delivered:
            if reader in delivered.recipients:
                client.receive(delivered.raw)
        [entry] = client.calendar.values()
        assert (entry.uid, entry.sequence) == (office.booking(booking_id).uid, 0)
