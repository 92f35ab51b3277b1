"""Places whose link is made for each meeting, as guests meet them: offered where somebody makes it, and told later."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_booking import catalog, jobs
from flask_booking.calendars.care import break_off, resume
from flask_booking.conferencing.memory import MemoryMeetings
from flask_booking.connections.accounts import disconnect
from flask_booking.connections.problems import NeedsReconnect
from flask_booking.models import Assignment, Booking, Connection
from flask_booking.scheduling import accept, cancel
from flask_booking.scheduling.places import offered
from flask_booking.state import session
from tests.fixtures.apps import MakeApp
from tests.fixtures.meetings import PLACES, can_make
from tests.fixtures.people import Bookable, make_bookable, make_host
from tests.public.guest import book, choose, heading, manage, send, text_of
from tests.scheduling.test_offers import counted_queries

TIMES = "/book/ann/intro?tz=Europe/Paris"


@pytest.fixture
def service() -> MemoryMeetings:
    return MemoryMeetings()


@pytest.fixture
def app(make_app: MakeApp, database_url: str, service: MemoryMeetings) -> Flask:
    """The CRM with a Zoom in memory."""
    return make_app(database_url, BOOKING_CONFERENCING_PROVIDERS={"zoom": service})


@pytest.fixture
def ann(app: Flask) -> Iterator[Bookable]:
    with app.app_context():
        made = make_bookable(app)
        catalog.update_event_type(made.event, {"locations": PLACES})
        yield made


def only(ann: Bookable, kind: str) -> None:
    catalog.update_event_type(ann.event, {"locations": [{"id": "a", "kind": kind}]})


def booking() -> Booking:
    session().expire_all()
    return session().query(Booking).one()


def deliver(ann: Bookable) -> None:
    session().rollback()
    jobs.deliver_due(ann.app)
    session().rollback()


def ways(client: FlaskClient) -> list[str]:
    """The ids of the places that the form offers."""
    page = choose(client, TIMES).text
    return [part.partition('"')[0] for part in page.split('name="location" value="')[1:]]


def test_guests_choose_among_what_can_be_made(ann: Bookable, client: FlaskClient) -> None:
    can_make(ann.host, "google_meet", "teams", "zoom")
    page = choose(client, TIMES)
    for name in ("Google Meet", "Microsoft Teams", "Zoom", "Phone call: we call you"):
        assert name in text_of(page)
    assert ways(client) == ["meet", "teams", "zoom", "phone"]
    assert "4 ways to meet, you choose" in text_of(client.get(TIMES))


def test_a_place_without_maker_is_not_offered(ann: Bookable, client: FlaskClient) -> None:
    assert ways(client) == []
    assert "Phone call: we call you" in text_of(client.get(TIMES))
    [connection] = can_make(ann.host, "zoom")
    assert ways(client) == ["zoom", "phone"]
    assert "2 ways to meet, you choose" in text_of(client.get(TIMES))
    disconnect(connection)
    assert ways(client) == []


def test_a_place_whose_account_is_broken_is_not_offered_until_it_is_mended(ann: Bookable, client: FlaskClient) -> None:
    [connection] = can_make(ann.host, "zoom")
    assert ways(client) == ["zoom", "phone"]
    break_off(connection.id, NeedsReconnect("401"))
    assert ways(client) == []
    resume(connection.id)
    assert ways(client) == ["zoom", "phone"]


def test_a_calendar_that_is_paused_or_gone_makes_no_links(ann: Bookable, client: FlaskClient) -> None:
    [connection] = can_make(ann.host, "teams")
    assert ways(client) == ["teams", "phone"]
    connection.calendars[0].paused = True
    session().commit()
    assert ways(client) == []


def test_a_form_that_was_opened_before_books_all_the_same(ann: Bookable, client: FlaskClient) -> None:
    [connection] = can_make(ann.host, "zoom")
    form = choose(client, TIMES)
    disconnect(connection)
    answer = send(client, form, location="zoom")
    assert answer.status_code == 303
    assert booking().location["kind"] == "zoom"
    assert "You get the link by e-mail as soon as it is made." in text_of(client.get(answer.location))


def test_the_only_place_left_needs_no_choice(ann: Bookable, client: FlaskClient) -> None:
    book(client, TIMES, phone="+33 6 12 34 56 78")
    assert booking().location["kind"] == "phone_guest"


def test_the_only_place_is_booked_although_nobody_makes_its_link(ann: Bookable, client: FlaskClient) -> None:
    only(ann, "zoom")
    assert "Zoom" in text_of(client.get("/book/ann"))
    assert "Zoom" in text_of(client.get(TIMES))
    confirmation = book(client, TIMES)
    deliver(ann)
    page = client.get(confirmation)
    assert heading(page) == "You are booked"
    assert "You get the link by e-mail as soon as it is made." in text_of(page)
    assert "Join the meeting" not in text_of(page)


def test_the_link_is_a_button_once_it_is_made(ann: Bookable, client: FlaskClient, service: MemoryMeetings) -> None:
    service.password = "314159"
    can_make(ann.host, "zoom")
    only(ann, "zoom")
    confirmation = book(client, TIMES)
    assert "You get the link by e-mail" in text_of(client.get(confirmation))
    deliver(ann)
    page = client.get(confirmation)
    assert 'href="https://zoom.example/j/8000000001"' in page.text
    assert "Join the meeting" in text_of(page)
    assert "Password: 314159" in text_of(page)
    assert "You get the link" not in text_of(page)
    file = client.get(f"{manage(confirmation)}/invite.ics").text.replace("\r\n ", "")
    assert "LOCATION:https://zoom.example/j/8000000001" in file
    assert "Password: 314159" in file


def test_a_request_tells_neither_link_nor_password(ann: Bookable, client: FlaskClient, service: MemoryMeetings) -> None:
    service.password = "314159"
    can_make(ann.host, "zoom")
    only(ann, "zoom")
    catalog.update_event_type(ann.event, {"requires_approval": True})
    confirmation = book(client, TIMES)
    row = booking()
    row.location = {**row.location, "url": "https://zoom.example/j/1", "password": "314159"}  # however it came there
    session().commit()
    page = client.get(confirmation)
    assert "Zoom: you get the link once your request is accepted" in text_of(page)
    assert "zoom.example" not in page.text
    assert "314159" not in page.text + client.get(f"{manage(confirmation)}/invite.ics").text
    accept(row.id)
    assert "zoom.example" in client.get(confirmation).text


def test_a_meeting_that_is_off_has_no_link_to_come(ann: Bookable, client: FlaskClient) -> None:
    only(ann, "zoom")
    confirmation = book(client, TIMES)
    cancel(booking().id, actor="guest")
    text = text_of(client.get(manage(confirmation)))
    assert "Zoom" in text
    assert "You get the link" not in text


def test_each_of_several_who_take_turns_must_be_able(ann: Bookable) -> None:
    _user, ben = make_host("Ben Vogel")
    catalog.set_hosts(ann.event, [ann.host, ben])
    can_make(ann.host, "zoom")
    ann.event.assignment = Assignment.ALL
    assert [place["id"] for place in offered(ann.event)] == ["zoom", "phone"]
    ann.event.assignment = Assignment.ANY
    assert [place["id"] for place in offered(ann.event)] == ["phone"]
    can_make(ben, "zoom")
    assert [place["id"] for place in offered(ann.event)] == ["zoom", "phone"]


def test_accounts_cost_a_page_no_query(ann: Bookable, client: FlaskClient) -> None:
    can_make(ann.host, "google_meet", "zoom")
    client.get(TIMES)
    with counted_queries() as with_accounts:
        client.get(TIMES)
    catalog.update_event_type(ann.event, {"locations": [PLACES[-1]]})
    client.get(TIMES)
    with counted_queries() as without:
        client.get(TIMES)
    assert len(with_accounts) == len(without)


def test_a_connection_that_is_deleted_by_whomever_is_noticed(ann: Bookable, client: FlaskClient) -> None:
    [connection] = can_make(ann.host, "zoom")
    assert ways(client) == ["zoom", "phone"]
    session().delete(session().get(Connection, connection.id))
    session().commit()
    assert ways(client) == []
