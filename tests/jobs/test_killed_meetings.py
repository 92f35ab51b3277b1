"""A worker that dies while it has a meeting made leaves one meeting to the next, and its link."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from flask_booking import catalog
from flask_booking.models import EventState, EventType, Host, MeetingLink
from flask_booking.scheduling import BookingRequest, book, cancel, intake
from flask_booking.state import session
from tests.conferencing.conftest import ZOOM, config_of, connect_zoom
from tests.fakes.base import served
from tests.fakes.zoom import Zoom
from tests.fixtures.databases import Databases
from tests.fixtures.queues import RedisSpace
from tests.jobs.conftest import MakeOffice, Office, StartWorker
from tests.jobs.pausing import MEETING_STEPS
from tests.jobs.workers import eventually
from tests.messages.mail_client import MailClient


@pytest.fixture
def zoom() -> Iterator[Zoom]:
    with served(Zoom()) as fake:
        yield fake


@pytest.fixture
def office(
    way: str, database: str, request: pytest.FixtureRequest, make_office: MakeOffice, databases: Databases, zoom: Zoom
) -> Office:
    """Ann's account at the stand-in is connected, and her meetings are held there."""
    config = {**config_of(zoom)}
    if way == "redis":
        space: RedisSpace = request.getfixturevalue("redis_space")
        config |= {"BOOKING_REDIS_URL": space.url, "BOOKING_QUEUE": space.prefix}
    office = make_office(databases.clean(database), **config)
    catalog.update_event_type(session().scalars(sa.select(EventType)).one(), {"locations": [ZOOM]})
    connect_zoom(zoom, session().scalars(sa.select(Host)).one())
    return office


def book_one(office: Office) -> int:
    event = session().get(EventType, office.event_id)
    assert event is not None
    checked = intake.check(event, name="Sam Guest", email="sam@example.com", time_zone="UTC")
    return book(event.id, BookingRequest(office.at(5), checked)).id


def die_at(step: str, office: Office, fork_worker: StartWorker) -> None:
    doomed = fork_worker(office, pause_at=step)
    doomed.wait_until_paused()
    doomed.kill()
    office.leases_of_the_dead_end()


WAYS = [
    *(("alone", "sqlite", step) for step in MEETING_STEPS),
    *(("redis", "postgresql", step) for step in MEETING_STEPS[1:]),
]


@pytest.mark.parametrize(("way", "database", "step"), WAYS)
def test_another_worker_finds_what_a_killed_one_made(
    office: Office, fork_worker: StartWorker, zoom: Zoom, step: str
) -> None:
    booking_id = book_one(office)
    die_at(step, office, fork_worker)
    made_already = step != MEETING_STEPS[0]
    assert len(zoom.meetings) == made_already
    fork_worker(office)
    eventually(office.all_done, "delivery by another worker")
    [meeting] = zoom.of("ann")
    assert office.booking(booking_id).location["url"] == meeting["join_url"]
    assert [asked.method for asked in zoom.asked("POST", "/meetings")] == ["POST"]
    client = MailClient("sam@example.com")
    for delivered in office.smtp.delivered:
        if client.address in delivered.recipients:
            client.receive(delivered.raw)
    assert len(client.calendar) == 1


@pytest.mark.parametrize(("way", "database"), [("alone", "sqlite")])
def test_a_meeting_of_a_killed_worker_is_taken_back_when_its_booking_was_cancelled(
    office: Office, fork_worker: StartWorker, zoom: Zoom
) -> None:
    booking_id = book_one(office)
    die_at("made the meeting", office, fork_worker)
    assert len(zoom.meetings) == 1
    cancel(booking_id, actor="guest")
    fork_worker(office)
    eventually(lambda: not zoom.meetings, "that another worker takes it back")
    eventually(lambda: _state() is EventState.REMOVED, "the record of it")


def _state() -> EventState:
    session().rollback()
    return session().scalars(sa.select(MeetingLink.state)).one()
