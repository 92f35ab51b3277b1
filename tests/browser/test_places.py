"""Google Meet, Microsoft Teams and Zoom on the guest's pages, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from flask_booking import catalog, jobs
from flask_booking.conferencing.memory import MemoryMeetings
from flask_booking.models import BookingPage
from flask_booking.state import session
from tests.browser.conftest import NINE_TO_FIVE, Open
from tests.browser.test_guest import fill, no_sideways_scrolling
from tests.fixtures.meetings import PLACES, can_make
from tests.fixtures.people import Bookable, make_host
from tests.fixtures.servers import Serve

pytestmark = pytest.mark.browser

Violations = Callable[[Page], list[str]]


@pytest.fixture
def opened(serve: Serve, database_url: str) -> Iterator[Open]:
    """Ann, whose ``intro`` can be held over each of them or on the phone; her Zoom wants a password."""
    zoom = MemoryMeetings(password="314159")
    server = serve(database_url, BOOKING_CONFERENCING_PROVIDERS={"zoom": zoom}, BOOKING_MAIL_URL="smtp://127.0.0.1:1")
    with server.app.app_context():
        user, host = make_host("Ann Meyer", "America/New_York", weekly=NINE_TO_FIVE)
        page = session().query(BookingPage).filter_by(host_id=host.id).one()
        event = catalog.create_event_type(page, {"title": "Intro", "durations": [30], "notice": 0, "locations": PLACES})
        can_make(host, "google_meet", "teams", "zoom")
        yield Open(server, Bookable(server.app, user, host, page, event))


def test_choose_how_to_meet_wait_for_the_link_and_join(opened: Open, each_screen: Page, axe: Violations) -> None:
    page = each_screen

    def sound() -> None:
        assert axe(page) == []
        assert no_sideways_scrolling(page)

    page.goto(opened.url)
    sound()
    opened.at(page)
    expect(page.get_by_text("4 ways to meet, you choose")).to_be_visible()
    page.locator(".times button").first.click()
    expect(page.get_by_label("Google Meet")).to_be_visible()
    expect(page.get_by_label("Microsoft Teams")).to_be_visible()
    sound()
    page.get_by_label("Zoom").check()
    fill(page)
    page.get_by_role("button", name="Book this meeting").click()
    expect(page.get_by_text("You get the link by e-mail as soon as it is made.")).to_be_visible()
    sound()
    session().rollback()
    jobs.deliver_due(opened.server.app)
    page.reload()
    join = page.get_by_role("link", name="Join the meeting")
    expect(join).to_have_attribute("href", "https://zoom.example/j/8000000001")
    expect(page.get_by_text("Password: 314159")).to_be_visible()
    sound()


@pytest.mark.parametrize(("kind", "name"), [("google_meet", "Google Meet"), ("teams", "Microsoft Teams")])
def test_a_single_place_needs_no_choice(opened: Open, phone: Page, axe: Violations, kind: str, name: str) -> None:
    catalog.update_event_type(opened.ann.event, {"locations": [{"id": "a", "kind": kind}]})
    phone.goto(opened.url)
    expect(phone.get_by_text(name)).to_be_visible()
    opened.at(phone)
    phone.locator(".times button").first.click()
    expect(phone.get_by_text(name)).to_be_visible()
    assert axe(phone) == []
