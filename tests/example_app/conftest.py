"""The example CRM with its example people, and somebody logged in."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from example_app.seed import PASSWORD, PEOPLE, add_user, seed, seed_contacts


@pytest.fixture
def seeded(app: Flask) -> Flask:
    """The CRM with its example users, contacts and activities."""
    with app.app_context():
        seed_contacts([add_user(person) for person in PEOPLE])
    return app


@pytest.fixture
def booked(app: Flask) -> Flask:
    """The CRM with everything the demo begins with: booking pages and meetings too."""
    with app.app_context():
        seed()
    return app


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
