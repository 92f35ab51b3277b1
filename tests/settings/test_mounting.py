"""The screens in CRMs of other habits: no Flask-Login, no CSRFProtect, strict templates, names of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jinja2
import pytest
from flask import Flask, redirect, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from flask_booking import CRM, ActivityFields, ContactFields, FlaskBooking, UserFields
from tests.fixtures.apps import dispose

from .conftest import Office, open_office, said

BASE = """<!DOCTYPE html><html lang="en"><head><title>{% block title %}{% endblock %}</title></head>
<body><nav>{{ _("Contacts") }} {{ form }} {{ now }} {{ page }} {{ crm }} {{ words }}</nav>
<main>{% block content %}{% endblock %}</main></body></html>"""


class HeaderCRM(CRM):
    """Knows its user by a header, as behind a single sign-on."""

    def current_user(self) -> Any | None:
        from example_app.extensions import db
        from example_app.models import User

        return db.session.get(User, int(request.headers.get("X-User", "0")))


@pytest.fixture
def bare(database_url: str) -> Iterator[Office]:
    """A CRM with nothing but Flask, Flask-SQLAlchemy and a base template."""
    from example_app.extensions import db
    from example_app.models import Activity, Contact, User

    app = Flask("bare")
    app.config |= {
        "SECRET_KEY": "only for tests",
        "SQLALCHEMY_DATABASE_URI": database_url,
        "TESTING": True,
        "WTF_CSRF_ENABLED": False,
        "BOOKING_WORKER": False,
        "BOOKING_BASE_TEMPLATE": "frame.html",
        "BOOKING_SETTINGS_URL_PREFIX": "/me/meetings",
    }
    app.jinja_env.loader = jinja2.DictLoader({"frame.html": BASE})
    app.jinja_env.undefined = jinja2.StrictUndefined
    app.context_processor(
        lambda: {"_": str.upper, "form": "search", "now": "today", "page": 7, "crm": "Bare", "words": "many"}
    )
    db.init_app(app)
    crm = HeaderCRM(
        User,
        Contact,
        Activity,
        user_fields=UserFields(is_admin="is_admin"),
        contact_fields=ContactFields(owner="owner_id"),
        activity_fields=ActivityFields(author="user_id", kind="kind", subject="subject"),
    )
    FlaskBooking().init_app(app, db, crm=crm)
    with app.app_context():
        db.create_all()
    yield open_office(app)
    dispose(app)


def test_the_crms_page_keeps_its_own_names_and_the_screen_keeps_its(bare: Office) -> None:
    answer = bare.app.test_client().get("/me/meetings/event-types", headers={"X-User": str(bare.users["ann"])})
    assert answer.status_code == 200
    text = said(answer)
    assert "CONTACTS search today 7 Bare many" in text
    assert "The kinds of meetings that guests can book with you." in text
    assert "<title>Event types</title>" in answer.text


@pytest.mark.parametrize(
    "path",
    ["", "bookings", "book", "event-types/new", "schedules", "blocked/new", "messages/new", "page", "you", "why"],
)
def test_every_screen_works_in_strict_templates_without_any_extension(bare: Office, path: str) -> None:
    answer = bare.app.test_client().get(f"/me/meetings/{path}", headers={"X-User": str(bare.users["ann"])})
    assert answer.status_code == 200
    assert "CONTACTS" in answer.text


def test_strangers_get_a_page_of_ours_where_nobody_else_has_one(bare: Office) -> None:
    answer = bare.app.test_client().get("/me/meetings/")
    assert answer.status_code == 401
    assert "Please log in first." in said(answer)


def test_strangers_go_where_the_crm_sends_them(bare: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HeaderCRM, "ask_for_login", lambda self: redirect("/auth/login"), raising=True)
    for method in ("GET", "POST"):
        answer = bare.app.test_client().open("/me/meetings/page", method=method)
        assert (answer.status_code, answer.location) == (302, "/auth/login")


def test_a_missing_thing_keeps_its_status_whatever_the_crm_makes_of_404(bare: Office) -> None:
    bare.app.register_error_handler(404, lambda error: ("All is well", 200))
    answer = bare.app.test_client().get("/me/meetings/event-types/none", headers={"X-User": str(bare.users["ann"])})
    assert answer.status_code == 404
    assert "There is nothing here." in said(answer)


def test_notices_survive_a_session_of_texts_only(bare: Office) -> None:
    client = bare.app.test_client()
    headers = {"X-User": str(bare.users["ann"])}
    path = f"/me/meetings/event-types/{bare.events['ann']}"
    client.post(f"{path}/active", data={"active": "0"}, headers=headers)
    with client.session_transaction() as kept:
        assert all(isinstance(value, str) for value in kept.values())
    assert "can't be booked for now" in said(client.get("/me/meetings/event-types", headers=headers))


def test_a_broken_base_template_is_answered_in_plain_words(bare: Office) -> None:
    bare.app.jinja_env.loader = jinja2.DictLoader({"frame.html": "{{ nothing.at.all }}"})
    answer = bare.app.test_client().get("/me/meetings/", headers={"X-User": str(bare.users["ann"])})
    assert (answer.status_code, answer.mimetype) == (500, "text/plain")
    assert "isn't your fault" in answer.text


@pytest.mark.parametrize(("has_a_page", "status"), [(False, 413), (True, 200)])
def test_http_errors_are_left_to_the_crm(bare: Office, has_a_page: bool, status: int) -> None:
    def too_much() -> None:
        raise RequestEntityTooLarge

    bare.app.view_functions["booking_settings.overview"] = too_much
    if has_a_page:
        bare.app.register_error_handler(HTTPException, lambda error: (f"the CRM's page for {error.code}", 200))
    answer = bare.app.test_client().get("/me/meetings/", headers={"X-User": str(bare.users["ann"])})
    assert answer.status_code == status
    assert ("the CRM's page for 413" in answer.text) == has_a_page
