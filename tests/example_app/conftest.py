"""The example CRM with its example people, and somebody logged in."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import make_url

from example_app.seed import PASSWORD, PEOPLE, add_user, seed, seed_contacts


def copy(source: str, target: str) -> None:
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as write:
        read.backup(write)


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
