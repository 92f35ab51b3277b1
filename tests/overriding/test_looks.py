"""Colours, logo and stylesheets that a CRM gives all its public pages."""

from __future__ import annotations

from typing import Any

import pytest

from flask_booking import catalog
from flask_booking.colour import READABLE, contrast, shades
from flask_booking.errors import BookingConfigError
from flask_booking.messages.gather import view_of
from flask_booking.messages.view import Reader
from flask_booking.models import Booking
from flask_booking.state import session
from tests.fixtures.apps import MakeApp
from tests.fixtures.people import make_bookable
from tests.public.guest import book

HOUSE = {"BOOKING_ACCENT": "#ffe600", "BOOKING_LOGO_URL": "https://acme.example/logo.png", "BOOKING_APPEARANCE": "dark"}


def test_pages_and_mails_without_looks_of_their_own_have_those_of_the_house(
    make_app: MakeApp, database_url: str
) -> None:
    app = make_app(database_url, **HOUSE)
    client = app.test_client()
    with app.app_context():
        ann = make_bookable(app)
        page = client.get("/book/ann").text
        assert "/~theme/ffe600.css" in page
        assert 'src="https://acme.example/logo.png"' in page
        assert 'data-appearance="dark"' in page
        book(client, "/book/ann/intro")
        view = view_of(session().query(Booking).one(), Reader.GUEST)
        assert (view.accent, view.logo_url) == ("#ffe600", "https://acme.example/logo.png")
        assert contrast(view.light.accent, "#ffffff") >= READABLE
        assert view.light == shades("#ffe600")
        catalog.update_page(
            ann.page, {"accent": "#0a7d32", "logo_url": "https://a.example/a.png", "appearance": "light"}
        )
        page = client.get("/book/ann").text
        assert (
            "/~theme/0a7d32.css" in page,
            'src="https://a.example/a.png"' in page,
            'data-appearance="light"' in page,
        ) == (True,) * 3


def test_the_logo_may_be_a_file_in_the_static_folder_beneath_any_prefix(make_app: MakeApp, database_url: str) -> None:
    app = make_app(database_url, BOOKING_LOGO_URL="our logo.svg", BOOKING_PUBLIC_URL="https://crm.example/crm")
    client = app.test_client()
    with app.app_context():
        make_bookable(app)
        page = client.get("/book/ann", environ_overrides={"SCRIPT_NAME": "/crm"}).text
        assert 'src="/crm/static/our%20logo.svg"' in page
        book(client, "/book/ann/intro")
        view = view_of(session().query(Booking).one(), Reader.GUEST)
        assert view.logo_url == "https://crm.example/crm/static/our%20logo.svg"


def test_own_stylesheets_come_last_and_need_no_looser_policy(make_app: MakeApp, database_url: str) -> None:
    policy = "default-src 'none'; script-src 'self'; style-src 'self' https://cdn.example"
    sheets = ["acme.css", "/looks/more.css", "https://cdn.example/all.css"]
    app = make_app(database_url, BOOKING_CSP=policy, BOOKING_STYLESHEETS=sheets)
    with app.app_context():
        make_bookable(app)
    page = app.test_client().get("/book/ann")
    places = [
        page.text.index(one) for one in ("/~theme/", "/static/acme.css", "/looks/more.css", "//cdn.example/all.css")
    ]
    assert places == sorted(places)
    assert page.headers["Content-Security-Policy"] == policy


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"BOOKING_ACCENT": "purple"}, "a colour is written like #2456d6"),
        ({"BOOKING_ACENT": "#0a7d32"}, "Unknown configuration: BOOKING_ACENT; did you mean BOOKING_ACCENT?"),
        ({"BOOKING_APPEARANCE": "black"}, "it is auto, light or dark"),
        ({"BOOKING_STYLESHEETS": "acme.css"}, r"'acme.css' is no list, such as \['acme.css'\]"),
        ({"BOOKING_STYLESHEETS": ["//evil.example/x.css"]}, "is neither a file in the static folder"),
        ({"BOOKING_STYLESHEETS": ["https://cdn.example/x.css"]}, "add https://cdn.example to its style-src"),
    ],
)
def test_looks_that_no_browser_would_show_are_refused(
    make_app: MakeApp, database_url: str, config: dict[str, Any], told: str
) -> None:
    with pytest.raises(BookingConfigError, match=told):
        make_app(database_url, **config)
