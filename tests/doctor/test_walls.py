"""What a CRM puts around every page: walls, headers, handlers, protections, limits."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, Response, abort, redirect, request
from flask_wtf import CSRFProtect
from jinja2 import StrictUndefined

from example_app.booking import RowanCRM
from example_app.models import User

from .conftest import BASE, MakePatient

PASS = 'if request.blueprint in {"booking_public", "booking_api"}: return None'


def login_wall() -> Any:
    return redirect("/login") if request.endpoint != "login" else None


def role_map() -> None:
    if request.endpoint == "booking_public.manage":
        abort(403)


def broken() -> None:
    raise LookupError("sam@example.com")


def test_a_crm_without_walls_is_fine(patient: MakePatient) -> None:
    found = patient().findings("public pages", "public API", "headers", "settings")
    assert {one.level for one in found} == {"ok"}, found


def test_a_login_wall_is_named_with_the_line_that_opens_it(patient: MakePatient) -> None:
    said = patient(lambda app: app.before_request(login_wall)).says("public pages", "public API", "headers")
    assert "fail 302 to /login at /book/doctor-nobody, /book/doctor-nobody/doctor-nobody and 4 more" in said
    assert "fail 302 to /login at /api/booking/v1/public/" in said
    assert "login_wall` answers. Begin it with:\n" + PASS in said
    assert "info not looked at" in said


def test_an_opened_wall_is_no_finding(patient: MakePatient) -> None:
    def wall() -> Any:
        return None if request.blueprint in {"booking_public", "booking_api"} else redirect("/login")

    found = patient(lambda app: app.before_request(wall)).findings("public pages", "public API", "settings")
    assert {one.level for one in found} == {"ok"}, found


def test_a_map_of_roles_that_lacks_one_endpoint_is_found(patient: MakePatient) -> None:
    (found,) = patient(lambda app: app.before_request(role_map)).findings("public pages")
    assert "403 text/html at /book/manage/doctor-nobody instead of" in found.text
    assert "role_map" in found.advice


def test_what_raises_in_front_of_a_page_is_named_without_its_words(patient: MakePatient) -> None:
    said = patient(lambda app: app.before_request(broken)).says("public pages", "settings")
    assert "fail LookupError in doctor/test_walls.py:" in said
    assert "sam@example.com" not in said


def test_https_for_everything_is_no_wall(patient: MakePatient) -> None:
    def secure() -> Any:
        return None if request.is_secure else redirect(request.url.replace("http:", "https:", 1), 301)

    found = patient(lambda app: app.before_request(secure)).findings("public pages", "public API")
    assert {one.level for one in found} == {"ok"}, found


def test_who_rewrites_the_status_of_every_answer_is_named(patient: MakePatient) -> None:
    def all_is_well(response: Response) -> Response:
        response.status_code = 200
        return response

    said = patient(lambda app: app.after_request(all_is_well)).says("public API")
    assert "fail 200 application/problem+json at" in said
    assert "all_is_well` changes the status" in said


def test_an_error_handler_for_everything_reaches_none_of_our_pages(patient: MakePatient) -> None:
    shell = patient(lambda app: app.register_error_handler(404, lambda error: ("", 200)))
    assert {one.level for one in shell.findings("public pages", "public API")} == {"ok"}


@pytest.mark.parametrize(
    ("header", "value", "sentence"),
    [
        (
            "Content-Security-Policy",
            "default-src 'none'",
            "fail the Content-Security-Policy ({}) has no style-src 'self'",
        ),
        ("Content-Security-Policy", "form-action 'none'", "has no form-action 'self': no form can be sent"),
        (
            "Content-Security-Policy",
            "default-src 'self'; script-src 'nonce-abc' 'strict-dynamic'",
            "warn the Content-Security-Policy ({}) has no script-src 'self'",
        ),
        ("X-Frame-Options", "DENY", "warn X-Frame-Options: DENY ({}) forbids the frames that BOOKING_CSP allows"),
        ("Referrer-Policy", "unsafe-url", "warn Referrer-Policy: unsafe-url ({}) tells other servers"),
        ("Cache-Control", "public, max-age=60", "warn Cache-Control: public, max-age=60 ({}) lets proxies"),
    ],
)
def test_headers_that_break_our_pages_are_named(patient: MakePatient, header: str, value: str, sentence: str) -> None:
    def harden(response: Response) -> Response:
        response.headers[header] = value
        return response

    policy = "default-src 'self'; form-action 'self'; frame-ancestors https://example.com"
    said = patient(lambda app: app.after_request(harden), BOOKING_CSP=policy).says("headers")
    name = f"{__name__}.test_headers_that_break_our_pages_are_named.harden"
    assert sentence.format(name) in said


def test_a_stranger_who_counts_as_a_user_is_found_and_becomes_no_host(patient: MakePatient) -> None:
    class Everybody(RowanCRM):
        def current_user(self) -> Any:
            return User(id=0, email="", name="")

    said = patient(crm=Everybody()).says("settings")
    assert "fail a stranger counts as a user" in said


def test_settings_that_break_for_strangers_are_found(patient: MakePatient) -> None:
    class Careless(RowanCRM):
        def current_user(self) -> Any:
            return request.environ["crm.user"]

    said = patient(crm=Careless()).says("settings")
    assert "fail a stranger at /settings/booking/bookings gets KeyError in doctor/test_walls.py:" in said


def test_own_csrf_schemes_and_replaced_ones_are_named(patient: MakePatient) -> None:
    class Stricter(CSRFProtect):
        def protect(self) -> None:
            raise AssertionError

    def check_csrf_cookie() -> None: ...

    assert "info no CSRFProtect" in patient().says("CSRF")
    assert "ok CSRFProtect protects" in patient(lambda app: CSRFProtect(app)).says("CSRF")
    assert "Stricter.protect replaces Flask-WTF's" in patient(lambda app: Stricter(app)).says("CSRF")
    assert "check_csrf_cookie` looks like a CSRF protection" in patient(
        lambda app: app.before_request(check_csrf_cookie)
    ).says("CSRF")
    assert "fail SECRET_KEY isn't set" in patient(SECRET_KEY=None).says("CSRF")


def test_limits_that_count_our_pages_are_named_with_the_lines_that_exempt_them(patient: MakePatient) -> None:
    """The part of Flask-Limiter's interface that tells what it counts."""
    import enum

    class Scope(enum.Flag):
        NONE = 0
        APPLICATION = 1
        DEFAULT = 2

    class Limits:
        default_limits, application_limits = ["50 per hour"], []  # type: ignore[var-annotated]

        def exemption_scope(self, app: Flask, endpoint: str, blueprint: str) -> Scope:
            return Scope.DEFAULT if blueprint == "booking_api" else Scope.NONE

    class Limiter:
        enabled, limit_manager = True, Limits()

    said = patient(lambda app: app.extensions.update(limiter={Limiter()})).says("rate limits")
    assert "warn the default limits of Limiter count booking_public: " in said
    assert 'limiter.exempt(app.blueprints["booking_public"])' in said
    assert "booking_api" not in said


BASE_WITHOUT_CONTENT = "{% block title %}{% endblock %}{% block scripts %}{% endblock %}"


@pytest.mark.parametrize(
    ("templates", "sentence"),
    [
        ({}, "fail the template base.html isn't there"),
        ({"base.html": "{% block content %}"}, "fail base.html:1 can't be compiled"),
        ({"base.html": "{{ 1 | no_such_filter }}"}, "can't be compiled: No filter named 'no_such_filter'"),
        ({"base.html": BASE_WITHOUT_CONTENT}, "fail base.html has no block `content`: the settings screens can't be"),
        (
            {"frame.html": "", "booking/bridge.html": '{% extends "frame.html" %}{% block main %}{{ booking_content }}'
             "{% endblock %}"},
            "fail frame.html has no block `main`",
        ),
        (
            {"base.html": '{% extends "outer.html" %}', "outer.html": "{% block content %}{% endblock %}"
             "{% block title %}{% endblock %}{% block head %}{% endblock %}{% block scripts %}{% endblock %}"},
            "ok base.html has the blocks",
        ),
        (
            {"base.html": "{% block title %}{% endblock %}{% block content %}{% endblock %}"},
            "ok base.html has the blocks title, content →",
        ),
    ],
)  # fmt: skip
def test_a_base_template_that_lacks_something_is_named(
    patient: MakePatient, templates: dict[str, str], sentence: str
) -> None:
    assert sentence in patient(templates=templates).says("base template")


def test_a_base_template_of_the_public_pages_is_looked_at_too(patient: MakePatient) -> None:
    within = patient(BOOKING_BASE_TEMPLATE=None, BOOKING_PUBLIC_BASE_TEMPLATE="base.html")
    assert {one.level for one in within.findings("base template", "public pages", "headers")} == {"ok"}
    broken = patient(BOOKING_PUBLIC_BASE_TEMPLATE="gone.html").says("base template")
    assert "fail the template gone.html isn't there, so the public pages can't be shown in it" in broken
    assert "Set BOOKING_PUBLIC_BASE_TEMPLATE" in broken


def test_what_a_base_template_needs_and_nobody_gives_is_named(patient: MakePatient) -> None:
    text = (
        BASE
        + "{{ motto }}{{ team.name }}{{ tip|default('') }}{% if x is defined %}{{ x.y }}{% endif %}{{ request.path }}"
    )
    lenient = patient(templates={"base.html": text})
    assert "warn base.html needs team, which no context processor gives" in lenient.says("base template")
    lenient.app.context_processor(lambda: {"team": None})
    assert lenient.says("base template").startswith("ok ")

    strict = patient(lambda app: setattr(app.jinja_env, "undefined", StrictUndefined), templates={"base.html": text})
    assert "warn base.html needs motto, team, which" in strict.says("base template")


def test_addresses_that_another_view_takes_are_named(patient: MakePatient) -> None:
    def pages(app: Flask) -> None:
        app.add_url_rule("/book/<slug>", "books.show", lambda slug: slug)

    said = patient(pages).says("addresses")
    assert "fail your view `books.show` answers at /book/doctor-nobody instead of booking_public" in said
    assert 'Set BOOKING_URL_PREFIX (now "/book")' in said


def test_an_address_that_we_take_from_the_crm_is_named_and_a_page_for_everything_else_is_none(
    patient: MakePatient,
) -> None:
    clean = patient(lambda app: app.add_url_rule("/<path:page>", "pages.show", lambda page: page))
    assert clean.says("addresses").startswith("ok ")
    clean.app.add_url_rule("/book/<title>", "books.show", lambda title: title)
    assert "warn booking answers at /book/<title> (books.show)" in clean.says("addresses")
