"""A button that is pressed twice does its work once."""

from __future__ import annotations

import pytest
from playwright.sync_api import Request, expect

from tests.fixtures.browser import NewPage
from tests.fixtures.servers import LiveServer

from .conftest import Office
from .test_browser import Desk
from .test_browser import office as office  # the fixture: an office behind a socket

pytestmark = pytest.mark.browser

PRESS_TWICE = """async () => {
    const save = document.querySelector(".bk-savebar button");
    save.click();
    await new Promise((resolve) => setTimeout(resolve));
    save.click();
}"""


def test_a_form_is_sent_once_however_often_its_button_is_pressed(
    live_server: LiveServer, office: Office, new_page: NewPage
) -> None:
    page = Desk(live_server, office, new_page()).open(f"/event-types/{office.events['ann']}")
    page.locator("[name=title]").fill("A first talk")
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    page.evaluate(PRESS_TWICE)
    expect(page.get_by_text("“A first talk” is saved.")).to_be_visible()
    assert len(sent) == 1
