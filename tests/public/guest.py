"""A guest who reads pages and fills in forms as a browser without scripts does."""

from __future__ import annotations

import datetime as dt
import html
import re
import urllib.parse
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_booking.models import Booking
from flask_booking.state import session
from flask_booking.testing.reading import form_to, forms, text_of

__all__ = [
    "DETAILS",
    "ahead",
    "book",
    "bookings",
    "choose",
    "form_to",
    "forms",
    "heading",
    "manage",
    "send",
    "text_of",
    "times",
]

DETAILS = {"name": "Sam Hill", "email": "sam@example.com"}


def heading(response: TestResponse) -> str:
    """The page's heading."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", response.text, re.DOTALL)
    assert found, response.text[:500]
    return html.unescape(re.sub(r"<[^>]+>", "", found[1])).strip()


def times(response: TestResponse) -> list[str]:
    """The starts on a page of times."""
    return [start for form in forms(response) for start in form.starts]


def ahead(address: str) -> str:
    """The times at ``address`` of a day that has begun in no zone; as it is, if it names a day or a month.

    The first day with times is today, whose times pass while a test is on its way, and are few in the evening.
    """
    asked = urllib.parse.urlsplit(address)
    if {"date", "month"} & urllib.parse.parse_qs(asked.query).keys():
        return address
    day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=3)
    return asked._replace(query="&".join(filter(None, (asked.query, f"date={day}")))).geturl()


def choose(client: FlaskClient, address: str, start: str | None = None) -> TestResponse:
    """Open the times :func:`ahead`, press one of them (the first), and return the page that follows.

    Where nothing is free on that day, perhaps a Sunday, it is the next one that has times.
    """
    page = client.get(ahead(address))
    if following := re.search(r'<a class="button[^"]*" href="([^"#]+)#day"', page.text):
        page = client.get(html.unescape(following[1]))
    form = form_to(page, "/hold")
    answer = client.post(form.action, data={**form.values, "start": start or form.starts[0]})
    return client.get(answer.location) if answer.status_code == 303 else answer


def send(client: FlaskClient, page: TestResponse, **values: Any) -> TestResponse:
    """Fill in the details on ``page`` and send them."""
    form = form_to(page, "/details")
    return client.post(form.action, data={**form.values, **DETAILS, **values})


def book(client: FlaskClient, address: str, **values: Any) -> str:
    """Book the first time :func:`ahead`; returns the address of the confirmation."""
    answer = send(client, choose(client, address), **values)
    assert answer.status_code == 303, text_of(answer)
    return str(answer.location)


def manage(confirmation: str) -> str:
    """The address of the guest's page, without parameters."""
    return urllib.parse.urlsplit(confirmation).path


def bookings() -> list[Booking]:
    """All bookings, as the database has them now."""
    session().expire_all()
    return session().query(Booking).order_by(Booking.id).all()
