"""Words that are longer than a phone is wide, such as pasted links: they break, and nothing is pushed off the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from flask_booking import catalog
from tests.browser.conftest import Open
from tests.browser.steps import choose, fill, no_sideways_scrolling

pytestmark = pytest.mark.browser

LINK = "https://docs.example.com/document/".ljust(120, "x")


def test_a_long_link_in_the_hosts_words_leaves_every_page_as_wide_as_a_phone(opened: Open, phone: Page) -> None:
    catalog.update_page(opened.ann.page, {"welcome": f"See {LINK}"})
    words = {"description": LINK, "policy": LINK, "confirmation_message": LINK}
    place = {"kind": "in_person", "text": LINK}
    catalog.update_event_type(opened.ann.event, {"title": LINK, "locations": [place], **words})
    phone.goto(opened.url)
    assert no_sideways_scrolling(phone)
    opened.at(phone)
    assert no_sideways_scrolling(phone)
    choose(phone)
    assert no_sideways_scrolling(phone)
    fill(phone)
    phone.get_by_role("button", name="Book this meeting").click()
    expect(phone.get_by_role("heading", name="You are booked")).to_be_visible()
    assert no_sideways_scrolling(phone)
    cancel = phone.get_by_role("link", name="Cancel meeting")
    box = cancel.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 390
    cancel.click()
    expect(phone.get_by_role("button", name="Cancel meeting")).to_be_visible()
    assert no_sideways_scrolling(phone)
