"""Getting in, staying on this site, and getting out."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from example_app.auth import local_path
from tests.fixtures.apps import MakeApp


def test_a_page_asks_visitors_to_log_in_and_shows_itself_afterwards(seeded: Flask) -> None:
    client = seeded.test_client()
    answer = client.get("/contacts/?q=bell")
    assert answer.status_code == 302
    answer = client.post(answer.location, data={"email": "ANN@example.com ", "password": "demo"})
    assert answer.location == "/contacts/?q=bell"
    assert "Marcus Bell" in client.get(answer.location).text


@pytest.mark.parametrize(
    ("email", "password"), [("ann@example.com", "wrong"), ("nobody@example.com", "demo"), ("", ""), ("x\x00", "y")]
)
def test_a_wrong_address_or_password_lets_nobody_in_and_says_so(seeded: Flask, email: str, password: str) -> None:
    client = seeded.test_client()
    answer = client.post("/login", data={"email": email, "password": password})
    assert answer.status_code == 200
    assert 'class="error"' in answer.text
    assert client.get("/").status_code == 302


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/\t/evil.example/",
        "\n//evil.example",
        "javascript:alert(1)",
        "contacts",
        "",
        None,
    ],
)
def test_logging_in_never_leads_to_another_site(seeded: Flask, target: str | None) -> None:
    assert local_path(target) is None
    answer = seeded.test_client().post(
        "/login", query_string={"next": target or ""}, data={"email": "ann@example.com", "password": "demo"}
    )
    assert answer.location == "/"


def test_logging_out_ends_the_session(ann: FlaskClient) -> None:
    assert ann.get("/logout").status_code == 405
    assert ann.post("/logout").status_code == 302
    assert ann.get("/contacts/").status_code == 302


def test_only_administrators_see_the_users(ann: FlaskClient, cleo: FlaskClient) -> None:
    assert ann.get("/users/").status_code == 403
    assert "ben@example.com" in cleo.get("/users/").text


def test_a_form_without_its_token_changes_nothing(make_app: MakeApp, database_url: str) -> None:
    app = make_app(database_url, WTF_CSRF_ENABLED=True)
    answer = app.test_client().post("/login", data={"email": "ann@example.com", "password": "demo"})
    assert answer.status_code == 400
    assert "too long" in answer.text


def test_the_demo_logs_in_by_one_click_and_others_do_not_show_who_is_there(make_app: MakeApp, seeded: Flask) -> None:
    address: Any = seeded.config["SQLALCHEMY_DATABASE_URI"]
    assert "ann@example.com" not in seeded.test_client().get("/login").text
    page = make_app(address, DEMO=True).test_client().get("/login").text
    assert re.findall(r'name="email" value="(\w+)@', page) == ["ann", "ben", "cleo"]
