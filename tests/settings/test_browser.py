"""The screens in Chromium: no barrier axe can find, no breach of the CRM's policy, with a script and without."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from example_app.seed import PASSWORD
from flask_booking import catalog
from flask_booking.models import Booking, BookingDomain, EventType, MessageRule, MessageState, OutboxMessage, Schedule
from flask_booking.state import session
from tests.fixtures.browser import NewPage
from tests.fixtures.meetings import can_make
from tests.fixtures.servers import LiveServer

from .conftest import ROOT, Office, open_office, tomorrow

pytestmark = pytest.mark.browser


class Desk:
    """A browser in which Ann has logged in."""

    def __init__(self, server: LiveServer, office: Office, page: Page, user: str = "ann") -> None:
        self.server, self.office, self.page = server, office, page
        page.goto(f"{server.url}/login")
        page.get_by_label("E-mail").fill(f"{user}@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in", exact=True).click()
        page.wait_for_url(f"{server.url}/")

    def open(self, path: str = "/") -> Page:
        answer = self.page.goto(f"{self.server.url}{ROOT}{path}")
        assert answer is not None
        assert answer.status == 200
        return self.page


@pytest.fixture
def office(live_server: LiveServer) -> Office:
    """The office behind a socket, its hosts with a password."""
    from example_app.models import User

    office = open_office(live_server.app)
    with live_server.app.app_context():
        for user in session().query(User):
            user.set_password(PASSWORD)
        session().commit()
    return office


Open = Callable[..., Desk]


@pytest.fixture
def at_desk(live_server: LiveServer, office: Office, new_page: NewPage) -> Open:
    """``at_desk("phone", user="cleo", java_script=False)``"""

    def open_desk(screen: str = "desktop", *, user: str = "ann", **context: object) -> Desk:
        return Desk(live_server, office, new_page(screen, **context), user)

    return open_desk


def fill_the_office(office: Office) -> dict[str, str]:
    """Something to see on every screen."""
    booking = office.booking("ann", tomorrow(9), notes="Two of us")
    other = office.booking("ann", tomorrow(11), email="other@example.com")
    linkless = office.booking("ann", tomorrow(13), email="zoe@example.com")
    with office.app.app_context():
        host = office.host()
        schedule = session().query(Schedule).filter_by(host_id=host.id).one()
        for name, state in {
            "book": {},
            "meet": {"problem": "Not yet."},
            "see": {"verified_name": "see.ann.org"},
        }.items():
            session().add(BookingDomain(page_id=office.event().page_id, name=f"{name}.ann.org", token="x", **state))
        catalog.add_override(schedule, tomorrow(days=9).date(), None, [(600, 720)], "Fair")
        day = dt.datetime.combine(tomorrow().date(), dt.time(15))
        blocked = catalog.block_time(
            host, starts=day, ends=day + dt.timedelta(hours=1), title="Dentist", rrule="FREQ=WEEKLY;BYDAY=MO"
        )
        questions = [{"label": "About?", "kind": "choice", "options": ["Taxes", "Trusts"], "required": True}]
        places = [{"kind": "in_person", "text": "Here"}, {"kind": "phone_guest"}, {"kind": "zoom"}]
        values = {"questions": questions, "locations": places, "colour": "#1c6a57", "description": "**Hello**"}
        catalog.update_event_type(office.event(), values)
        asked = catalog.create_event_type(
            office.event().page, {"title": "Asked", "durations": [45], "requires_approval": True}
        )
        catalog.set_archived(asked, True)
        session().query(Booking).filter_by(public_id=linkless).one().location = {"kind": "zoom"}
        message = session().query(OutboxMessage).filter_by(kind="booked").first()
        assert message is not None
        message.state, message.attempts, message.last_error = MessageState.FAILED, 12, "refused for good (550)"
        session().commit()
        rule = session().query(MessageRule).filter_by(host_id=host.id).one()
        return {
            "booking": booking,
            "other": other,
            "linkless": linkless,
            "event": office.events["ann"],
            "schedule": schedule.public_id,
            "blocked": blocked.public_id,
            "rule": rule.public_id,
            "day": tomorrow().date().isoformat(),
        }


SCREENS = [
    "/",
    "/bookings",
    "/bookings/{booking}",
    "/bookings/{linkless}",
    "/bookings/{booking}/reschedule",
    "/book",
    "/book?event={event}",
    "/event-types",
    "/event-types/new",
    "/event-types/{event}",
    "/event-types/{event}/delete",
    "/schedules",
    "/schedules/{schedule}",
    "/blocked",
    "/blocked/{blocked}",
    "/messages",
    "/messages/{rule}",
    "/messages/log",
    "/page",
    "/domains",
    "/you",
    "/why?event={event}&date={day}",
]


@pytest.mark.parametrize(("screen", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_no_screen_has_a_barrier_or_is_wider_than_the_window(
    at_desk: Open, office: Office, axe: Callable[[Page], list[str]], screen: str, scheme: str
) -> None:
    things = fill_the_office(office)
    desk = at_desk(screen, scheme=scheme)
    found: dict[str, object] = {}
    for path in SCREENS:
        page = desk.open(path.format(**things))
        if violations := axe(page):
            found[path] = violations
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found[f"{path} is too wide"] = page.evaluate("document.documentElement.scrollWidth")
    assert found == {}


def test_forms_with_problems_have_no_barrier_either(at_desk: Open, axe: Callable[[Page], list[str]]) -> None:
    desk = at_desk()
    for path, button in (("/event-types/new", "Make it bookable"), ("/blocked/new", "Block this time")):
        page = desk.open(path)
        for field in page.locator(".bk-form input[type=date]").all():
            if field.is_visible():
                field.fill("")
        page.get_by_role("button", name=button).last.click()
        expect(page.get_by_role("alert")).to_be_focused()
        assert axe(page) == []


def test_an_event_type_is_made_without_a_script(at_desk: Open, office: Office) -> None:
    page = at_desk("phone", java_script=False).open("/event-types/new")
    page.get_by_label("Name needed").fill("Consultation")
    page.get_by_role("button", name="Add a place").click()
    expect(page.get_by_label("Name needed")).to_have_value("Consultation")
    page.get_by_label("Number, address or text").fill("210 Water Street")
    page.get_by_role("button", name="Add a question").click()
    # Enter saves, and doesn't press the first button of a row.
    page.get_by_role("textbox", name="Question", exact=True).fill("What is it about?")
    page.get_by_role("textbox", name="Question", exact=True).press("Enter")
    expect(page.get_by_role("status")).to_contain_text("“Consultation” is ready to be booked.")
    with office.app.app_context():
        event = session().query(EventType).filter_by(title="Consultation").one()
        assert [place["text"] for place in event.locations] == ["210 Water Street"]
        assert [question["label"] for question in event.questions] == ["What is it about?"]


def test_hours_are_edited_without_a_script(at_desk: Open, office: Office) -> None:
    page = at_desk("phone", java_script=False).open("/schedules/new")
    page.get_by_label("Name needed").fill("Summer")
    page.get_by_label("Monday to").fill("12:00")
    page.get_by_role("button", name="More hours Monday").click()
    page.get_by_label("Monday from").nth(1).fill("13:00")
    page.get_by_label("Monday to").nth(1).fill("18:00")
    page.get_by_role("button", name="Copy to weekdays").click()
    page.get_by_role("button", name="Save hours").last.click()
    expect(page.get_by_role("status")).to_contain_text("“Summer” is saved.")
    with office.app.app_context():
        weekly = session().query(Schedule).filter_by(name="Summer").one().weekly
        assert weekly == [[[540, 720], [780, 1080]]] * 5 + [[], []]


def test_rows_come_and_go_and_change_places_with_a_script(at_desk: Open, office: Office) -> None:
    page = at_desk().open(f"/event-types/{office.events['ann']}")
    for label in ("First?", "Second?", "Third?"):
        page.get_by_role("button", name="Add a question").click()
        page.get_by_role("textbox", name="Question", exact=True).last.fill(label)
    expect(page.locator("[data-unsaved]")).to_be_visible()
    rows = page.locator("[data-rows=questions] [data-row]")
    rows.nth(2).get_by_role("button", name="Move up").click()
    rows.nth(0).get_by_role("button", name="Remove").click()
    options = rows.first.get_by_label("Answers to choose from")
    expect(options).to_be_hidden()
    rows.first.get_by_label("Kind of answer").select_option("choice")
    options.fill("One\nTwo")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_role("status")).to_contain_text("is saved")
    with office.app.app_context():
        assert [(one["label"], one["options"]) for one in office.event().questions] == [
            ("Third?", ["One", "Two"]),
            ("Second?", []),
        ]


def test_hours_are_copied_and_removed_with_a_script(at_desk: Open, office: Office) -> None:
    page = at_desk().open("/schedules/new")
    page.get_by_label("Name needed").fill("Summer")
    page.get_by_role("button", name="More hours Monday").click()
    page.get_by_label("Monday from").nth(1).fill("18:00")
    page.get_by_label("Monday to").nth(1).fill("20:00")
    page.get_by_role("button", name="Copy to weekdays").click()
    page.get_by_role("button", name="Remove these hours of Wednesday").first.click()
    page.get_by_role("button", name="Remove these hours of Wednesday").first.click()
    page.get_by_role("button", name="Save hours").last.click()
    expect(page.get_by_role("status")).to_contain_text("“Summer” is saved.")
    with office.app.app_context():
        weekly = session().query(Schedule).filter_by(name="Summer").one().weekly
        assert weekly == [[[540, 1020], [1080, 1200]]] * 2 + [[]] + [[[540, 1020], [1080, 1200]]] * 2 + [[], []]


def test_event_types_are_dragged_into_order(at_desk: Open, office: Office) -> None:
    with office.app.app_context():
        for title in ("Second", "Third"):
            catalog.create_event_type(office.event().page, {"title": title, "durations": [30]})
    desk = at_desk()
    page = desk.open("/event-types")
    grip = page.locator("[data-drag]").nth(2)
    target = page.locator("[data-id]").first
    grip.hover()
    page.mouse.down()
    box = target.bounding_box()
    assert box is not None
    with page.expect_response(re.compile("/event-types/order")):
        page.mouse.move(box["x"] + 20, box["y"] + box["height"] / 2 + 4, steps=4)
        page.mouse.move(box["x"] + 20, box["y"] + 4, steps=4)
        page.mouse.up()
    desk.open("/event-types")
    expect(page.locator(".bk-event h2")).to_have_text(["Third", "Intro", "Second"])


def test_previews_follow_what_is_typed(at_desk: Open) -> None:
    desk = at_desk()
    page = desk.open("/event-types/new")
    page.get_by_label("Description").press_sequentially("Bring **plans**")
    expect(page.locator("[data-live-field=description] strong")).to_have_text("plans")

    page = desk.open("/blocked/new")
    page.get_by_label("Repeats", exact=True).select_option("daily")
    expect(page.locator("[data-live] li")).to_have_count(5)

    page = desk.open("/page")
    page.get_by_label("Colour").last.fill("#ffee88")
    expect(page.locator("[data-live-only=accent]")).to_contain_text("Too pale to be read as it is")


def test_a_mail_is_seen_as_it_will_be_read(at_desk: Open) -> None:
    page = at_desk().open("/messages/new")
    page.get_by_label("Text", exact=True).fill("Bring your papers, ")
    page.get_by_text("What you can fill in").click()
    page.get_by_role("button", name="{guest_first_name}").click()
    page.get_by_role("button", name="Show what is typed").click()
    expect(page.frame_locator("iframe").get_by_text("Bring your papers, Sam")).to_be_visible()


def test_leaving_with_changes_asks_first_and_saving_does_not(at_desk: Open, office: Office) -> None:
    page = at_desk().open(f"/event-types/{office.events['ann']}")
    asked: list[str] = []

    def stay(dialog: object) -> None:
        asked.append(dialog.type)  # type: ignore[attr-defined]
        dialog.dismiss()  # type: ignore[attr-defined]

    page.on("dialog", stay)
    page.get_by_label("Name needed").fill("Intro more")
    page.get_by_role("link", name="Dashboard").click(no_wait_after=True)
    expect(page.get_by_label("Name needed")).to_have_value("Intro more")
    assert asked == ["beforeunload"]
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_role("status")).to_contain_text("“Intro more” is saved.")
    assert asked == ["beforeunload"]


def test_what_was_done_is_undone_by_one_click(at_desk: Open, office: Office) -> None:
    page = at_desk("phone").open("/event-types")
    page.get_by_role("button", name="Switch off Intro").click()
    expect(page.get_by_text("Off", exact=True)).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_contain_text("Taken back.")
    with office.app.app_context():
        assert office.event().active


def test_a_link_is_copied(at_desk: Open, office: Office, live_server: LiveServer) -> None:
    page = at_desk(permissions=["clipboard-read", "clipboard-write"]).open("/event-types")
    page.get_by_role("button", name="Copy link Intro").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"{live_server.url}/book/ann/intro"


def test_a_meeting_is_booked_and_moved_by_keyboard_alone(at_desk: Open, office: Office) -> None:
    desk = at_desk()
    page = desk.open(f"/book?event={office.events['ann']}")
    page.locator("a.bk-time").first.focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name needed").fill("Nadia Petrova")
    page.get_by_label("E-mail needed").fill("nadia@example.com")
    page.get_by_label("E-mail needed").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Booked. Nadia Petrova gets a mail")
    page.get_by_role("link", name="Move …").focus()
    page.keyboard.press("Enter")
    page.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="Move the meeting").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Moved.")


@pytest.mark.parametrize(("there", "offered"), [("Asia/Tokyo", True), ("Europe/Copenhagen", False)])
def test_a_new_host_is_offered_hours_in_the_zone_of_the_device(
    at_desk: Open, office: Office, there: str, offered: bool
) -> None:
    office.do(lambda: catalog.move_to_zone(office.host(), "Europe/Berlin"))
    page = at_desk(time_zone=there).open("/")
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    offer = page.get_by_role("button", name="Have my hours there")
    if not offered:
        expect(offer).to_be_hidden()
        return
    expect(page.locator("[data-zone-offer]")).to_contain_text("Asia/Tokyo")
    offer.click()
    expect(page.get_by_role("status")).to_contain_text("Your hours are in Asia/Tokyo now.")
    expect(offer).to_be_hidden()


def test_an_administrator_switches_to_a_colleague(at_desk: Open) -> None:
    page = at_desk(user="cleo").open("/event-types")
    page.get_by_label("Looking after").select_option("Ben Vogel")
    expect(page.get_by_text("You are looking after Ben Vogel's bookings.")).to_be_visible()
    page.get_by_role("link", name="Messages").click()
    expect(page.get_by_text("You are looking after Ben Vogel's bookings.")).to_be_visible()


def test_the_form_shows_what_fits_a_kind_of_place(at_desk: Open, office: Office) -> None:
    office.do(lambda: can_make(office.host(), "google_meet", "zoom"))
    page = at_desk().open("/event-types/new")
    page.get_by_role("button", name="Add a place").click()
    place = page.locator("[data-row]").first
    warning = place.get_by_text("Zoom ends a meeting after 40 minutes")
    made = place.get_by_text("Each meeting gets a link of its own")
    expect(place.get_by_label("Number, address or text")).to_be_visible()
    expect(made).to_be_hidden()
    place.get_by_label("Kind of place").select_option("zoom")
    expect(made).to_be_visible()
    expect(place.get_by_label("Number, address or text")).to_be_hidden()
    expect(warning).to_be_hidden()
    page.get_by_label("Others to choose from").fill("15 min, 1:30")
    expect(warning).to_be_visible()
    place.get_by_label("Kind of place").select_option("google_meet")
    expect(warning).to_be_hidden()
    expect(made).to_be_visible()
