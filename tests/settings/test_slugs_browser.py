"""The address that a form shows while a name is typed is the one that saving makes."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.catalog.test_slugs import NAMES
from tests.fixtures.browser import NewPage
from tests.fixtures.servers import LiveServer

from .conftest import Office
from .test_browser import Desk
from .test_browser import office as office  # the fixture: an office behind a socket

pytestmark = pytest.mark.browser


def test_the_address_shown_while_typing_is_the_one_that_saving_makes(
    live_server: LiveServer, office: Office, new_page: NewPage
) -> None:
    page = Desk(live_server, office, new_page()).open("/event-types/new")
    for name, slug in NAMES.items():
        page.locator("[data-slug-from]").fill(name)
        expect(page.locator("[data-slug]")).to_have_attribute("placeholder", slug)
