"""What a host does on the screens of calendars, and what is there then."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlsplit

import requests
from werkzeug.test import TestResponse

from flask_booking.calendars import mirror
from flask_booking.models import (
    ConnectedCalendar,
    Connection,
)
from flask_booking.state import session
from tests.settings.conftest import ROOT, Office, Screens, tomorrow

ANN, WORK = "ann@example.com", "ann.meyer@contoso.example"


def leave(screens: Screens, provider: str = "google", **data: Any) -> str:
    """Begin to sign in; the address at the service."""
    answer = screens.post(f"/calendars/connect/{provider}", **data)
    assert answer.status_code == 200, answer.text
    address = answer.headers["Refresh"].removeprefix("0; url=")
    assert html.escape(address) in answer.text, "a link leads there too"
    return address


def consent(address: str) -> str:
    """Agree at the service; the way back."""
    answer = requests.get(address, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.path}?{parts.query}"


def come_back(screens: Screens, way: str) -> TestResponse:
    return screens.client.get(way)


def sign_in(screens: Screens, provider: str = "google", **data: Any) -> str:
    """The whole way; what the screen then says."""
    answer = come_back(screens, consent(leave(screens, provider, **data)))
    assert (answer.status_code, urlsplit(answer.location).path) == (303, f"{ROOT}/calendars"), answer.text
    return screens.text("/calendars")


def connections(office: Office) -> list[Connection]:
    """All accounts, the eldest first; inside an application context."""
    session().expire_all()
    return list(session().query(Connection).order_by(Connection.id))


def calendars(office: Office) -> dict[str, ConnectedCalendar]:
    """All calendars by name; inside an application context."""
    session().expire_all()
    return {row.name: row for row in session().query(ConnectedCalendar)}


def read_all(office: Office) -> None:
    """What a worker does."""
    with office.app.app_context():
        for calendar_id in mirror.due():
            mirror.sync(calendar_id)
        session().rollback()


def path_of(office: Office, name: str, action: str) -> str:
    with office.app.app_context():
        return f"/calendars/{calendars(office)[name].public_id}/{action}"


def account_path(office: Office, action: str, number: int = 0) -> str:
    with office.app.app_context():
        return f"/calendars/accounts/{connections(office)[number].public_id}/{action}"


def offered(office: Office, day: int = 1) -> int:
    """How many times are offered on a day."""
    with office.app.app_context():
        text = office.as_user("ann").text("/why", date=tomorrow(days=day).date().isoformat())
    found = re.search(r"(\d+) times? offered", text)
    assert found is not None
    return int(found[1])
