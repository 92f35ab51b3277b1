"""The guest's link stays between guest and CRM, and a form that is sent twice books once."""

from __future__ import annotations

import html

import sqlalchemy as sa
from flask.testing import FlaskClient

from flask_booking.models import Booking, EventType
from flask_booking.scheduling import book
from flask_booking.state import session
from tests.fixtures.people import Bookable
from tests.public.guest import DETAILS, form_to
from tests.scheduling.bookable import midnight, request


def test_no_address_of_another_company_carries_the_guests_token(client: FlaskClient, ann: Bookable) -> None:
    token = book(ann.event.id, request(midnight())).manage_token
    page = client.get(f"/book/manage/{token}")
    foreign = [part.partition('"')[0] for part in html.unescape(page.text).split('href="') if part.startswith("http")]
    assert sum("calendar" in address for address in foreign) == 3
    assert not [address for address in foreign if token in address]
    assert token in client.get(f"/book/manage/{token}/invite.ics").text.replace("\r\n ", "")


def test_a_form_opened_by_a_bare_link_and_sent_twice_books_once(client: FlaskClient, ann: Bookable) -> None:
    session().get(EventType, ann.event.id).seats = 5  # type: ignore[union-attr]  # a second seat would be free
    session().commit()
    start = ann.tomorrow().strftime("%Y-%m-%dT%H:%M:%SZ")
    form = form_to(client.get("/book/ann/intro/details", query_string={"start": start}), "/details")
    answers = [client.post(form.action, data={**form.values, **DETAILS}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].location == answers[1].location
    assert session().scalar(sa.select(sa.func.count()).select_from(Booking)) == 1
