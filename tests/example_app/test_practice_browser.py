"""The practice calendar's page in a real browser: for everybody, on every screen, and without scripts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from example_app.demo import QuietHandler
from tests.example_app.conftest import Practice
from tests.example_app.test_practice import PAGE, offered
from tests.fixtures.browser import NewPage

pytestmark = pytest.mark.browser


@pytest.fixture
def address(practice: Practice) -> Iterator[str]:
    """The demo with its practice calendar, served to browsers."""
    practice.app.config["WTF_CSRF_ENABLED"] = True
    server = make_server("127.0.0.1", 0, practice.app, threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def log_in(page: Page, address: str) -> None:
    page.goto(f"{address}/login")
    page.get_by_role("button", name="Ann Meyer").click()


def test_the_page_is_accessible_and_fits_each_screen(
    each_screen: Page, address: str, axe: Callable[[Page], list[str]]
) -> None:
    log_in(each_screen, address)
    expect(each_screen.get_by_role("link", name="Practice calendar")).to_be_visible()
    assert axe(each_screen) == []
    each_screen.get_by_role("link", name="Practice calendar").click()
    for number in range(each_screen.locator(".change").count()):
        each_screen.locator(".change summary").nth(number).click()
    each_screen.locator(".adder summary").click()
    each_screen.get_by_role("button", name="Add to the calendar").click()
    expect(each_screen.get_by_text("Enter a few words.")).to_be_visible()
    each_screen.locator(".change summary").first.click()
    assert axe(each_screen) == []
    width = each_screen.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width[0] <= width[1]


def test_without_scripts_a_newcomer_sees_an_entry_close_a_time_follows_it_and_opens_the_time_again(
    new_page: NewPage, address: str, practice: Practice
) -> None:
    start = offered(practice)[-1]
    page = new_page("phone", java_script=False)
    log_in(page, address)
    page.get_by_role("link", name="Practice calendar").click()
    page.get_by_text("Add an entry", exact=True).click()
    page.get_by_label("What", exact=True).fill("Call the bank")
    page.get_by_label("Day", exact=True).fill(f"{start:%Y-%m-%d}")
    page.get_by_label("From").fill(f"{start:%H:%M}")
    page.get_by_label("Until").fill(f"{start.replace(minute=59):%H:%M}")
    page.get_by_role("button", name="Add to the calendar").click()
    entry = page.locator(".entry", has_text="Call the bank")
    expect(entry).to_contain_text("Busy")
    page.get_by_role("button", name="Read now").click()
    expect(page.get_by_text("Booking has read the calendar.")).to_be_visible()
    assert start not in offered(practice)
    page.locator(".agenda-day", has=entry).get_by_role("link", name="Times offered").click()
    expect(page.get_by_text("Call the bank").first).to_be_visible()

    page.go_back()
    entry.locator("summary").click()
    entry.get_by_label("At").fill("06:00")
    entry.get_by_role("button", name="Move").click()
    expect(entry).to_contain_text("06:00–06:59" if start.minute == 0 else "06:00–06:29")
    page.get_by_role("button", name="Read now").click()
    assert start in offered(practice)
    entry.locator("summary").click()
    entry.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Gone from the calendar.")).to_be_visible()
    expect(entry).to_have_count(0)
    assert PAGE in page.url
