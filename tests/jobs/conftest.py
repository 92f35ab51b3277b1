"""Apps that send over a real mail server, meetings in them, and worker processes that can be killed."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_booking.crm import Guest
from flask_booking.models import Booking, MessageState, OutboxMessage
from flask_booking.scheduling import BookingRequest, book
from flask_booking.scheduling.intake import Intake
from flask_booking.state import session
from tests.fixtures.apps import CONFIG, MakeApp
from tests.fixtures.days import today
from tests.fixtures.mail import MailServer
from tests.fixtures.people import make_bookable

ROOT = Path(__file__).parents[2]
SECONDS_TO_WAIT = 60


def eventually(holds: Callable[[], Any], what: str = "it", seconds: float = SECONDS_TO_WAIT) -> Any:
    """The first true answer of ``holds()``; a condition is waited for, never a time."""
    deadline = time.monotonic() + seconds
    while not (answer := holds()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} seconds"
        time.sleep(0.02)
    return answer


@dataclass
class Office:
    """An app with a host (ann@example.com) who is free day and night, and the mail server it sends over."""

    app: Flask
    smtp: MailServer
    event_id: int

    def book(self, email: str = "sam@example.com", *, days: int = 5, hour: int = 12) -> int:
        """A meeting at that hour, so many days from today; returns the booking's id."""
        return book(self.event_id, self.request(email, days=days, hour=hour)).id

    @staticmethod
    def request(email: str = "sam@example.com", *, days: int = 5, hour: int = 12) -> BookingRequest:
        return BookingRequest(Office.at(days, hour), Intake(Guest("Sam Guest", email, time_zone="UTC"), [], {}, ""))

    @staticmethod
    def at(days: int, hour: int = 12) -> dt.datetime:
        return dt.datetime.combine(today() + dt.timedelta(days=days), dt.time(hour), dt.UTC)

    def messages(self, **columns: Any) -> list[OutboxMessage]:
        """The outbox as the database has it now, in order."""
        session().rollback()
        query = sa.select(OutboxMessage).filter_by(**columns).order_by(OutboxMessage.id)
        return list(session().scalars(query.execution_options(populate_existing=True)))

    def message(self, **columns: Any) -> OutboxMessage:
        [message] = self.messages(**columns)
        return message

    def to_guest(self) -> OutboxMessage:
        """The guest's confirmation, where there is one meeting."""
        return self.message(kind="booked", recipient="sam@example.com")

    def states(self) -> list[str]:
        """The states of what was due at once."""
        return [message.state.value for message in self.messages() if message.kind not in ("reminder", "follow_up")]

    def booking(self, booking_id: int) -> Booking:
        session().rollback()
        booking = session().get(Booking, booking_id, populate_existing=True)
        assert booking is not None
        return booking

    def all_done(self) -> bool:
        return set(self.states()) == {MessageState.DONE.value}


MakeOffice = Callable[..., Office]


@pytest.fixture
def make_office(make_app: MakeApp, smtp: MailServer) -> Iterator[MakeOffice]:
    """``make_office(database_url, **config)`` is inside its application context until the test ends."""
    contexts = []

    def make(database_url: str, **config: Any) -> Office:
        own = {"BOOKING_MAIL_URL": smtp.url, "BOOKING_PUBLIC_URL": "https://crm.example.com"}
        app = make_app(database_url, **own | config)
        context = app.app_context()
        context.push()
        contexts.append(context)
        return Office(app, smtp, make_bookable(app).event.id)

    yield make
    for context in reversed(contexts):
        context.pop()


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    """An office on SQLite."""
    return make_office(database_url)


@pytest.fixture
def each_office(make_office: MakeOffice, each_database: str) -> Office:
    """An office on each kind of database in turn."""
    return make_office(each_database)


@dataclass
class WorkerProcess:
    """``flask booking work`` of the office's app, as an operator would start it."""

    process: subprocess.Popen[bytes]
    paused: Path

    def wait_until_paused(self) -> None:
        """Until the worker stands still at the step that was asked for."""

        def stands_still() -> bool:
            assert self.process.poll() is None, "the worker ended before it came to the step"
            return self.paused.exists()

        eventually(stands_still, "the step")

    def kill(self) -> None:
        """As the kernel does when memory is short."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def end(self) -> int:
        """As an operator does; returns the exit status."""
        self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()  # nothing of a failed test is left running
            raise


StartWorker = Callable[..., WorkerProcess]


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[StartWorker]:
    """``start_worker(office, pause_at="claimed", every=1)``; steps are in tests/jobs/pausing.py."""
    started: list[WorkerProcess] = []
    log = tmp_path / "workers.log"

    def start(office: Office, *arguments: str, pause_at: str = "", every: float = 1) -> WorkerProcess:
        config = {
            key: value
            for key, value in office.app.config.items()
            if (key in CONFIG or key.startswith("BOOKING_")) and not callable(value)
        }
        config["SQLALCHEMY_DATABASE_URI"] = str(office.app.config["SQLALCHEMY_DATABASE_URI"])
        config["INSTANCE_PATH"] = office.app.instance_path
        paused = tmp_path / f"paused-{len(started)}"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "flask", "--app", "tests.jobs.pausing:create_app"),
                    *("booking", "work", "--every", str(every), *arguments),
                ],
                cwd=ROOT,
                env={
                    **os.environ,
                    "BOOKING_TEST_APP_CONFIG": json.dumps(config),
                    "BOOKING_TEST_PAUSE_AT": pause_at,
                    "BOOKING_TEST_PAUSED": str(paused),
                },
                stdout=output,
                stderr=output,
            )
        started.append(WorkerProcess(process, paused))
        return started[-1]

    yield start
    for worker in started:
        if worker.process.poll() is None:
            worker.end()
    if log.exists():
        sys.stderr.write(log.read_text()[-6000:])
