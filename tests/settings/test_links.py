"""Places whose link is made for each meeting, on the screens: chosen, warned of, and mended."""

from __future__ import annotations

import pytest
from flask import render_template_string

from flask_booking import catalog, jobs
from flask_booking.conferencing.memory import MemoryMeetings
from flask_booking.connections.accounts import disconnect
from flask_booking.connections.problems import NotAllowed
from flask_booking.models import Booking, Connection, EventState, MeetingLink, OutboxMessage
from flask_booking.state import session
from tests.fixtures.apps import MakeApp
from tests.fixtures.meetings import can_make

from .conftest import Office, Screens, open_office, said, tomorrow
from .test_event_types import FILLED, made

REGISTERED = {f"BOOKING_{name}_CLIENT_{what}": "x" for name in ("GOOGLE", "MICROSOFT") for what in ("ID", "SECRET")}


@pytest.fixture
def service() -> MemoryMeetings:
    return MemoryMeetings()


@pytest.fixture
def office(make_app: MakeApp, database_url: str, service: MemoryMeetings) -> Office:
    """The office of a CRM that is registered at Google and Microsoft, with a Zoom in memory."""
    return open_office(make_app(database_url, BOOKING_CONFERENCING_PROVIDERS={"zoom": service}, **REGISTERED))


def connect(office: Office, *kinds: str, host: str = "ann") -> None:
    office.do(lambda: can_make(office.host(host), *kinds))


def let_go(office: Office, provider: str) -> None:
    office.do(lambda: disconnect(session().query(Connection).filter_by(provider=provider).one()))


def held_at(office: Office, *kinds: str) -> None:
    """Have Ann's event type be held there."""
    places = [{"id": kind.replace("_", ""), "kind": kind, "text": "By the sea"} for kind in kinds]
    office.do(lambda: catalog.update_event_type(office.event(), {"locations": places}))


def booked(office: Office, place: str = "zoom") -> str:
    """A booking of tomorrow, with what follows from it done."""
    public_id = office.booking(location=place)
    with office.app.app_context():
        jobs.deliver_due(office.app)
    return public_id


def chosen(page: str) -> list[str]:
    """The kinds that the first place of a form can have."""
    select = page.partition('name="locations-0-kind"')[2].partition("</select>")[0]
    return [part.partition('"')[0] for part in select.split('value="')[1:]]


class TestForm:
    """The form of an event type."""

    def test_offers_what_the_host_s_accounts_make(self, office: Office, ann: Screens) -> None:
        held_at(office, "custom")
        address = f"/event-types/{office.events['ann']}"
        assert chosen(ann.get(address).text) == ["phone_guest", "phone_host", "in_person", "link", "custom"]
        text = ann.text(address)
        assert "Google Meet, Microsoft Teams or Zoom: connect an account" in text
        connect(office, "google_meet", "zoom")
        assert {"google_meet", "zoom"} < set(chosen(ann.get(address).text))
        assert "Microsoft Teams: connect an account" in ann.text(address)
        connect(office, "teams")

    def test_says_nothing_of_what_the_crm_is_not_registered_for(self, make_app: MakeApp, database_url: str) -> None:
        plain = open_office(make_app(database_url, BOOKING_CONFERENCING_PROVIDERS={"zoom": None}))
        text = plain.as_user("ann").text("/event-types/new")
        assert "connect an account" not in text

    def test_keeps_a_place_that_needs_no_more_than_its_kind(self, office: Office, ann: Screens) -> None:
        connect(office, "zoom")
        form = {**FILLED, "locations-0-kind": "zoom", "locations-0-text": "left over", "locations-0-url": "no address"}
        assert ann.post("/event-types/new", **form).status_code == 303
        with office.app.app_context():
            place = made(office).locations[0]
            assert (place["kind"], place["text"], place["url"]) == ("zoom", "", "")

    def test_refuses_the_same_twice(self, office: Office, ann: Screens) -> None:
        form = {**FILLED, "locations-0-kind": "zoom", "locations-1-kind": "zoom"}
        answer = ann.post("/event-types/new", **form)
        assert answer.status_code == 422
        assert "This place is there already." in said(answer)

    def test_warns_of_a_place_whose_maker_was_disconnected_and_can_be_saved(self, office: Office, ann: Screens) -> None:
        connect(office, "zoom")
        held_at(office, "zoom")
        address = f"/event-types/{office.events['ann']}"
        assert "guests are promised one" not in ann.text(address) + ann.text("/event-types")
        let_go(office, "zoom")
        warning = "No connected account makes links for Zoom: guests are promised one by e-mail."
        assert warning in ann.text(address)
        assert warning in ann.text("/event-types")
        assert "zoom" in chosen(ann.get(address).text)
        held_at(office, "zoom", "custom")
        warning = "No connected account makes links for Zoom: guests aren't offered it."
        assert warning in ann.text(address)
        assert warning in ann.text("/event-types")
        form = {"title": "Intro", "duration": "30 min", "locations-0-kind": "zoom", "do": "save"}
        assert ann.post(address, **form).status_code == 303

    def test_warns_when_a_free_zoom_would_end_the_meeting_early(self, office: Office, ann: Screens) -> None:
        connect(office, "zoom")
        held_at(office, "zoom")
        office.do(lambda: catalog.update_event_type(office.event(), {"durations": [30, 40]}))
        page = ann.get(f"/event-types/{office.events['ann']}").text
        assert 'data-longer="40" hidden' in page
        office.do(lambda: catalog.update_event_type(office.event(), {"durations": [30, 41]}))
        page = ann.get(f"/event-types/{office.events['ann']}").text
        assert 'data-longer="40">' in page.partition("<template")[0]
        assert "Zoom ends a meeting after 40 minutes when its account is a free one." in page


def test_a_booking_shows_its_link(office: Office, ann: Screens, service: MemoryMeetings) -> None:
    service.password = "314159"
    connect(office, "zoom")
    held_at(office, "zoom")
    public_id = booked(office)
    text = ann.text(f"/bookings/{public_id}")
    assert "Where Zoom https://zoom.example/j/8000000001 Password: 314159" in text
    assert "Meeting link" in text
    assert "Zoom" in ann.text("/bookings")
    assert "Zoom https://zoom.example/j/8000000001 314159" in ann.get("/bookings.csv").text
    overview = ann.get("/")
    assert "Zoom · Join the meeting" in said(overview)
    assert "Nothing waits for you." in said(overview)


def test_a_link_that_is_being_made_is_nothing_to_do(office: Office, ann: Screens) -> None:
    connect(office, "zoom")
    held_at(office, "zoom")
    public_id = office.booking()
    assert "The link is being made." in ann.text(f"/bookings/{public_id}")
    assert "Nothing waits for you." in ann.text()


class TestWithoutLink:
    """A coming meeting whose link nobody could make."""

    @pytest.fixture
    def booking(self, office: Office) -> str:
        held_at(office, "zoom")
        return booked(office)

    def test_leads_to_the_accounts(self, ann: Screens, booking: str) -> None:
        notice = ann.get(f"/bookings/{booking}").text.partition("bk-link-missing")[2].partition("<details")[0]
        assert 'href="/settings/booking/calendars"' in notice

    def test_is_told_where_the_host_looks(self, office: Office, ann: Screens, booking: str) -> None:
        reason = "No connected account makes links for Zoom, so this meeting has none."
        assert reason in ann.text(f"/bookings/{booking}")
        overview = ann.text()
        assert "The meeting with Sam Guest has no link" in overview
        assert reason in overview
        assert "1 message wasn't sent" not in overview

    def test_gets_one_once_there_is_an_account(self, office: Office, ann: Screens, booking: str) -> None:
        assert "Nobody can make this link" not in said(ann.get(f"/bookings/{booking}"))
        connect(office, "zoom")
        ann.post(f"/bookings/{booking}/link")
        with office.app.app_context():
            jobs.deliver_due(office.app)
        text = ann.text(f"/bookings/{booking}")
        assert "https://zoom.example/j/" in text
        assert "Nothing waits for you." in ann.text()

    def test_takes_one_that_the_host_gives_and_makes_no_other(
        self, office: Office, ann: Screens, service: MemoryMeetings, booking: str
    ) -> None:
        answer = ann.post(f"/bookings/{booking}/link", url="javascript:alert(1)")
        assert "Please enter a web address" in said(ann.get(answer.location.removeprefix("/settings/booking")))
        ann.post(f"/bookings/{booking}/link", url="https://meet.example.com/ann")
        assert "https://meet.example.com/ann" in ann.text(f"/bookings/{booking}")
        assert "has no link" not in ann.text()
        connect(office, "zoom")
        with office.app.app_context():
            jobs.deliver_due(office.app)
            assert session().query(OutboxMessage).filter_by(kind="linked", recipient="sam@example.com").count() == 1
        ann.post(f"/bookings/{booking}/link")
        with office.app.app_context():
            jobs.deliver_due(office.app)
            assert session().query(Booking).one().location["url"] == "https://meet.example.com/ann"
        assert service.meetings == {}

    def test_belongs_to_its_hosts_alone(self, office: Office, booking: str) -> None:
        ben = office.as_user("ben")
        assert ben.post(f"/bookings/{booking}/link", url="https://evil.example").status_code == 404
        assert "has no link" not in ben.text()

    def test_is_forgotten_when_it_is_cancelled(self, office: Office, ann: Screens, booking: str) -> None:
        ann.post(f"/bookings/{booking}/cancel")
        assert "has no link" not in ann.text()
        assert "bk-link-missing" not in ann.get(f"/bookings/{booking}").text


def test_a_refused_meeting_can_be_replaced_by_a_link_and_is_made_no_more(
    office: Office, ann: Screens, service: MemoryMeetings
) -> None:
    connect(office, "zoom")
    held_at(office, "zoom")
    service.troubles.append(NotAllowed("400 3161"))
    public_id = booked(office)
    assert "Zoom made no link for this meeting." in ann.text(f"/bookings/{public_id}")
    ann.post(f"/bookings/{public_id}/link", url="https://meet.example.com/ann")
    ann.post(f"/bookings/{public_id}/cancel")
    with office.app.app_context():
        jobs.deliver_due(office.app)
        assert session().query(MeetingLink).one().problem == "own_link"
    assert service.meetings == {}


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("needs_reconnect", "Zoom asks you to sign in again."),
        ("missing_scope", "A permission for Zoom is missing."),
        ("unreachable", "Zoom couldn't make the link yet."),
        ("misconfigured", "Your administrator has to mend it."),
        ("not_allowed", "Zoom made no link for this meeting."),
    ],
)
def test_each_problem_is_told_in_words(office: Office, ann: Screens, code: str, says: str) -> None:
    connect(office, "zoom")
    held_at(office, "zoom")
    public_id = office.booking()
    with office.app.app_context():
        session().query(MeetingLink).one().problem = code
        session().commit()
    assert says in ann.text(f"/bookings/{public_id}")


def test_a_link_that_was_tried_in_vain_is_not_said_to_be_tried_again(office: Office, ann: Screens) -> None:
    connect(office, "zoom")
    held_at(office, "zoom")
    public_id = office.booking()
    with office.app.app_context():
        link = session().query(MeetingLink).one()
        link.state, link.problem = EventState.FAILED, "unreachable"
        session().commit()
    assert "Zoom made no link for this meeting." in ann.text(f"/bookings/{public_id}")
    assert "Zoom made no link for this meeting." in ann.text()


def test_a_calendar_without_such_links_is_told_too(office: Office, ann: Screens) -> None:
    held_at(office, "google_meet")
    public_id = booked(office, "googlemeet")
    assert "No connected account makes links for Google Meet" in ann.text(f"/bookings/{public_id}")
    ann.post(f"/bookings/{public_id}/link")
    assert "Nobody can make this link. Please give one yourself." in ann.text(f"/bookings/{public_id}")


def test_the_host_who_books_is_offered_what_works(office: Office, ann: Screens) -> None:
    held_at(office, "zoom", "custom")
    page = ann.get("/book", event=office.events["ann"], start=tomorrow().isoformat()).text
    assert 'value="zoom"' not in page
    connect(office, "zoom")
    page = ann.get("/book", event=office.events["ann"], start=tomorrow().isoformat()).text
    assert 'value="zoom"' in page


def test_a_contact_s_page_of_the_crm_says_where(office: Office) -> None:
    connect(office, "zoom")
    held_at(office, "zoom")
    booked(office)
    with office.app.test_request_context():
        contact = session().query(Booking).one().contact
        macros = '{% from "booking/crm/meetings.html" import meetings_of %}{{ meetings_of(contact) }}'
        assert "Ann Meyer · Zoom" in render_template_string(macros, contact=contact)
