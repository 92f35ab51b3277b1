"""A guest's whole way through the public pages, by the links and forms on them."""

from __future__ import annotations

import collections.abc as c
import contextvars
import datetime as dt
import typing as t
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import url_for
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ..models import Booking, BookingStatus, EventType
from ..state import changed_config, session
from .people import ahead, open_slots
from .reading import Form, form_to, text_of

_OFF = {"BOOKING_RATE_LIMIT_ENABLED": False, "BOOKING_PROOF_OF_WORK": False, "BOOKING_MIN_FORM_SECONDS": 0}
"""What keeps out a program that books in no time, again and again."""


def walk(
    client: FlaskClient, event: EventType, *, reschedule: bool = True, cancel: bool = True, **fields: t.Any
) -> Booking:
    """Go a guest's way: the host's page, the times, the form, the confirmation, another time, and cancelling.

    ``fields`` are what the guest types besides a name and an address, by the names of the form's inputs.  Links and
    forms lead the way, so any prefix will do.  Rate limits, proof of work and the least time for a form are switched
    off meanwhile.  Fails with the step and the words of the page.  Returns the booking; commits.
    """
    of_event = sa.select(Booking).where(Booking.event_type_id == event.id).order_by(Booking.id.desc())
    page, slug = event.page.slug, event.slug
    before = [one.id for one in session().scalars(of_event)]
    day = _day_ahead(event)
    session().commit()
    guest = _Visitor(client)
    with changed_config(client.application, _OFF):
        times = guest.address("event", page=page, event=slug)
        offered = guest.get("the host's page", guest.address("page", page=page))
        guest.expect(offered, f'href="{times}', f"no link to {times}")
        form = form_to(guest.get("the times", times, day), "/hold")
        form = form_to(guest.send("choosing a time", form, start=_ahead(form.starts)), "/details")
        # An event type may send its guests on to another web site.
        guest.send("booking", form, name="Sam Guest", email="sam@example.com", **fields)
        booking = session().scalars(of_event.where(Booking.id.not_in(before))).first()
        if booking is None:
            raise AssertionError("the form was taken, and no booking was written")
        own = guest.address("manage", token=booking.manage_token)
        day = _day_ahead(event)
        session().commit()
        guest.get("the confirmation", own)
        if reschedule:
            form = form_to(guest.get("other times", f"{own}/reschedule", day), "/reschedule")
            asked = guest.get("another time", form.action, {**form.values, "start": _ahead(form.starts)})
            guest.send("moving", form_to(asked, "/reschedule"), reason="Something came up")
        if cancel:
            asked = guest.get("whether to cancel", f"{own}/cancel")
            guest.send("cancelling", form_to(asked, "/cancel"), reason="Something came up")
    session().expire_all()
    if cancel and booking.status is not BookingStatus.CANCELLED:
        raise AssertionError(f"the guest cancelled, and the booking is {booking.status.value}")
    return booking


class _Visitor:
    """Asks with the client of the CRM's test, each time in a context of its own: ``g`` must not outlive a request."""

    def __init__(self, client: FlaskClient) -> None:
        self.client, self.app = client, client.application

    def address(self, endpoint: str, **values: str) -> str:
        """The path of a public page."""
        with self.app.test_request_context():
            return url_for(f"booking_public.{endpoint}", **values)  # type: ignore[arg-type]

    def get(self, step: str, path: str, query: c.Mapping[str, t.Any] | None = None) -> TestResponse:
        """A page, which must be there."""
        response = self._ask("GET", path, query_string=query)
        if response.status_code != 200:
            raise AssertionError(_told(step, response))
        return response

    def send(self, step: str, form: Form, **typed: t.Any) -> TestResponse:
        """Send a form, which must lead on, and return the page after it, or what leads to another web site."""
        response = self._ask("POST", form.action, data={**form.values, **typed})
        onward = urlsplit(response.location or "")
        if response.status_code != 303:
            raise AssertionError(_told(step, response))
        return response if onward.netloc else self.get(step, onward._replace(fragment="").geturl())

    def expect(self, response: TestResponse, text: str, problem: str) -> None:
        """Fail with the ``problem`` unless the page has this ``text``."""
        if text not in response.text:
            raise AssertionError(f"{problem} on {response.request.path}: {text_of(response)}")

    def _ask(self, method: str, path: str, **sent: t.Any) -> TestResponse:
        given = {name: value for name, value in sent.items() if value is not None}
        # The client puts it before what it is asked for.
        root = (self.app.config["APPLICATION_ROOT"] or "/").rstrip("/")
        return contextvars.Context().run(self.client.open, path.removeprefix(root), method=method, **given)


def _day_ahead(event: EventType) -> dict[str, str] | None:
    """The parameters of the page with a time that won't pass meanwhile; without any, the page shows what it has."""
    offered = open_slots(event)
    return {"tz": "UTC", "date": ahead(offered).date().isoformat()} if offered else None


def _ahead(starts: c.Sequence[str]) -> str:
    if not starts:
        raise AssertionError("no time is offered: pass booking_host other hours")
    texts = {dt.datetime.fromisoformat(start): start for start in starts}
    return texts[ahead(list(texts))]


def _told(step: str, response: TestResponse) -> str:
    where = f" to {response.location}" if response.location else ""
    asked = response.request
    said = text_of(response) or "nothing"
    return f"{step}: {asked.method} {asked.path} was answered with {response.status_code}{where}, saying {said[:800]}"
