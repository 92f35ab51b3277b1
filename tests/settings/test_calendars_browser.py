"""A host connects calendars in a browser, through services that are stand-ins, and does with them what one can do."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from example_app.seed import PASSWORD
from flask_booking import jobs
from flask_booking.calendars import mirror
from flask_booking.calendars.memory import Memory
from flask_booking.models import (
    Booking,
    CalendarEvent,
    ConnectedCalendar,
    Connection,
    ConnectionState,
    Difference,
    EventState,
    StaleCalendars,
)
from flask_booking.models.columns import utcnow
from flask_booking.scheduling.calendar_events import new_key
from flask_booking.state import session
from tests.calendars.made import new_calendar, new_connection
from tests.conferencing.conftest import config_of
from tests.fakes.base import served
from tests.fakes.google import Google
from tests.fakes.microsoft import FakeMicrosoft
from tests.fakes.zoom import Zoom
from tests.fixtures.browser import NewPage
from tests.fixtures.servers import LiveServer, Serve

from .conftest import Office, open_office, tomorrow
from .test_browser import Desk

pytestmark = pytest.mark.browser

ANN, WORK = "ann@example.com", "ann.meyer@contoso.example"


@dataclass
class World:
    """The office behind a socket, and the services beside it."""

    server: LiveServer
    office: Office
    google: Google
    microsoft: FakeMicrosoft
    new_page: NewPage

    def desk(self, screen: str = "desktop", **context: Any) -> Desk:
        return Desk(self.server, self.office, self.new_page(screen, **context))

    def read(self) -> None:
        """What a worker does."""
        with self.server.app.app_context():
            for calendar_id in mirror.due():
                mirror.sync(calendar_id)
            session().rollback()

    def calendar(self, name: str) -> ConnectedCalendar:
        """Inside an application context."""
        session().expire_all()
        return session().query(ConnectedCalendar).filter_by(name=name).one()


@pytest.fixture
def world(serve: Serve, database_url: str, new_page: NewPage) -> Iterator[World]:
    from example_app.models import User

    with ExitStack() as stack:
        google, microsoft, zoom = (stack.enter_context(served(fake())) for fake in (Google, FakeMicrosoft, Zoom))
        google.add_account(ANN)
        google.add_calendar(ANN, "Family")
        microsoft.add_mailbox(WORK)
        server = serve(
            database_url,
            **google.config(),
            **microsoft.config(),
            **config_of(zoom),
            BOOKING_CALENDAR_PROVIDERS={"memory": Memory()},
            BOOKING_PRIVATE_ADDRESSES=True,
        )
        office = open_office(server.app)
        with server.app.app_context():
            for user in session().query(User):
                user.set_password(PASSWORD)
            session().commit()
        yield World(server, office, google, microsoft, new_page)


def row_of(page: Page, name: str) -> Any:
    """The part of the screen about one calendar."""
    return page.locator(".bk-calendar").filter(has=page.get_by_role("heading", name=name))


def test_a_host_connects_two_calendars_chooses_and_lets_them_go(world: World, axe: Callable[[Page], list[str]]) -> None:
    desk = world.desk()
    page = desk.open("/calendars")
    assert axe(page) == []
    page.get_by_role("button", name="Google Calendar").click()
    expect(page.get_by_role("status")).to_contain_text(f"{ANN} is connected, and its calendar is being read.")
    expect(row_of(page, ANN)).to_contain_text("Being read for the first time.")
    world.read()
    expect(row_of(page, ANN)).to_contain_text("Read just now."), "without anybody reloading the page"
    assert axe(page) == []

    family = row_of(page, "Family")
    expect(family.get_by_role("switch", name="Tentative events count too")).to_be_hidden()
    family.get_by_role("switch", name="Check for conflicts").check()
    expect(family.get_by_role("switch", name="Tentative events count too")).to_be_visible()
    expect(family.get_by_role("switch", name="Check for conflicts")).to_be_focused()
    expect(page.locator("#bk-said")).to_have_text("What is in Family closes your time.")
    expect(family.get_by_role("button", name="Save")).to_be_hidden()
    world.read()
    expect(family).to_contain_text("Read just now.")
    family.get_by_role("switch", name="Tentative events count too").uncheck()
    expect(page.locator("#bk-said")).to_contain_text("that aren't agreed on yet don't close your time")
    with world.server.app.app_context():
        found = world.calendar("Family")
        assert (found.check_conflicts, found.tentative_blocks) == (True, False)

    page.get_by_role("button", name="Outlook / Microsoft 365").click()
    expect(page.get_by_role("status")).to_contain_text(f"{WORK} is connected")
    world.read()
    page.get_by_label("Calendar", exact=True).select_option("Family")
    page.get_by_label("Your calendar does").check()
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_role("status")).to_contain_text("New bookings go into Family.")
    expect(row_of(page, "Family")).to_contain_text("Bookings go here")
    booking = world.office.booking("ann", tomorrow(12))
    with world.server.app.app_context():
        jobs.deliver_due(world.server.app)
    desk.open(f"/bookings/{booking}")
    expect(page.get_by_text("In Family")).to_be_visible()
    assert axe(page) == []

    desk.open("/calendars")
    page.locator("summary", has_text=f"More about {WORK}").click()
    page.get_by_role("link", name=re.compile("Disconnect …")).click()
    assert axe(page) == []
    page.get_by_role("button", name="Disconnect", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text(f"{WORK} is disconnected")
    expect(page.get_by_role("heading", name=WORK)).to_have_count(0)
    expect(page.get_by_role("heading", name=ANN)).to_have_count(2)


def test_all_of_it_works_on_a_phone_without_a_script(world: World) -> None:
    page = world.desk("phone", java_script=False).open("/calendars")
    page.get_by_role("button", name="Google Calendar").click()
    expect(page.get_by_role("status")).to_contain_text("is connected")
    family = row_of(page, "Family")
    family.get_by_role("switch", name="Check for conflicts").check()
    family.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("What is in Family closes your time.")
    family = row_of(page, "Family")
    family.locator("summary").click()
    family.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status")).to_contain_text("Family is paused")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_contain_text("Taken back.")
    page.get_by_role("button", name="Zoom").click()
    expect(page.get_by_role("status")).to_contain_text("makes links for your meetings")
    with world.server.app.app_context():
        assert world.calendar("Family").check_conflicts


def test_partial_consent_and_a_refusal_are_told_where_the_host_is(world: World) -> None:
    world.google.unticked = {"calendar.events"}
    page = world.desk("phone").open("/calendars")
    page.get_by_role("button", name="Google Calendar").click()
    expect(page.get_by_role("status")).to_contain_text("leave all boxes ticked")
    world.google.unticked = set()
    world.google.refuses_consent = True
    page.get_by_role("button", name="Google Calendar").click()
    expect(page.get_by_role("status")).to_contain_text("You didn't allow the access, so nothing was connected.")
    page.go_back()
    page.reload()
    expect(page.get_by_role("heading", name="Calendars", level=1)).to_be_visible()


def test_a_moved_event_is_decided_on_the_booking(world: World, axe: Callable[[Page], list[str]]) -> None:
    desk = world.desk("phone")
    page = desk.open("/calendars")
    page.get_by_role("button", name="Google Calendar").click()
    expect(page.get_by_role("status")).to_contain_text("is connected")
    world.read()
    booking = world.office.booking("ann", tomorrow(12))
    with world.server.app.app_context():
        jobs.deliver_due(world.server.app)
        event = session().query(CalendarEvent).one().remote_id
    world.google.move_event(ANN, event, tomorrow(15))
    with world.server.app.app_context():
        mirror.request([world.calendar(ANN).id])
    world.read()
    desk.open("/")
    page.get_by_role("link", name="The event with Sam Guest was moved in your calendar").click()
    expect(page.get_by_text("The event was moved in the calendar, to")).to_be_visible()
    assert axe(page) == []
    page.get_by_role("button", name="Move the meeting there").click()
    expect(page.get_by_role("status")).to_contain_text("Moved. Sam Guest gets a mail with the new time.")
    expect(page.get_by_role("button", name="Move the meeting there")).to_have_count(0)
    assert booking in page.url


def fill_the_screens(world: World) -> str:
    """Accounts and calendars in every state, and a booking with a difference; its id."""
    booking = world.office.booking("ann", tomorrow(9))
    with world.server.app.app_context():
        host, now = world.office.host(), utcnow()
        host.stale_calendars = StaleCalendars.CLOSE
        later = now + dt.timedelta(hours=1)
        broken = {"state": ConnectionState.BROKEN, "problem": "needs_reconnect", "broken_at": now}
        google = new_connection(host, "google", account_name=ANN, **broken)
        work = new_calendar(
            host, google, name="Work", colour="#3f51b5", target=True, conferencing=["google_meet"], due_at=later
        )
        new_calendar(host, google, name="Late", synced_at=now - dt.timedelta(hours=9), due_at=later)
        new_calendar(host, google, name="Holidays", writable=False, check_conflicts=False)
        new_connection(host, "caldav", account_name="ann", settings={"url": "https://cloud.example.com"}, **broken)
        memory = new_connection(host, "memory", account_name="Ann")
        new_calendar(host, memory, name="New", synced_at=None, due_at=now)
        new_calendar(host, memory, name="Paused", paused=True)
        new_calendar(host, memory, name="Gone", missing=True)
        new_calendar(host, memory, name="Down", problem="unreachable", due_at=later)
        new_connection(host, "zoom", account_name="ann@zoom.example")
        row = session().query(Connection).filter_by(provider="zoom").one()
        row.state, row.problem = ConnectionState.BROKEN, "missing_scope"
        meeting = session().query(Booking).filter_by(public_id=booking).one()
        seen = int(tomorrow(15).timestamp())
        session().add(
            CalendarEvent(
                booking_id=meeting.id, host_id=host.id, calendar_id=work.id, key=new_key(), state=EventState.WRITTEN,
                page_url="https://calendar.example/event", difference=Difference.MOVED, seen_starts=seen,
                seen_ends=seen + 1800, problem="no_link",
            )
        )  # fmt: skip
        session().commit()
    return booking


@pytest.mark.parametrize(("screen", "scheme"), [("desktop", "dark"), ("phone", "light")])
def test_no_state_of_a_calendar_is_a_barrier_or_too_wide(
    world: World, axe: Callable[[Page], list[str]], screen: str, scheme: str
) -> None:
    booking = fill_the_screens(world)
    desk = world.desk(screen, scheme=scheme)
    found: dict[str, object] = {}
    paths = ["/calendars", f"/bookings/{booking}", "/"]
    paths += [f"/calendars/connect/{name}" for name in ("caldav?at=icloud", "caldav?at=nextcloud", "ical")]
    for path in paths:
        page = desk.open(path)
        for menu in page.locator(".bk-calendar details").all():
            menu.locator("summary").click()
            break
        if violations := axe(page):
            found[path] = violations
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found[f"{path} is too wide"] = page.evaluate("document.documentElement.scrollWidth")
    assert found == {}


def test_a_form_that_is_refused_says_so_where_it_can_be_read_at_once(
    world: World, axe: Callable[[Page], list[str]]
) -> None:
    page = world.desk().open("/calendars/connect/caldav?at=other")
    page.get_by_label("Server").fill("http://127.0.0.1:9/")
    page.get_by_label("User name").fill("ann")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The server doesn't answer at the moment.")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Server")).to_have_value("http://127.0.0.1:9/")
    expect(page.get_by_label("Password")).to_have_value("")
    assert axe(page) == []
