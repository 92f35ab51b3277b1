"""The guest's way in a real browser: on a phone and a desktop, light and dark, by keyboard, without JavaScript."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from flask_booking import catalog
from flask_booking.models import BookingStatus, EventType
from flask_booking.state import session
from tests.browser.conftest import Open
from tests.browser.steps import fill, no_sideways_scrolling, times
from tests.fixtures.browser import NewPage

pytestmark = pytest.mark.browser

Violations = Callable[[Page], list[str]]


def last_day_of_next_month(page: Page) -> None:
    """Turn to it by what is pressed: a day that has all its times, whatever the hour is now."""
    page.wait_for_load_state()  # the script has run
    month = page.locator("#month").inner_text()
    page.locator("[data-keep=next]").click()
    expect(page.locator("#month")).not_to_have_text(month)
    page.get_by_role("link", name=re.compile(", [0-9]+ times? free")).last.click()
    expect(page.locator("#day-title")).to_be_focused()


def test_book_move_and_cancel(opened: Open, each_screen: Page, axe: Violations) -> None:
    """Every page on the way: axe finds nothing, nothing is cut off, the CSP is kept (by the fixture)."""
    page = each_screen

    def sound() -> None:
        assert axe(page) == []
        assert no_sideways_scrolling(page)

    page.goto(opened.url)
    sound()
    page.get_by_role("link", name="Consultation").click()
    expect(page).to_have_url(re.compile("tz=Europe"))
    expect(page.get_by_text("Times in Paris")).to_be_visible()
    last_day_of_next_month(page)
    sound()
    page.locator(".times button").first.click()
    expect(page.get_by_role("heading", name="Your details")).to_be_visible()
    expect(page.get_by_text("We keep this time for you until")).to_be_visible()
    sound()
    fill(page)
    page.get_by_label("Phone call: we call you").check()
    page.get_by_label("Phone number").fill("call me")
    page.get_by_label("Company").fill("Acme")
    page.get_by_label("I read the terms").check()
    page.get_by_role("button", name="Book this meeting").click()
    expect(page.locator(".summary")).to_be_focused()
    sound()
    page.get_by_role("link", name=re.compile("Phone number")).click()
    expect(page.get_by_label("Phone number")).to_be_focused()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("+1 555 010 0100")
    page.get_by_role("button", name="Book this meeting").click()
    expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    sound()
    (booking,) = opened.bookings()
    assert booking.status is BookingStatus.CONFIRMED
    assert booking.guest_time_zone == "Europe/Paris"
    before = booking.starts_at

    page.get_by_role("link", name="Choose another time").click()
    expect(page).to_have_url(re.compile("/reschedule"))
    sound()
    last_day_of_next_month(page)
    page.locator(".times button").nth(1).click()
    expect(page.get_by_role("heading", name="Move this meeting?")).to_be_visible()
    sound()
    page.get_by_role("button", name="Move meeting").click()
    expect(page.get_by_role("heading", name="Your meeting was moved")).to_be_visible()
    (booking,) = opened.bookings()
    assert booking.starts_at != before

    page.get_by_role("link", name="Cancel meeting").click()
    expect(page).to_have_url(re.compile("/cancel"))
    sound()
    page.get_by_role("button", name="Cancel meeting").click()
    expect(page.get_by_role("heading", name="This meeting is cancelled")).to_be_visible()
    sound()
    (booking,) = opened.bookings()
    assert booking.status is BookingStatus.CANCELLED


def test_every_other_state_is_sound(opened: Open, each_screen: Page, axe: Violations) -> None:
    catalog.create_event_type(
        opened.ann.page,
        {
            "title": "Later",
            "window_kind": "range",
            "window_first": "2020-01-01",
            "window_last": "2020-01-02",
            "durations": [30],
        },
    )
    closed = catalog.create_event_type(opened.ann.page, {"title": "Closed", "durations": [30]})
    catalog.set_event_type_active(closed, False)
    unreadable, over = "intro?tz=Mars/Base&date=x", "intro?month=2020-01&tz=UTC"
    for address in ("intro?zones=1", unreadable, over, "later?tz=UTC", "closed", "unknown"):
        each_screen.goto(f"{opened.url}/{address}")
        assert axe(each_screen) == [], address
        assert no_sideways_scrolling(each_screen), address


@pytest.mark.parametrize("screen", ["phone", "desktop"])
def test_without_javascript_the_way_is_the_same(opened: Open, new_page: NewPage, screen: str) -> None:
    page = new_page(screen, java_script=False)
    page.goto(f"{opened.url}/intro")
    expect(page.get_by_text("Times are shown in the host's time zone")).to_be_visible()
    page.get_by_role("link", name="change time zone").click()
    page.locator("select").select_option("Europe/Paris")
    page.get_by_role("button", name="Show times").click()
    expect(page.get_by_text("Times in Paris")).to_be_visible()
    page.locator("[data-keep=next]").click()
    page.get_by_role("link", name=re.compile(", [0-9]+ times free")).nth(1).click()
    chosen = times(page)[0]
    page.locator(".times button").first.click()
    expect(page.get_by_text(re.compile(f"{chosen} – "))).to_be_visible()
    fill(page)
    page.get_by_role("button", name="Book this meeting").click()
    expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    page.get_by_role("link", name="Choose another time").click()
    page.locator(".times button").last.click()
    page.get_by_role("button", name="Move meeting").click()
    expect(page.get_by_role("heading", name="Your meeting was moved")).to_be_visible()
    page.get_by_role("link", name="Cancel meeting").click()
    page.get_by_role("button", name="Cancel meeting").click()
    expect(page.get_by_role("heading", name="This meeting is cancelled")).to_be_visible()
    (booking,) = opened.bookings()
    assert booking.guest_time_zone == "Europe/Paris"
    assert booking.sequence == 2


def test_by_keyboard_alone(opened: Open, desktop: Page) -> None:
    page = desktop

    def tab_to(name: str, most: int = 80) -> None:
        for _press in range(most):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "(e => (e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText || '').trim())"
                "(document.activeElement)"
            )
            if re.search(name, focused):
                return
        raise AssertionError(f"{name} can't be reached by Tab")

    page.goto(opened.url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    tab_to("Intro")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("tz=Europe"))
    expect(page.get_by_text("Times in Paris")).to_be_visible()
    expect(page.locator("main")).not_to_have_attribute("aria-busy", "true")
    month, following = page.locator("#month").inner_text(), page.locator("[data-keep=next]").get_attribute("aria-label")
    page.evaluate("document.activeElement.blur()")
    tab_to(f"^{following}$")
    page.keyboard.press("Enter")
    expect(page.locator("#month")).not_to_have_text(month)
    expect(page.locator("[data-keep=next]")).to_be_focused()
    tab_to(", [0-9]+ times free")
    page.keyboard.press("Enter")
    expect(page.locator("#day-title")).to_be_focused()
    tab_to(r"^\w+ \d+ \w+, \d\d:\d\d")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your details")).to_be_visible()
    tab_to("^Name")
    page.keyboard.type("Sam Hill")
    tab_to("^E-mail")
    page.keyboard.type("sam@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    tab_to("^Choose another time")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Choose another time")).to_be_visible()
    tab_to(r"^\w+ \d+ \w+, \d\d:\d\d")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Move this meeting?")).to_be_visible()
    tab_to("^Move meeting")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your meeting was moved")).to_be_visible()
    tab_to("^Cancel meeting")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Cancel this meeting?")).to_be_visible()
    tab_to("^Cancel meeting")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="This meeting is cancelled")).to_be_visible()


def test_times_are_in_the_guests_zone_and_booked_in_the_hosts(opened: Open, new_page: NewPage) -> None:
    page = new_page("phone", time_zone="Asia/Kolkata")
    opened.at(page)
    expect(page.get_by_text("Times in Kolkata (UTC+5:30)")).to_be_visible()
    assert times(page)[0] in ("18:30", "19:30", "00:00")
    page.get_by_label(re.compile(", 20:00$")).click()
    fill(page)
    page.get_by_role("button", name="Book this meeting").click()
    expect(page.locator(".moment")).to_contain_text("20:00 – 20:30")
    (booking,) = opened.bookings()
    assert booking.guest_time_zone == "Asia/Kolkata"
    assert booking.starts_at.astimezone(dt.UTC).strftime("%H:%M") == "14:30"
    assert booking.starts_local.strftime("%H:%M") in ("09:30", "10:30"), "on Ann's clock, winter or summer"


def test_the_zone_is_searched_and_changed(opened: Open, desktop: Page, axe: Violations) -> None:
    opened.at(desktop)
    expect(desktop.get_by_text("Times in Paris")).to_be_visible()
    desktop.get_by_role("link", name="change time zone").click()
    search = desktop.get_by_role("searchbox")
    expect(search).to_be_focused()
    assert axe(desktop) == []
    search.press_sequentially("sao pau")
    expect(desktop.locator("select option")).to_have_count(1)
    search.press("Enter")
    expect(desktop.get_by_text(re.compile("Times in S[aã]o Paulo"))).to_be_visible()
    expect(desktop).to_have_url(re.compile("tz=America(/|%2F)Sao_Paulo"))
    assert f"date={opened.day()}" in desktop.url, "the day stays"


def test_across_clock_changes_on_both_sides(opened: Open, new_page: NewPage) -> None:
    """New York springs forward on 14 March 2027, Paris on 28 March: nine o'clock there is 15:00, 14:00, 15:00 here."""
    page = new_page("desktop")
    shown = []
    for day in (13, 20, 29):
        page.goto(f"{opened.url}/intro?date=2027-03-{day}&tz=Europe/Paris")
        shown.append(times(page)[0])
    assert shown == ["15:00", "14:00", "15:00"]
    page.goto(f"{opened.url}/intro?date=2027-03-20&tz=Europe/Paris")
    page.get_by_label("Saturday 20 March, 14:00").click()
    fill(page)
    page.get_by_role("button", name="Book this meeting").click()
    expect(page.locator(".moment")).to_contain_text("14:00 – 14:30")
    (booking,) = opened.bookings()
    assert booking.starts_at == dt.datetime(2027, 3, 20, 13, tzinfo=dt.UTC)
    page.get_by_role("link", name="Choose another time").click()
    page.goto(f"{page.url}?date=2027-03-29")
    page.locator(".times button").first.click()
    page.get_by_role("button", name="Move meeting").click()
    expect(page.locator(".moment")).to_contain_text("15:00 – 15:30")
    (booking,) = opened.bookings()
    assert booking.starts_at == dt.datetime(2027, 3, 29, 13, tzinfo=dt.UTC)


def test_taken_meanwhile_keeps_what_was_typed_and_offers_the_nearest(
    opened: Open, each_screen: Page, axe: Violations
) -> None:
    page = each_screen
    opened.at(page, "consultation", query="&tz=Europe/Paris")
    page.locator(".times button").nth(2).click()
    fill(page)
    page.get_by_label("Phone call: we call you").check()
    page.get_by_label("Phone number").fill("+1 555 010 0100")
    page.get_by_label("Company").fill("Acme")
    page.get_by_label("Tax").check()
    page.get_by_label("I read the terms").check()
    page.get_by_label("Anything that helps").fill("Two\nlines")
    start = page.locator("[name=start]").input_value()
    opened.take(session().query(EventType).filter_by(slug="consultation").one(), start)
    page.get_by_role("button", name="Book this meeting").click()
    near = page.get_by_role("group", name="Choose another time")
    expect(near).to_contain_text("is taken now. These are the nearest free ones.")
    expect(near).to_be_focused()
    assert axe(page) == []
    assert no_sideways_scrolling(page)
    expect(page.get_by_label("Name")).to_have_value("Sam Hill")
    expect(page.get_by_label("Phone number")).to_have_value("+1 555 010 0100")
    expect(page.get_by_label("Company")).to_have_value("Acme")
    expect(page.get_by_label("Phone call: we call you")).to_be_checked()
    expect(page.get_by_label("Tax")).to_be_checked()
    expect(page.get_by_label("I read the terms")).to_be_checked()
    expect(page.get_by_label("Anything that helps")).to_have_value("Two\nlines")
    near.get_by_role("radio").first.check()
    page.get_by_role("button", name="Book this meeting").click()
    expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    assert [booking.guest_name for booking in opened.bookings()] == ["Someone else", "Sam Hill"]


def test_taken_before_the_form_offers_the_nearest(opened: Open, desktop: Page, axe: Violations) -> None:
    opened.at(desktop, query="&tz=Europe/Paris")
    button = desktop.locator(".times button").nth(2)
    start = button.get_attribute("value")
    assert start
    opened.take(opened.ann.event, start)
    button.click()
    expect(desktop.get_by_text("That time was just taken. These are the nearest free ones.")).to_be_visible()
    assert axe(desktop) == []
    desktop.locator(".near button").first.click()
    expect(desktop.get_by_role("heading", name="Your details")).to_be_visible()
