"""Templates of the CRM in place of the package's, in CRMs whose Jinja is not as Flask made it."""

from __future__ import annotations

import logging
import re

import jinja2
import pytest
from flask import Flask

from flask_booking.errors import BookingConfigError
from flask_booking.messages.delivery import compose_message
from flask_booking.models import OutboxMessage
from flask_booking.public.assets import within
from flask_booking.state import session
from tests.fixtures.apps import MakeApp
from tests.fixtures.people import make_bookable
from tests.overriding.conftest import Replaced, logged_in
from tests.public.guest import book, heading, text_of

PAGE = """{% extends "booking-original/public/page.html" %}
{% block before_content %}<p>We are on holiday in May.</p>{% endblock %}
{% block footer %}{{ super() }}<p>{{ _("Book a meeting") }}</p>{% endblock %}"""


def page_of(app: Flask) -> str:
    with app.app_context():
        make_bookable(app)
    answer = app.test_client().get("/book/ann")
    assert answer.status_code == 200, text_of(answer)
    return answer.text


def test_a_template_extends_the_one_it_replaces(replaced: Replaced) -> None:
    page = page_of(replaced({"booking/public/page.html": PAGE}))
    assert "We are on holiday in May." in page
    assert "Intro" in page


def test_what_surrounds_all_pages_is_replaced_once(replaced: Replaced) -> None:
    shell = '{% extends "booking-original/public/shell.html" %}{% block header %}<b>Acme</b>{% endblock %}'
    app = replaced({"booking/public/shell.html": shell})
    assert "<b>Acme</b>" in page_of(app)
    assert "<b>Acme</b>" in app.test_client().get("/book/nobody").text


def strict(app: Flask) -> None:
    app.jinja_env.undefined = jinja2.StrictUndefined


def theme(app: Flask) -> None:
    app.jinja_env.loader = jinja2.PrefixLoader({"booking": jinja2.DictLoader({"public/page.html": PAGE})})


def compiled(app: Flask) -> None:
    loader = app.jinja_env.loader
    app.jinja_env.loader = jinja2.ChoiceLoader([jinja2.ModuleLoader("nowhere"), loader])


def other_marks(app: Flask) -> None:
    env = app.jinja_env
    env.block_start_string, env.block_end_string = "<%", "%>"
    env.variable_start_string, env.variable_end_string = "[[", "]]"
    env.line_statement_prefix, env.line_comment_prefix = "%", "##"


def unescaped(app: Flask) -> None:
    app.jinja_env.autoescape = False
    app.jinja_env.finalize = lambda value: str(value).upper()


@pytest.mark.parametrize("habit", [strict, theme, compiled, other_marks, unescaped])
def test_pages_and_mails_are_the_same_whatever_a_crm_did_to_its_jinja(replaced: Replaced, habit: object) -> None:
    app = replaced({"booking/public/page.html": PAGE})
    habit(app)  # type: ignore[operator]
    assert "We are on holiday in May." in page_of(app)
    client = app.test_client()
    assert heading(client.get(book(client, "/book/ann/intro", name="<i>Sam</i>"))) == "You are booked"
    with app.app_context():
        to_host = next(one for one in session().query(OutboxMessage) if one.payload.get("audience") == "host")
        mail = compose_message(to_host)
        assert mail is not None
        html, text = (mail.get_body((kind,)).get_content() for kind in ("html", "plain"))  # type: ignore[union-attr]
    assert "&lt;i&gt;Sam&lt;/i&gt; booked a meeting" in html
    assert text.startswith("<i>Sam</i> booked a meeting\n")


def test_a_template_that_extends_itself_says_what_to_write_instead(
    replaced: Replaced, caplog: pytest.LogCaptureFixture
) -> None:
    app = replaced({"booking/public/page.html": '{% extends "booking/public/page.html" %}'})
    with app.app_context():
        make_bookable(app)
    assert app.test_client().get("/book/ann").status_code == 500
    assert 'extend "booking-original/public/page.html"' in caplog.text


@pytest.mark.parametrize("name", ["page", "shell", "error"])
def test_a_template_that_raises_shows_guests_a_kind_page_and_tells_the_log_where(
    replaced: Replaced, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = replaced({f"booking/public/{name}.html": "<p>\n{{ typo.here }}"})
    with app.app_context():
        make_bookable(app)
    with caplog.at_level(logging.ERROR):
        answer = app.test_client().get("/book/ann" if name != "error" else "/book/nobody")
    assert answer.status_code == (404 if name == "error" else 500)
    assert heading(answer) == ("This page doesn't exist" if name == "error" else "Something broke")
    assert "UndefinedError: 'typo' is undefined in" in caplog.text
    assert "line 2" in caplog.text


# The base template of the CRM


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("<h1>Acme</h1>", "It has no blocks of its own"),
        ("{% block body %}{% endblock %}{% block js %}{% endblock %}", "Its blocks are body, js"),
    ],
)
def test_a_base_template_without_a_place_for_the_page_says_what_to_do(
    replaced: Replaced, base: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = replaced({"base.html": base})
    assert logged_in(app).get("/settings/booking/").status_code == 500
    assert said in caplog.text
    assert "name the one for the page's content in BOOKING_BASE_BLOCKS" in caplog.text


def test_a_base_template_that_is_missing_or_lacks_a_variable_says_what_to_do(
    replaced: Replaced, caplog: pytest.LogCaptureFixture
) -> None:
    app = replaced(
        {"needy.html": "{{ team.name }}{% block content %}{% endblock %}"}, BOOKING_BASE_TEMPLATE="gone.html"
    )
    client = logged_in(app)
    assert client.get("/settings/booking/").status_code == 500
    assert "BOOKING_BASE_TEMPLATE = 'gone.html': there is no such template" in caplog.text
    app.config["BOOKING_BASE_TEMPLATE"] = "needy.html"
    app.extensions.pop("booking_templates")
    assert client.get("/settings/booking/").status_code == 500
    assert re.search(r"'team' is undefined.*context_processor", caplog.text)


def test_blocks_have_the_names_that_the_configuration_says(replaced: Replaced) -> None:
    base = "<head><% block css %><% endblock %></head><body><% block body %><% endblock %></body>"
    app = replaced(
        {"layout.html": base},
        BOOKING_BASE_TEMPLATE="layout.html",
        BOOKING_BASE_BLOCKS={"content": "body", "head": "css"},
    )
    client = logged_in(app)
    other_marks(app)
    page = client.get("/settings/booking/").text
    assert (
        page.index("settings.css") < page.index("</head>") < page.index("Your booking page") < page.index("settings.js")
    )
    assert page.count("settings.css") == 1


def test_a_base_template_with_one_block_gets_styles_and_script_with_the_page(replaced: Replaced) -> None:
    app = replaced({"base.html": "<main>{% block content %}{% endblock %}</main>"})
    page = logged_in(app).get("/settings/booking/").text
    assert page.index("<main>") < page.index("settings.css") < page.index("settings.js") < page.index("</main>")


def test_without_a_base_template_the_screens_stand_alone(replaced: Replaced) -> None:
    app = replaced({}, BOOKING_BASE_TEMPLATE=None)
    page = logged_in(app).get("/settings/booking/").text
    assert page.index("settings.css") < page.index("</head>") < page.index("Your booking page")


def test_unknown_blocks_are_refused(make_app: MakeApp, database_url: str) -> None:
    with pytest.raises(BookingConfigError, match="BOOKING_BASE_BLOCKS has footer; it may have title, head"):
        make_app(database_url, BOOKING_BASE_BLOCKS={"footer": "foot"})


def test_public_pages_can_stand_in_a_base_template_of_the_crm(replaced: Replaced) -> None:
    base = (
        "<html><head><title>{% block page_title %}{% endblock %} – Acme</title>{% block head %}{% endblock %}</head>"
        "<body><nav>{{ firm }}</nav><main>{% block main %}{% endblock %}</main>{% block scripts %}{% endblock %}</body>"
    )
    app = replaced(
        {"public.html": base, "booking/public/page.html": PAGE},
        BOOKING_PUBLIC_BASE_TEMPLATE="public.html",
        BOOKING_PUBLIC_BASE_BLOCKS={"content": "main", "title": "page_title"},
    )
    app.context_processor(lambda: {"firm": "Acme Ltd"})
    page = page_of(app)
    assert re.search(r"<title>\w.* – Acme</title>", page)
    assert "<nav>Acme Ltd</nav>" in page
    assert page.count("<main") == page.count("<html") == 1
    assert page.index("guest-within") < page.index("</head>") < page.index("Intro") < page.index("</main>")
    assert page.index("</main>") < page.index("<script") < page.index("</body>")
    assert "We are on holiday in May." in page
    style = app.test_client().get(page.split('stylesheet" href="')[1].split('"')[0]).text
    assert ".booking-guest .card" in style
    assert "body {" not in style
    client = app.test_client()
    assert heading(client.get(book(client, "/book/ann/intro"))) == "You are booked"
    app.jinja_loader = jinja2.DictLoader({"public.html": "{{ broken.here }}"})
    app.extensions.pop("booking_templates")
    broken = client.get("/book/ann")
    assert (broken.status_code, heading(broken)) == (500, "Something broke")


@pytest.mark.parametrize("css", [":root{a:b}", "body > p, .x:is(a, b){c:d}", "@media print{body{e:f}}"])
def test_rules_for_a_part_of_a_page_leave_the_rest_alone(css: str) -> None:
    assert {
        ":root{a:b}": ".booking-guest {a:b}",
        "body > p, .x:is(a, b){c:d}": ".booking-guest > p, .booking-guest .x:is(a, b) {c:d}",
        "@media print{body{e:f}}": "@media print{.booking-guest {e:f}}",
    }[css] == within(css)
