"""CRMs whose web side has habits: booking goes its whole way in each, and their own pages stay what they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from example_app.extensions import db
from tests.hosts import web
from tests.hosts.way import Answer, Ask, ok, snapshot, walk
from tests.public.guest import text_of

ASKS: list[Ask] = [
    ("GET", "/desk"),
    ("GET", "/save"),
    ("POST", "/save"),
    ("POST", "/save", {"data": {"nonce": "n0nce"}}),
    ("POST", "/desk"),
    ("GET", "/data.json"),
    ("GET", "/boom"),
    ("GET", "/nowhere/at/all"),
    ("GET", "/login/1"),
    *(
        ("GET", path)
        for path in ("/settings", "/settings/me/", "/calendar/x", "/api/a/b/all", "/booking/a", "/somebody")
    ),
]
Make = Callable[..., Flask]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """``make(dress, crm, KEY=value)`` is a CRM with a database of its own; without booking where ``crm`` is None."""
    made: list[Flask] = []

    def new(dress: web.Dress, crm: web.SessionCRM | None = None, **config: Any) -> Flask:
        made.append(web.make_host(f"sqlite:///{tmp_path}/{len(made)}.sqlite", dress, crm=crm, **config))
        return made[-1]

    yield new
    for app in made:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def own_pages(app: Flask) -> list[dict[str, Answer]]:
    """What the CRM answers to a stranger, and to Ann."""
    return [snapshot(app, ASKS), snapshot(app, ASKS, web.logged_in)]


def broken(app: Flask) -> list[str]:
    """What the doctor finds broken."""
    said = app.test_cli_runner().invoke(args=["booking", "doctor", "--offline"]).output
    assert "ok    tables" in said
    return [line for line in said.splitlines() if line.startswith("fail")]


@pytest.mark.parametrize(
    ("dress", "crm", "config"),
    [
        (web.fortress, web.SessionCRM, web.FORTRESS),
        (web.handmade, web.CookieCRM, {"BOOKING_BASE_TEMPLATE": None}),
        (web.crowded, web.SessionCRM, {"BOOKING_BASE_TEMPLATE": None, "BOOKING_URL_PREFIX": "/meet/"}),
        (web.themed, web.SessionCRM, {}),
    ],
    ids=["fortress", "handmade", "crowded", "themed"],
)
def test_booking_goes_its_way_and_the_crm_its_own(
    make: Make, dress: web.Dress, crm: type[web.SessionCRM], config: dict[str, Any]
) -> None:
    before = own_pages(make(dress))
    app = make(dress, crm(), **config)
    assert own_pages(app) == before
    walk(app, web.logged_in(app))
    assert own_pages(app) == before
    assert broken(app) == []


def test_headers_of_the_crm_stay_on_our_pages_and_its_limits_are_not_used_up(make: Make) -> None:
    app = make(web.fortress, web.SessionCRM(), **web.FORTRESS)
    guest = app.test_client()
    for _visit in range(60):
        page = guest.get("/api/booking/v1/public/nobody")
    assert page.status_code == 404
    assert page.headers["Content-Security-Policy"] == "default-src 'self'; frame-ancestors 'none'"
    assert page.headers["X-Frame-Options"] == "DENY"
    stranger = guest.get("/settings/booking/")
    assert (stranger.status_code, stranger.location) == (302, "/login/1"), "the wall is the CRM's"


def test_a_form_of_a_host_without_token_is_refused_whoever_protects_the_crms_own(make: Make) -> None:
    redirecting = make(web.fortress, web.SessionCRM(), **web.FORTRESS)
    assert web.logged_in(redirecting).post("/settings/booking/page", data={"slug": "x"}).status_code == 302
    for dress in (web.handmade, web.themed):  # no CSRFProtect at all
        app = make(dress, web.SessionCRM(), BOOKING_BASE_TEMPLATE=None)
        ann = web.logged_in(app)
        ok(ann.get("/settings/booking/page"))
        forged = ann.post("/settings/booking/page", data={"slug": "x", "nonce": "n0nce", "csrf_token": "made up"})
        assert "the request came from elsewhere" in text_of(ok(forged, 400))


def test_the_doctor_names_a_scheme_that_stands_before_our_forms(make: Make) -> None:
    said = make(web.handmade, web.SessionCRM(), BOOKING_BASE_TEMPLATE=None)
    output = said.test_cli_runner().invoke(args=["booking", "doctor", "--offline"]).output
    assert "compare_nonce` looks like a CSRF protection of your own" in " ".join(output.split())


def test_a_base_template_for_users_only_keeps_strangers_out_without_breaking(make: Make) -> None:
    app = make(web.fortress, web.SessionCRM(), **web.FORTRESS)
    app.before_request_funcs[None].clear()  # no wall comes before it
    answer = app.test_client().get("/settings/booking/bookings")
    assert (answer.status_code, answer.text) == (401, "Please log in first.")


def test_an_address_that_is_taken_is_named_by_the_doctor(make: Make) -> None:
    app = make(web.crowded, web.SessionCRM(), BOOKING_BASE_TEMPLATE=None)
    assert any("your view `book.section` answers at /book/" in line for line in broken(app))


def test_themes_are_asked_in_each_request_and_tell_hosts_what_is_new(make: Make) -> None:
    app = make(web.themed, web.SessionCRM())
    ann = web.logged_in(app)
    assert "data-booking-live" not in ann.get("/").text, "she is no host yet"
    for theme in ("plain", "dark"):
        screen = ok(ann.get("/settings/booking/", headers={"X-Theme": theme}))
        assert f"<body class={theme}>" in screen.text
        assert "data-booking-live" in screen.text
    assert "data-booking-live" in ann.get("/").text
    assert "data-booking-live" not in app.test_client().get("/").text


def test_what_tells_hosts_is_plain_json_whatever_the_crms_json_looks_like(make: Make) -> None:
    app = make(web.handmade, web.CookieCRM(), BOOKING_BASE_TEMPLATE=None)
    ann = web.logged_in(app)
    assert set(ok(ann.get("/settings/booking/news")).json) == {"now", "news"}
