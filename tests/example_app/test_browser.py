"""The CRM in a real browser: readable for everybody, on every screen, and no more than its policy allows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from example_app.demo import QuietHandler
from example_app.extensions import db
from example_app.models import Mail
from tests.example_app.test_mailbox import letter
from tests.fixtures.browser import NewPage

PAGES = (
    "/",
    "/contacts/",
    "/contacts/3",
    "/contacts/new",
    "/contacts/?q=nobody",
    "/activities/",
    "/users/",
    "/mailbox/",
    "/mailbox/1",
    "/nowhere",
)

pytestmark = pytest.mark.browser


@pytest.fixture
def address(booked: Flask) -> Iterator[str]:
    """The demo, served to browsers."""
    booked.config["DEMO"] = True
    with booked.app_context():
        db.session.add(Mail.of(letter()))
        db.session.commit()
    server = make_server("127.0.0.1", 0, booked, threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_page_is_accessible_and_fits_each_screen(
    each_screen: Page, address: str, axe: Callable[[Page], list[str]]
) -> None:
    each_screen.goto(f"{address}/login")
    assert axe(each_screen) == []
    each_screen.get_by_role("button", name="Cleo Rao").click()
    expect(each_screen.get_by_role("heading", name="Hello Cleo")).to_be_visible()
    for path in PAGES:
        each_screen.goto(address + path)
        assert axe(each_screen) == [], path
        width = each_screen.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width[0] <= width[1], path


def test_a_contact_is_found_added_and_archived_by_keyboard_alone(new_page: NewPage, address: str) -> None:
    page = new_page("desktop", java_script=False)
    page.goto(f"{address}/login")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type("ann@example.com")
    page.keyboard.press("Tab")
    page.keyboard.type("demo")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{address}/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.get_by_role("link", name="New contact").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("Gus Guest")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Gus Guest")).to_be_visible()
    page.get_by_role("button", name="Archive").press("Enter")
    page.get_by_role("button", name="Bring back").press("Enter")
    expect(page.get_by_text("is back among your contacts")).to_be_visible()


def test_a_mail_is_read_in_a_frame_where_no_script_runs(desktop: Page, address: str) -> None:
    desktop.goto(f"{address}/mailbox/1")
    frame = desktop.frame_locator("iframe")
    expect(frame.get_by_text("See you then.")).to_be_visible()
    expect(frame.get_by_text("evil()")).to_have_count(0)


def test_the_account_menu_closes_by_escape(phone: Page, address: str) -> None:
    phone.goto(f"{address}/login")
    phone.get_by_role("button", name="Ben Vogel").click()
    phone.wait_for_url(f"{address}/")  # and for its script
    phone.locator(".account summary").click()
    expect(phone.get_by_role("button", name="Log out")).to_be_visible()
    phone.keyboard.press("Escape")
    expect(phone.get_by_role("button", name="Log out")).to_be_hidden()
