"""The worker inside a web process: started by requests, never by anything else, and hard to kill."""

from __future__ import annotations

import json
import os
import threading
import time
import urllib.request
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import request_started

from flask_booking import jobs
from flask_booking.jobs.thread import WorkerThread
from flask_booking.models import EventType, OutboxMessage
from flask_booking.state import session
from tests.fixtures.servers import Gunicorn
from tests.jobs.conftest import MakeOffice, Office
from tests.jobs.workers import eventually

BY_ITSELF = {"TESTING": False, "BOOKING_WORKER": True}


@pytest.fixture
def web(make_office: MakeOffice, database_url: str) -> Iterator[Office]:
    """An office whose web process does the work, as the demo's does."""
    office = make_office(database_url, **BY_ITSELF)
    yield office
    jobs.stop_worker(office.app)


def thread_of(office: Office) -> WorkerThread:
    thread = office.app.extensions["booking"].extras["worker_thread"]
    assert isinstance(thread, WorkerThread)
    return thread


def heard(office: Office) -> bool:
    """Whether anything of ours listens to the app's requests; other apps of the process may."""
    return any(request_started.receivers_for(office.app))


def test_the_first_request_starts_it_and_what_is_due_is_delivered(web: Office) -> None:
    web.book()
    assert not thread_of(web).running, "no request, no thread"
    web.app.test_client().get("/login")
    assert thread_of(web).running
    assert not heard(web), "later requests cost nothing"
    web.smtp.wait_for(2)
    eventually(web.all_done)


def test_a_request_starts_it_again_after_it_was_stopped(web: Office) -> None:
    for _ in range(2):
        web.app.test_client().get("/login")
        assert thread_of(web).running
        jobs.stop_worker(web.app)


def test_a_booking_wakes_it_at_once(web: Office) -> None:
    jobs.start_worker(web.app, every=3600)
    web.book()
    web.smtp.wait_for(2)
    eventually(web.all_done)


def test_it_is_one_thread_however_many_requests(web: Office) -> None:
    for _ in range(3):
        web.app.test_client().get("/login")
    jobs.start_worker(web.app)
    assert len(workers()) == 1


def workers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "booking-worker"}


@pytest.mark.parametrize(
    "config",
    [
        {"TESTING": True, "BOOKING_WORKER": True},
        {"TESTING": False, "BOOKING_WORKER": False},
        {"TESTING": False, "BOOKING_WORKER": True, "BOOKING_REDIS_URL": "redis://127.0.0.1:1"},
    ],
    ids=["testing", "switched off", "with Redis"],
)
def test_it_does_not_start_where_it_is_not_wanted(
    make_office: MakeOffice, database_url: str, config: dict[str, object]
) -> None:
    office = make_office(database_url, **config)
    office.app.test_client().get("/login")
    office.book()
    assert not thread_of(office).running


def test_no_command_starts_it(web: Office) -> None:
    web.book()
    assert web.app.test_cli_runner().invoke(args=["booking", "status"]).exit_code == 0
    assert not thread_of(web).running


def test_it_survives_a_database_that_is_away(web: Office) -> None:
    jobs.start_worker(web.app, every=1)
    rename = "ALTER TABLE {} RENAME TO {}"
    session().execute(sa.text(rename.format("booking_outbox_message", "elsewhere")))
    session().commit()
    relay = thread_of(web)._relay
    assert relay
    relay.wake.set()
    eventually(lambda: relay._troubled, "the trouble")
    session().execute(sa.text(rename.format("elsewhere", "booking_outbox_message")))
    session().commit()
    web.book()
    web.smtp.wait_for(2)
    eventually(web.all_done)


def test_a_forked_process_has_no_thread_and_starts_its_own(web: Office) -> None:
    jobs.start_worker(web.app, every=3600)
    parent = thread_of(web)
    assert parent.running
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            before, waiting = parent.running, heard(web)
            parent.start()
            os.write(writer, json.dumps([before, bool(waiting), parent.running]).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answers:
        assert json.load(answers) == [False, True, True]
    os.waitpid(child, 0)
    assert parent.running


def test_it_ends_after_the_mail_it_sends(web: Office) -> None:
    jobs.start_worker(web.app, every=3600)
    web.book()
    web.smtp.wait_for(1)
    jobs.stop_worker(web.app)
    assert not thread_of(web).running
    assert [message.claim_token for message in web.messages()] == [None] * 3
    assert web.states()[0] == "done"


def test_behind_gunicorn_a_guests_booking_is_mailed_by_the_process_that_took_it(
    make_office: MakeOffice, database_url: str, gunicorn: Gunicorn
) -> None:
    office = make_office(database_url)
    event = session().get_one(EventType, office.event_id)
    address = f"/api/booking/v1/public/{event.page.slug}/{event.slug}/bookings"
    url = gunicorn(database_url, workers=2, BOOKING_MAIL_URL=office.smtp.url, **BY_ITSELF)
    wish = {"start": office.at(5).isoformat(), "name": "Sam", "email": "sam@example.com", "time_zone": "UTC"}
    request = urllib.request.Request(
        url + address, json.dumps(wish).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 201
    office.smtp.wait_for(2)
    eventually(office.all_done)
    assert f"{url}/book/manage/" in office.smtp.to("sam@example.com")[0].get_body(("plain",)).get_content()


def test_two_processes_on_one_file_send_each_mail_once(
    make_office: MakeOffice, database_url: str, gunicorn: Gunicorn
) -> None:
    office = make_office(database_url)
    for hour in range(6):
        office.book(f"guest{hour}@example.com", hour=hour)
    url = gunicorn(database_url, workers=2, BOOKING_MAIL_URL=office.smtp.url, **BY_ITSELF)
    deadline = time.monotonic() + 60
    while not office.all_done():
        assert time.monotonic() < deadline
        with urllib.request.urlopen(f"{url}/login", timeout=60) as answer:
            answer.read()
    assert len(office.smtp.messages) == 12
    assert len({mail["Message-ID"] for mail in office.smtp.messages}) == 12
    assert {message.attempts for message in office.messages() if message.state == "done"} == {1}
    assert session().query(OutboxMessage).count() == 18
