"""What a guest does in the browser, in short."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def times(page: Page) -> list[str]:
    """The texts of the times shown, all of them: the page has arrived."""
    page.wait_for_load_state()
    expect(page.locator("form .times button").first).to_be_visible()
    return page.locator("form .times button").all_inner_texts()


def choose(page: Page) -> None:
    """Choose the first time shown: the form is open, and its script has run."""
    page.locator(".times button").first.click()
    expect(page.get_by_role("heading", name="Your details")).to_be_visible()
    page.wait_for_load_state()


def fill(page: Page) -> None:
    """Fill in who one is."""
    page.get_by_label("Name").fill("Sam Hill")
    page.get_by_label("E-mail").fill("sam@example.com")


def no_sideways_scrolling(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))
