"""RQ wakes workers; what is to be done is in the database, so Redis may be away, or forget everything."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from rq import Worker

from flask_booking import jobs
from flask_booking.jobs import queue
from flask_booking.jobs.queue import QUEUE_MOST, RedisBell, redis_bell
from flask_booking.jobs.worker import Ending, OutboxWorker
from tests.fixtures.databases import Databases
from tests.fixtures.queues import RedisSpace
from tests.fixtures.servers import open_socket, url_of
from tests.jobs.conftest import MakeOffice, Office, StartWorker
from tests.jobs.workers import eventually

HOUR = 3600


@pytest.fixture
def ringing(make_office: MakeOffice, databases: Databases, redis_space: RedisSpace) -> Office:
    """An office on PostgreSQL whose bell rings on the real Redis."""
    return make_office(
        databases.clean("postgresql"), BOOKING_REDIS_URL=redis_space.url, BOOKING_QUEUE=redis_space.prefix
    )


def bell_of(office: Office) -> RedisBell:
    bell = redis_bell(office.app)
    assert bell
    return bell


def workers_of(office: Office) -> list[Worker]:
    return list(Worker.all(queue=bell_of(office).queue))


def test_a_booking_wakes_a_worker_that_would_not_look_for_an_hour(ringing: Office, start_worker: StartWorker) -> None:
    start_worker(ringing, every=HOUR)
    eventually(lambda: workers_of(ringing), "the worker's start")
    ringing.book()
    ringing.smtp.wait_for(2)
    eventually(ringing.all_done)
    assert ringing.states() == ["done", "done"]


def test_a_job_says_the_messages_number_and_nothing_about_people(ringing: Office) -> None:
    ringing.book()
    due = [message.id for message in ringing.messages(kind="booked")]
    rung = bell_of(ringing).queue.jobs
    assert [job.args for job in rung] == [[message_id] for message_id in due]
    assert {job.func_name for job in rung} == {"flask_booking.jobs.queue.deliver_message"}
    assert [job.description for job in rung] == [f"booking outbox {message_id}" for message_id in due]
    assert all(job.kwargs == job.meta == {} for job in rung)


def test_several_workers_share_the_work_and_send_each_mail_once(ringing: Office, start_worker: StartWorker) -> None:
    for hour in range(6):
        ringing.book(f"guest{hour}@example.com", hour=hour)
    start_worker(ringing, "--processes", "3")
    eventually(ringing.all_done)
    assert len(ringing.smtp.messages) == 12
    assert len({mail["Message-ID"] for mail in ringing.smtp.messages}) == 12


def test_a_worker_process_that_dies_is_replaced_and_all_end_with_their_parent(
    ringing: Office, start_worker: StartWorker
) -> None:
    parent = start_worker(ringing, "--processes", "2")
    eventually(lambda: len(workers_of(ringing)) == 2, "the start of two")
    first = workers_of(ringing)[0]
    assert first.pid
    os.kill(first.pid, signal.SIGKILL)
    eventually(lambda: len({worker.pid for worker in workers_of(ringing)} - {first.pid}) == 2, "the replacement")
    assert parent.end() == 0
    assert {worker.pid for worker in workers_of(ringing)} <= {first.pid}


def test_children_end_when_their_parent_was_killed(ringing: Office, start_worker: StartWorker) -> None:
    parent = start_worker(ringing, "--processes", "2")
    eventually(lambda: len(workers_of(ringing)) == 2, "the start of two")
    parent.kill()
    eventually(lambda: not workers_of(ringing), "the children's end")


def test_a_worker_that_is_asked_to_stop_finishes_its_mail(ringing: Office, start_worker: StartWorker) -> None:
    worker = start_worker(ringing)
    ringing.book()
    ringing.smtp.wait_for(1)
    assert worker.end() == 0
    assert "waiting" not in ringing.states()[:1]
    assert [message.claim_token for message in ringing.messages()] == [None] * 3
    assert workers_of(ringing) == []


def test_a_worker_that_is_asked_to_stop_while_it_starts_stops(ringing: Office, start_worker: StartWorker) -> None:
    worker = start_worker(ringing, pause_at="starting", every=HOUR)
    worker.wait_until_paused()
    assert worker.end() == 0


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    """A Redis that a test may stop."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed, so no test can stop one.")
    with open_socket() as free:
        port = free.getsockname()[1]
    server = OwnRedis(port, tmp_path)
    yield server
    server.stop()


class OwnRedis:
    """A redis-server of this test's own, that keeps nothing when it stops."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port, self.folder = port, folder
        self.process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{port}/0"

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with redis.Redis.from_url(self.url) as client:

            def answers() -> bool:
                try:
                    return bool(client.ping())
                except redis.ConnectionError:
                    return False

            eventually(answers, "Redis's start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)
            self.process = None


def test_with_redis_away_all_mails_arrive_and_its_return_is_noticed(
    make_office: MakeOffice, databases: Databases, own_redis: OwnRedis, start_worker: StartWorker
) -> None:
    own_redis.start()
    office = make_office(databases.clean("postgresql"), BOOKING_REDIS_URL=own_redis.url)
    start_worker(office)
    eventually(lambda: workers_of(office), "the worker's start")
    office.book("before@example.com", hour=1)
    office.smtp.wait_for(2)
    eventually(lambda: office.all_done() and [worker.get_state() for worker in workers_of(office)] == ["idle"])

    own_redis.stop()
    office.book("during@example.com", hour=2)
    office.smtp.wait_for(4)

    own_redis.start()  # empty: what was queued there is lost, and the workers are unknown
    eventually(lambda: workers_of(office), "the worker's return")
    office.book("after@example.com", hour=3)
    office.smtp.wait_for(6)
    eventually(office.all_done)
    assert len({mail["Message-ID"] for mail in office.smtp.messages}) == len(office.smtp.messages) == 6


def test_a_worker_starts_without_its_redis(
    make_office: MakeOffice, databases: Databases, own_redis: OwnRedis, start_worker: StartWorker
) -> None:
    office = make_office(databases.clean("postgresql"), BOOKING_REDIS_URL=own_redis.url)
    start_worker(office)
    office.book()
    office.smtp.wait_for(2)
    eventually(office.all_done)


def test_a_broken_redis_is_asked_once_then_left_alone_and_told_of_once(
    make_office: MakeOffice, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with open_socket() as listening:
        asked = []

        def hang_up() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _address = listening.accept()
                    asked.append(connection)
                    connection.close()

        server = threading.Thread(target=hang_up)
        server.start()
        office = make_office(database_url, BOOKING_REDIS_URL=url_of(listening).replace("http", "redis"))
        with caplog.at_level(logging.WARNING):
            for hour in range(3):
                office.book(hour=hour)
        listening.shutdown(socket.SHUT_RDWR)
        server.join()
    assert office.states() == ["waiting"] * 6
    assert len([record for record in caplog.records if "Redis" in record.message]) == 1
    assert len(asked) == 1, "a guest never waits for a second try, and the next guests not even for the first"


def test_the_relay_rings_for_what_nobody_rang_for_and_no_more_than_is_useful(ringing: Office) -> None:
    bell = bell_of(ringing)
    ringing.book()
    bell.queue.empty()
    first, second = jobs.Relay(ringing.app), jobs.Relay(ringing.app)
    first.look()
    second.look()
    assert len(bell.queue) == 2, "of two relays one rings"
    for number in range(QUEUE_MOST):
        bell.redis.rpush(bell.queue.key, f"job-of-somebody-{number}")
    bell.redis.delete(f"{bell.name}:relay")
    first.look()
    assert len(bell.queue) == 2 + QUEUE_MOST
    bell.redis.delete(bell.queue.key)


def test_a_bell_for_a_message_that_is_gone_disturbs_nobody(ringing: Office, start_worker: StartWorker) -> None:
    bell = bell_of(ringing)
    bell.ring([-1, 10**12])
    start_worker(ringing, every=HOUR)
    eventually(lambda: len(bell.queue) == 0 and workers_of(ringing), "the worker")
    ringing.book()
    ringing.smtp.wait_for(2)
    assert bell.queue.failed_job_registry.count == 0


def test_mails_go_before_readings_however_many_of_those_wait(ringing: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    bell, done = bell_of(ringing), list[tuple[str, int]]()
    bell.ring_calendars([1, 2, 1])
    bell.ring([7, 8])
    monkeypatch.setattr(queue, "sync_calendar", lambda number: done.append(("calendar", number)))
    monkeypatch.setattr(queue, "deliver_message", lambda number: done.append(("message", number)))
    OutboxWorker(bell, Ending()).work(burst=True)
    assert done == [("message", 7), ("message", 8), ("calendar", 1), ("calendar", 2)]


def test_status_says_how_the_work_stands(ringing: Office, start_worker: StartWorker) -> None:
    def status() -> dict[str, object]:
        answer = ringing.app.test_cli_runner().invoke(args=["booking", "status", "--json"])
        assert answer.exit_code == 0, answer.output
        found = json.loads(answer.output)
        assert isinstance(found, dict)
        return found

    ringing.book()
    before = status()
    assert before["counts"] == {"waiting": 3, "done": 0, "failed": 0, "dropped": 0}
    assert (before["due"], before["redis"], before["workers"], before["queued"]) == (2, True, 0, 2)
    start_worker(ringing)
    eventually(ringing.all_done)
    after = status()
    assert after["counts"] == {"waiting": 1, "done": 2, "failed": 0, "dropped": 0}
    assert (after["due"], after["workers"], after["oldest_due"]) == (0, 1, None)
    assert after["next_due"]
    words = ringing.app.test_cli_runner().invoke(args=["booking", "status"]).output
    assert "1 workers" in words
    assert time.strftime("%Y") in words
