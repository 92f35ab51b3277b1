"""What docs/theming.md promises, seen in the CRM of docs/examples/acme; its lists are those of the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
from flask import Flask

from flask_booking import jobs, scheduling
from flask_booking.models import Booking
from flask_booking.public.assets import FOLDER
from flask_booking.state import session
from flask_booking.templating import TEMPLATES
from tests.docs.snippets import DOCS
from tests.fixtures.apps import CONFIG, dispose
from tests.fixtures.mail import MailServer
from tests.overriding.conftest import logged_in
from tests.public.guest import book, choose, send, text_of

PAGE = (DOCS / "theming.md").read_text(encoding="utf-8")


@pytest.fixture
def acme(database_url: str, tmp_path: Path, smtp: MailServer) -> Iterator[Flask]:
    from docs.examples.acme.app import create_app
    from example_app.extensions import db

    config: dict[str, Any] = {"SQLALCHEMY_DATABASE_URI": database_url, "INSTANCE_PATH": str(tmp_path / "instance")}
    app = create_app(CONFIG | config | {"BOOKING_MAIL_URL": smtp.url})
    with app.app_context():
        db.create_all()
    yield app
    dispose(app)


def test_acme_has_its_own_words_looks_templates_forms_and_views(acme: Flask, smtp: MailServer) -> None:
    screens, client = logged_in(acme), acme.test_client()
    page = client.get("/book/ann")
    assert "Our office is closed" in text_of(page)
    assert "Imprint" in text_of(page)
    assert "/~theme/7a1fa2.css" in page.text
    assert 'src="/acme/logo.svg"' in page.text
    assert page.text.index("guest.") < page.text.index("/acme/acme.css")
    with client.get("/acme/acme.css") as sheet:
        assert "--booking-ground" in sheet.text
    assert client.get("/book/bob").location == "/book/ann"

    form = choose(client, "/book/ann/intro")
    assert "Save my seat" in text_of(form)
    refused = send(client, form, email="sam@gmail.com", a_company="Acme")
    assert "Please use your address at work." in text_of(refused)
    book(client, "/book/ann/intro", a_company="Hill & Co")

    assert "Questions? Call the office: 1234." in screens.get("/settings/booking/").text
    assert "Cost centre" in screens.get("/settings/booking/event-types/new").text

    jobs.deliver_due(acme)
    with acme.app_context():
        (booking,) = session().query(Booking)
        assert booking.answers[0]["text"] == "Hill & Co"
        scheduling.cancel(booking.id, reason="Ill", actor="host")
    jobs.deliver_due(acme)
    smtp.wait_for(4)
    to_guest = smtp.to("sam@example.com")
    assert str(to_guest[0]["Subject"]).startswith("See you soon, ")
    assert str(to_guest[-1]["Subject"]).startswith("We are sorry: Intro on ")
    for mail in to_guest:
        for kind in ("html", "plain"):
            part = mail.get_body((kind,))
            assert part is not None
            assert "1 High Street" in part.get_content()


def test_the_table_of_blocks_is_complete() -> None:
    environment = jinja2.Environment(autoescape=True)
    rows = []
    for folder in ("public", "settings", "mail"):
        for path in sorted((TEMPLATES / "booking" / folder).iterdir()):
            names = [f"`{node.name}`" for node in environment.parse(path.read_text()).find_all(jinja2.nodes.Block)]
            if names:
                rows.append(f"| `{folder}/{path.name}` | {', '.join(names)} |")
    told = re.search(r"\| template in `booking/` \| blocks \|\n\| --- \| --- \|\n(.*?)\n\n", PAGE, re.DOTALL)
    assert told is not None
    assert told[1].splitlines() == rows


def test_the_custom_properties_are_those_of_the_stylesheets() -> None:
    told = set(re.findall(r"`(--booking-[a-z-]+)`", PAGE))
    heeded = {
        name
        for sheet in ("guest.css", "settings.css")
        for name in re.findall(r"var\((--booking-[a-z-]+)", (FOLDER / sheet).read_text())
    }
    assert told == heeded


def test_each_file_of_the_example_is_shown_or_needed() -> None:
    shown = set(re.findall(r"literalinclude\} examples/acme/(\S+)", PAGE))
    there = {str(path.relative_to(DOCS / "examples/acme")) for path in (DOCS / "examples/acme").rglob("*.*")}
    others = {"app.py", "static/logo.svg", "templates/booking/settings/layout.html"}
    assert {name for name in there if not name.endswith(".pyc")} == shown | others


def test_views_that_may_be_replaced_are_there(acme: Flask) -> None:
    for name in re.findall(r"`(booking_public\.\w+)`", PAGE):
        assert name in acme.view_functions
