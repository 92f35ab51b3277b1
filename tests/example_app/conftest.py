"""The example CRM with its example people, and somebody logged in."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import make_url
from werkzeug.security import generate_password_hash

from example_app.demo import practice_config
from example_app.practice.account import Account
from example_app.practice.client import PracticeCalendar
from example_app.practice.entries import Entry
from example_app.practice.server import Server
from example_app.practice.start import begin
from example_app.seed import PASSWORD, PEOPLE, add_user, seed, seed_contacts
from example_app.seed_booking import SETTINGS, set_up
from tests.fixtures.apps import MakeApp


def copy(source: str, target: str) -> None:
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as write:
        read.backup(write)


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """A good hash takes long on purpose; these are good enough for the example users."""
    with pytest.MonkeyPatch.context() as patch:
        quick = functools.partial(generate_password_hash, method="pbkdf2:sha256:1")
        patch.setattr("example_app.models.generate_password_hash", quick)
        yield


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for filled databases: filling one takes longer than most tests."""
    return tmp_path_factory.mktemp("filled")


def fill(app: Flask, kept: Path, name: str, by: Callable[[], object]) -> Flask:
    """Fill the database of ``app`` the first time, and copy what was filled then every other time."""
    own, saved = str(make_url(app.config["SQLALCHEMY_DATABASE_URI"]).database), kept / f"{name}.sqlite"
    if saved.exists():
        copy(str(saved), own)
    else:
        with app.app_context():
            by()
        copy(own, str(saved))
    return app


@pytest.fixture
def seeded(app: Flask, kept: Path) -> Flask:
    """The CRM with its example users, contacts and activities."""
    return fill(app, kept, "people", lambda: seed_contacts([add_user(person) for person in PEOPLE]))


@pytest.fixture
def booked(app: Flask, kept: Path) -> Flask:
    """The CRM with everything the demo begins with: booking pages and meetings too."""
    return fill(app, kept, "meetings", seed)


def log_in(client: FlaskClient, name: str) -> FlaskClient:
    answer = client.post("/login", data={"email": f"{name}@example.com", "password": PASSWORD})
    assert answer.status_code == 302
    return client


@pytest.fixture
def ann(seeded: Flask) -> FlaskClient:
    """Requests of Ann, a user."""
    return log_in(seeded.test_client(), "ann")


@pytest.fixture
def cleo(seeded: Flask) -> FlaskClient:
    """Requests of Cleo, an administrator."""
    return log_in(seeded.test_client(), "cleo")


@pytest.fixture(scope="session")
def practice_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The practice calendar's server, running."""
    server = Server(tmp_path_factory.mktemp("practice"))
    yield server
    server.stop()


@dataclass(frozen=True)
class Practice:
    """The demo's CRM with its practice calendar, connected and read."""

    app: Flask
    calendar: PracticeCalendar
    folder: Path

    @property
    def account(self) -> Account:
        return self.calendar.account

    def begin(self, account: Account | None = None) -> bool:
        """What a start of the demo does, with the server at the address of ``account``."""
        with self.app.app_context():
            ann = set_up(add_user(PEOPLE[0]), SETTINGS[0])
            return begin(ann, account or self.account, self.folder)

    def entry(self, title: str) -> Entry:
        """The first entry of that title in the next weeks."""
        return next(entry for entry in self.entries() if entry.title == title)

    def entries(self) -> list[Entry]:
        today = datetime.now(ANNS_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
        return self.calendar.entries(today, today + timedelta(days=90))


ANNS_ZONE = ZoneInfo(PEOPLE[0].time_zone)


@pytest.fixture
def practice(make_app: MakeApp, database_url: str, kept: Path, practice_server: Server, tmp_path: Path) -> Practice:
    """The practice calendar as a first start of the demo leaves it; its meetings are made before it, and not in it."""
    calendar = PracticeCalendar(practice_server.account)
    calendar.ask("DELETE", calendar.account.calendar, fine=(404,))
    app = fill(make_app(database_url, DEMO=True, **practice_config(calendar.account)), kept, "meetings", seed)
    practising = Practice(app, calendar, tmp_path)
    assert practising.begin()
    return practising
