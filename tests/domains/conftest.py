"""A CRM whose pages have names of their own: Ann's page at a customer's domain, Ben's on his subdomain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from flask_booking import catalog
from flask_booking.models import BookingPage
from tests.fixtures.people import make_bookable, make_host

CRM = "https://crm.example"
NAMES: dict[str, Any] = {
    "BOOKING_PUBLIC_URL": CRM,
    "BOOKING_SUBDOMAINS": "meet.crm.example",
    "BOOKING_DOMAIN_TARGET": "pages.crm.example",
    "BOOKING_DOMAIN_CHECK": lambda claim: "",
}
OWN = "https://book.customer.com"


def claim(page: BookingPage, name: str) -> None:
    """Give a page a verified domain."""
    assert catalog.check_domain(catalog.claim_domain(page, name))


@pytest.fixture
def make_named(make_app: Callable[..., Flask], database_url: str) -> Callable[..., Flask]:
    """``make_named(**config)`` is the CRM with Ann (``intro``; book.customer.com) and Ben."""

    def make(**config: Any) -> Flask:
        app = make_app(database_url, **NAMES | config)
        with app.app_context():
            claim(make_bookable(app).page, "book.customer.com")
            make_host("Ben Vogel")
        return app

    return make


@pytest.fixture
def named(make_named: Callable[..., Flask]) -> Flask:
    """That CRM."""
    return make_named()


@pytest.fixture
def get(named: Flask) -> Callable[..., TestResponse]:
    """``get(path, host)`` asks without cookies; ``host`` is the Host header."""
    return lambda path, host="book.customer.com", **more: named.test_client().get(path, headers={"Host": host}, **more)
