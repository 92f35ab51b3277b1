"""What scripts add to the guest's way: no page loaded again, a time given back, one booking of two presses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from flask import request, request_finished
from playwright.sync_api import BrowserContext, Page, expect

from flask_booking.models import OccupiedTime
from flask_booking.state import session
from tests.browser.conftest import Open
from tests.browser.steps import choose, fill, times
from tests.fixtures.browser import NewPage

pytestmark = pytest.mark.browser


def test_months_and_days_change_without_loading_the_page_again(opened: Open, desktop: Page) -> None:
    opened.at(desktop, query="&tz=Europe/Paris")
    desktop.evaluate("window.mark = 1")
    month, day = desktop.locator("#month").inner_text(), desktop.locator("#day-title").inner_text()
    desktop.locator("[data-keep=next]").click()
    expect(desktop.locator("#month")).not_to_have_text(month)
    desktop.locator("td a").last.click()
    expect(desktop.locator("#day-title")).to_be_focused()
    desktop.go_back()
    desktop.go_back()
    expect(desktop.locator("#month")).to_have_text(month)
    expect(desktop.locator("#day-title")).to_have_text(day)
    assert desktop.evaluate("window.mark") == 1
    assert "Intro" in desktop.title()


def test_offline_says_so(opened: Open, desktop: Page) -> None:
    opened.at(desktop, query="&tz=Europe/Paris")
    month = desktop.locator("#month").inner_text()
    desktop.context.set_offline(True)
    desktop.locator("[data-keep=next]").click()
    expect(desktop.get_by_role("status")).to_have_text("You seem to be offline. Please try again.")
    expect(desktop.locator("#month")).to_have_text(month)
    desktop.context.set_offline(False)
    desktop.locator("[data-keep=next]").click()
    expect(desktop.locator("#month")).not_to_have_text(month)


def test_back_from_the_form_finds_ones_own_time_still_there(opened: Open, desktop: Page) -> None:
    opened.at(desktop, query="&tz=Europe/Paris")
    chosen = times(desktop)[0]
    choose(desktop)
    desktop.go_back()
    expect(desktop.locator(".times button").first).to_have_text(chosen)
    desktop.reload()
    expect(desktop.locator(".times button").first).to_have_text(chosen)
    choose(desktop)
    desktop.get_by_role("link", name="Choose another time").click()
    expect(desktop.locator(".times button").first).to_have_text(chosen)


@contextmanager
def answered(opened: Open, endpoint: str) -> Iterator[None]:
    """A script asks this of the server in the block, or right after it."""
    done = threading.Event()

    def note(_app: object, **_about: object) -> None:
        if request.endpoint == f"booking_public.{endpoint}":
            done.set()

    with request_finished.connected_to(note, opened.server.app):
        yield
        assert done.wait(15)


def given_back(opened: Open) -> AbstractContextManager[None]:
    """A form gives its time back."""
    return answered(opened, "release")


def kept_again(opened: Open) -> AbstractContextManager[None]:
    """A form that is shown again asks for its time."""
    return answered(opened, "hold")


def test_closing_the_form_gives_the_time_back(opened: Open, desktop: Page) -> None:
    opened.at(desktop, query="&tz=Europe/Paris")
    choose(desktop)
    session().rollback()
    assert session().query(OccupiedTime).count() == 1
    with given_back(opened):
        desktop.goto(opened.url)
    session().rollback()
    assert session().query(OccupiedTime).count() == 0


def keeps(page: Page) -> bool:
    """Whether the form keeps its time, as it says."""
    expect(page.locator(".kept")).to_have_count(1)
    session().rollback()
    return session().query(OccupiedTime).count() == 1


def test_a_form_that_is_shown_again_keeps_its_time_as_it_says(opened: Open, desktop: Page) -> None:
    opened.at(desktop, query="&tz=Europe/Paris")
    choose(desktop)
    with kept_again(opened):
        desktop.reload()
    assert keeps(desktop)
    with kept_again(opened):
        desktop.goto(opened.url)
        desktop.go_back()
    assert keeps(desktop)


def test_a_form_in_another_language_keeps_its_time_and_what_was_typed(opened: Open, desktop: Page) -> None:
    opened.server.app.config["BOOKING_PROOF_OF_WORK"] = True
    opened.at(desktop, query="&tz=Europe/Paris")
    choose(desktop)
    desktop.get_by_label("Name").fill("Sam Hill")
    desktop.get_by_role("button", name="Deutsch").click()
    expect(desktop.locator("html")).to_have_attribute("lang", "de")
    desktop.wait_for_load_state("networkidle")
    assert keeps(desktop)
    expect(desktop.get_by_label("Name")).to_have_value("Sam Hill")
    desktop.get_by_label("E-Mail").fill("sam@example.com")
    desktop.get_by_role("button", name="Termin buchen").click()
    expect(desktop.get_by_role("heading", name="Ihr Termin ist gebucht")).to_be_visible()
    assert opened.bookings()[0].guest_locale == "de"


def test_a_form_that_is_shown_again_promises_nothing_that_was_taken(opened: Open, desktop: Page) -> None:
    opened.at(desktop, query="&tz=Europe/Paris")
    choose(desktop)
    start = desktop.locator("input[name=start]").input_value()
    with given_back(opened):
        desktop.goto("about:blank")
    opened.take(opened.ann.event, start)
    desktop.go_back()
    expect(desktop.locator(".kept")).to_have_count(0)


def test_the_focus_is_never_lost_on_the_way_through_the_calendar(opened: Open, desktop: Page) -> None:
    opened.at(desktop, query="&tz=Europe/Paris")
    desktop.evaluate("window.mark = document.getElementById('main')")
    desktop.keyboard.press("Tab")
    desktop.keyboard.press("Enter")
    assert desktop.evaluate("window.mark === document.getElementById('main')"), "nothing is loaded for a skip link"
    assert desktop.evaluate("document.activeElement.id") == "main"
    month = desktop.locator("#month").inner_text()
    desktop.locator("[data-keep=next]").click()
    expect(desktop.locator("#month")).not_to_have_text(month)
    expect(desktop.locator("[data-keep=next]")).to_be_focused()
    desktop.go_back()
    expect(desktop.locator("#month")).to_have_text(month)
    expect(desktop.locator("#day-title")).to_be_focused()


def test_a_browser_that_can_not_do_the_work_says_so_once(opened: Open, phone: Page) -> None:
    opened.server.app.config["BOOKING_PROOF_OF_WORK"] = True
    opened.at(phone, query="&tz=Europe/Paris")
    choose(phone)
    phone.route("**/work.*.js", lambda route: route.abort())
    fill(phone)
    phone.get_by_role("button", name="Book this meeting").click()
    expect(phone.get_by_text("Your browser's check didn't go through.")).to_be_visible()
    assert opened.bookings() == []


def test_the_browser_does_the_work_when_it_is_asked(opened: Open, phone: Page) -> None:
    opened.server.app.config["BOOKING_PROOF_OF_WORK"] = True
    opened.at(phone, query="&tz=Europe/Paris")
    choose(phone)
    fill(phone)
    phone.get_by_role("button", name="Book this meeting").click()
    expect(phone.get_by_role("heading", name="You are booked")).to_be_visible()
    assert len(opened.bookings()) == 1


def test_two_presses_book_once(opened: Open, desktop: Page) -> None:
    opened.at(desktop, query="&tz=Europe/Paris")
    choose(desktop)
    fill(desktop)
    desktop.get_by_role("button", name="Book this meeting").dblclick()
    expect(desktop.get_by_role("heading", name="You are booked")).to_be_visible()
    assert len(opened.bookings()) == 1


def test_the_link_is_copied(opened: Open, desktop: Page) -> None:
    opened.at(desktop, query="&tz=Europe/Paris")
    choose(desktop)
    fill(desktop)
    desktop.get_by_role("button", name="Book this meeting").click()
    context: BrowserContext = desktop.context
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    desktop.get_by_role("button", name="Copy link").click()
    expect(desktop.get_by_role("status")).to_have_text("Copied")
    copied = desktop.evaluate("navigator.clipboard.readText()")
    assert copied == f"{opened.server.url}/book/manage/{opened.bookings()[0].manage_token}"


@pytest.mark.parametrize("scripts", [True, False], ids=["", "no scripts"])
def test_who_wants_to_be_called_is_asked_for_a_number(opened: Open, new_page: NewPage, *, scripts: bool) -> None:
    opened.ann.event.locations = [
        {"id": "web", "kind": "link", "text": "Video call", "url": "https://meet.example.com/a"},
        {"id": "call", "kind": "phone_guest", "text": "", "url": ""},
    ]
    session().commit()
    page = new_page("phone", java_script=scripts)
    opened.at(page, query="&tz=Europe/Paris")
    choose(page)
    fill(page)
    page.get_by_label("Video call").check()
    expect(page.get_by_role("textbox", name="Phone number optional")).to_be_visible()
    page.get_by_label("we call you").check()
    expect(page.get_by_role("textbox", name="Phone number", exact=True)).to_be_visible()
    page.get_by_role("button", name="Book this meeting").click()
    if scripts:
        assert page.evaluate("document.querySelector('[name=phone]').validity.valueMissing")
    else:
        expect(page.get_by_text("Please enter your phone number: you will be called.").first).to_be_visible()
    page.get_by_label("Video call").check()
    page.get_by_role("button", name="Book this meeting").click()
    expect(page.get_by_role("heading", name="You are booked")).to_be_visible()


def test_the_event_types_own_address_is_reached(opened: Open, desktop: Page) -> None:
    """Browsers hold a form's redirect against the page's form-action."""
    elsewhere = opened.server.url.replace("127.0.0.1", "localhost") + "/book/ann?thanks=1"
    opened.ann.event.redirect_url = elsewhere
    session().commit()
    opened.at(desktop, query="&tz=Europe/Paris")
    choose(desktop)
    fill(desktop)
    desktop.get_by_role("button", name="Book this meeting").click()
    expect(desktop).to_have_url(elsewhere)


def test_no_page_sets_a_cookie_or_stores_anything(opened: Open, desktop: Page) -> None:
    opened.at(desktop)
    choose(desktop)
    fill(desktop)
    desktop.get_by_role("button", name="Book this meeting").click()
    expect(desktop.get_by_role("heading", name="You are booked")).to_be_visible()
    assert desktop.context.cookies() == []
    assert desktop.evaluate("localStorage.length + sessionStorage.length") == 0
