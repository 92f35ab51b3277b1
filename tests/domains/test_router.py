"""Which names lead to a page, what can be seen there, and what stays as it was."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client, TestResponse

from flask_booking import catalog, links
from flask_booking.errors import BookingConfigError
from flask_booking.models import Booking, BookingDomain, BookingPage, OldPageSlug
from flask_booking.state import session
from tests.domains.conftest import CRM, NAMES, OWN, claim
from tests.fixtures.people import make_bookable
from tests.fixtures.servers import served

Get = Callable[..., TestResponse]


def page_at(answer: TestResponse) -> str:
    """Whose page an answer shows, by its canonical link; the status when it is no page."""
    found = re.search(r'<link rel="canonical" href="([^"]+)"', answer.text)
    return found[1] if found else str(answer.status_code)


@pytest.mark.parametrize(
    "host", ["book.customer.com", "BOOK.customer.com:8080", "book.customer.com.", "ann.meet.crm.example"]
)
def test_a_page_answers_at_its_names_with_short_paths(get: Get, host: str) -> None:
    assert page_at(get("/", host)) == OWN
    assert page_at(get("/intro", host)) == f"{OWN}/intro"
    assert 'href="/intro"' in get("/", host).text
    assert "/book/" not in get("/", host).text + get("/intro", host).text


def test_a_page_without_a_domain_is_linked_to_by_its_subdomain(get: Get) -> None:
    assert page_at(get("/", "ben.meet.crm.example")) == "https://ben.meet.crm.example"


def test_the_address_beneath_the_prefix_goes_on_and_names_the_canonical_one(get: Get) -> None:
    answer = get("/book/ann/intro", "crm.example")
    assert page_at(answer) == f"{OWN}/intro"
    assert 'href="/book/ann"' in answer.text


NOT_THERE = """
    /login /contacts /settings/booking/ /settings/booking/static/settings.css /static/crm.css /book/ann
    /book/ann/intro /book /ben /api/booking/v1/public/ben /api/booking/v1/domain-allowed?domain=x
    /manage /manage/ /manage/wrong /ann//intro /intro/details/more /%2e%2e/login /../login *
"""


def test_nothing_of_the_crm_or_of_other_pages_is_there(get: Get) -> None:
    for path in NOT_THERE.split():
        answer = get(path)
        assert (path, answer.status_code) == (path, 404)
        assert "Set-Cookie" not in answer.headers
        assert "Rowan" not in answer.text


def test_our_own_files_and_the_public_api_are_there(get: Get) -> None:
    page = get("/")
    for path in re.findall(r'(?:href|src)="(/~[^"]+)"', page.text):
        assert get(path).status_code == 200
    assert get("/api/booking/v1/public/ann").json["url"] == OWN  # type: ignore[index]


def test_a_guest_books_moves_and_cancels_on_the_pages_own_domain(named: Flask) -> None:
    client, base = named.test_client(), {"base_url": OWN}
    day = client.get("/intro", **base)
    start = re.search(r'name="start" value="([^"]+)"', day.text)
    hold = re.search(r'name="hold" value="([^"]+)"', day.text)
    assert start
    assert hold
    form = client.post("/intro/hold", data={"start": start[1], "hold": hold[1]}, **base)
    assert form.location.startswith("/intro/details?")
    filled = dict(
        re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', client.get(form.location, **base).text)
    )
    done = client.post("/intro/details", data={**filled, "name": "Sam", "email": "sam@example.com"}, **base)
    assert done.location.startswith("/manage/"), done.text
    managed = client.get(done.location, **base)
    assert managed.status_code == 200
    assert "/book/" not in managed.text
    assert client.get(done.location.partition("?")[0] + "/invite.ics", **base).status_code == 200
    assert client.get("/book" + done.location, base_url=CRM).status_code == 200  # the link works everywhere
    with named.app_context():
        assert session().scalars(sa.select(Booking)).one().guest_name == "Sam"


OTHERS = """
    crm.example www.meet.crm.example nobody.meet.crm.example a.ann.meet.crm.example meet.crm.example other.example
    pages.crm.example 127.0.0.1:8000 [::1] localhost book.customer.com@crm.example book.customer.com,crm.example
    xn--bok-0na.customer.com
"""


def test_other_names_are_answered_by_the_crm_as_before(get: Get) -> None:
    for host in OTHERS.split():
        assert (host, "Rowan" in get("/login", host).text) == (host, True)
        assert get("/settings/booking/", host).status_code == 302


def test_a_page_gets_no_reserved_name_whatever_its_slug(named: Flask) -> None:
    with named.app_context():
        catalog.update_page(
            session().scalars(sa.select(BookingPage).where(BookingPage.slug == "ben")).one(), {"slug": "www"}
        )
        assert links.page_url("www") == f"{CRM}/book/www"
    assert "Rowan" in named.test_client().get("/login", base_url="https://www.meet.crm.example").text


def test_a_forwarded_host_counts_only_behind_proxy_fix(named: Flask, make_named: Any) -> None:
    forwarded = {"X-Forwarded-Host": "book.customer.com", "Host": "crm.example"}
    assert "Rowan" in named.test_client().get("/login", headers=forwarded).text
    assert Client(ProxyFix(named.wsgi_app, x_host=1)).get("/login", headers=forwarded).status_code == 404  # type: ignore[arg-type]


def test_proxy_fix_may_be_there_before_booking_is_mounted(app: Flask, make_app: Any, database_url: str) -> None:
    from flask_booking import domains

    app.config.update(NAMES)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_host=1)  # type: ignore[method-assign]
    domains.init_app(app)
    with app.app_context():
        claim(make_bookable(app).page, "book.customer.com")
    forwarded = {"X-Forwarded-Host": "book.customer.com", "Host": "crm.example"}
    assert page_at(app.test_client().get("/", headers=forwarded)) == OWN


def test_a_wrapper_that_hides_the_app_is_refused_with_what_to_do(app: Flask) -> None:
    from flask_booking import domains

    app.config.update(NAMES)
    inner = app.wsgi_app
    app.wsgi_app = lambda environ, start: inner(environ, start)  # type: ignore[method-assign]
    with pytest.raises(BookingConfigError, match="init_app before"):
        domains.init_app(app)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"BOOKING_PUBLIC_URL": None}, "BOOKING_PUBLIC_URL"),
        ({"BOOKING_SUBDOMAINS": "*.crm.example"}, "BOOKING_SUBDOMAINS is a host name"),
        ({"BOOKING_DOMAIN_TARGET": "https://crm.example"}, "BOOKING_DOMAIN_TARGET is a host name"),
    ],
)
def test_a_configuration_that_can_not_work_is_refused(
    make_app: Any, database_url: str, config: Any, words: str
) -> None:
    with pytest.raises(BookingConfigError, match=words):
        make_app(database_url, **NAMES | config)


def test_a_crm_below_a_path_has_pages_at_the_root_of_their_names(named: Flask) -> None:
    client = Client(DispatcherMiddleware(_nowhere, {"/crm": named.wsgi_app}))  # type: ignore[arg-type]
    at_own = client.get("/crm/", headers={"Host": "book.customer.com"})
    assert 'href="/intro"' in at_own.text
    assert 'href="/crm/book/ann"' in client.get("/crm/book/ann/intro", headers={"Host": "crm.example"}).text


def _nowhere(environ: Any, start_response: Any) -> list[bytes]:
    start_response("404 Not Found", [])
    return []


@pytest.mark.parametrize(
    "config",
    [
        {"SERVER_NAME": "crm.example"},
        {"TRUSTED_HOSTS": ["crm.example"]},
        {"BOOKING_PUBLIC_URL": None, "SERVER_NAME": "crm.example"},
    ],
)
def test_a_crm_that_knows_only_its_own_name_needs_no_change(make_named: Any, config: dict[str, Any]) -> None:
    client = make_named(PREFERRED_URL_SCHEME="https", **config).test_client()
    assert page_at(client.get("/", base_url=OWN)) == OWN
    assert client.get("/login", base_url=CRM).status_code == 200


def test_a_crm_with_subdomains_of_its_own_keeps_them(make_named: Any) -> None:
    app = make_named(SERVER_NAME="crm.example", BOOKING_SUBDOMAINS="crm.example")
    app.subdomain_matching = True
    app.add_url_rule("/tenant", subdomain="<name>", view_func=lambda name: name)
    client: FlaskClient = app.test_client()
    assert client.get("/tenant", base_url="https://acme.crm.example").text == "acme"
    assert page_at(client.get("/", base_url="https://ben.crm.example")) == "https://ben.crm.example"


def test_pictures_and_stylesheets_of_the_crm_come_from_the_crms_name(make_named: Any) -> None:
    app = make_named(BOOKING_STYLESHEETS=["crm.css"], BOOKING_LOGO_URL="/static/logo.png")
    answer = app.test_client().get("/", base_url=OWN)
    assert f'href="{CRM}/static/crm.css"' in answer.text
    assert f'src="{CRM}/static/logo.png"' in answer.text
    assert f"style-src 'self' {CRM};" in answer.headers["Content-Security-Policy"]


def test_the_crms_base_template_stays_at_home(make_named: Any) -> None:
    client = make_named(BOOKING_PUBLIC_BASE_TEMPLATE="base.html").test_client()
    assert "Rowan" not in client.get("/", base_url=OWN).text


def test_no_cookie_goes_either_way(named: Flask) -> None:
    seen = []

    @named.before_request
    def look() -> None:
        from flask import request
        from flask import session as cookie

        seen.append(dict(request.cookies))
        cookie["visited"] = "yes"

    answer = named.test_client(use_cookies=False).get("/", base_url=OWN, headers={"Cookie": "session=of-the-crm"})
    assert seen == [{}]
    assert "Set-Cookie" not in answer.headers
    assert "Set-Cookie" in named.test_client().get("/login", base_url=CRM).headers


def test_the_crms_own_names_cost_no_query_and_a_pages_name_one_now_and_then(named: Flask) -> None:
    asked: list[str] = []

    def listen(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "booking_domain" in statement:
            asked.append(statement)

    with named.app_context():
        engine = named.extensions["sqlalchemy"].engine
    sa.event.listen(engine, "before_cursor_execute", listen)
    client = named.test_client()
    for host in ("crm.example", "127.0.0.1", "ben.meet.crm.example"):
        client.get("/login", headers={"Host": host})
    assert asked == []
    for _ in range(3):
        client.get("/login", headers={"Host": "other.example"})
    assert len(asked) == 1


def test_without_a_database_the_crms_other_names_go_on(named: Flask, caplog: pytest.LogCaptureFixture) -> None:
    with named.app_context():
        BookingDomain.__table__.drop(session().get_bind())
    assert "Rowan" in named.test_client().get("/login", base_url="https://other.example").text
    assert "can't be read" in caplog.text


def test_a_page_that_is_renamed_keeps_its_domain(named: Flask) -> None:
    with named.app_context():
        catalog.update_page(
            session().scalars(sa.select(BookingPage).where(BookingPage.slug == "ann")).one(), {"slug": "anna"}
        )
    client = named.test_client()
    assert page_at(client.get("/", base_url=OWN)) == OWN
    assert client.get("/intro", base_url="https://ann.meet.crm.example").location == f"{OWN}/intro"


def test_a_process_that_knows_the_old_name_of_a_page_redirects_no_one_in_circles(named: Flask) -> None:
    client = named.test_client()
    client.get("/", base_url=OWN)
    with named.app_context():  # as another process renames it
        page = session().scalars(sa.select(BookingPage).where(BookingPage.slug == "ann")).one()
        session().add(OldPageSlug(slug="ann", page_id=page.id))
        page.slug = "anna"
        session().commit()
    assert client.get("/intro", base_url=OWN).location == f"{CRM}/book/anna/intro"


def test_a_request_that_names_its_host_in_the_path_gets_nothing_else(named: Flask) -> None:
    """RFC 9112 §3.2.2: the absolute form wins over the Host header."""
    with socket.create_server(("127.0.0.1", 0)) as listening, served(named, listening):
        address = listening.getsockname()

        def ask(target: str, host: str) -> str:
            with socket.create_connection(address) as line:
                line.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                with line.makefile("rb") as answer:
                    return answer.read().decode()

        assert " 404 " in ask("http://book.customer.com/login", "crm.example").splitlines()[0]
        assert " 200 " in ask("http://crm.example/login", "book.customer.com").splitlines()[0]


def test_links_made_outside_a_request_lead_to_the_pages_own_name(named: Flask) -> None:
    with named.app_context():
        assert links.page_url("ann", "intro") == f"{OWN}/intro"
        assert links.manage_url("t", "cancel", page_slug="ann", base=CRM) == f"{OWN}/manage/t/cancel"
        assert links.page_url("ben", base=CRM) == "https://ben.meet.crm.example"
        assert links.booking_url("x") == f"{CRM}/settings/booking/bookings/x"


def test_event_types_leave_the_words_free_that_own_domains_need(named: Flask) -> None:
    with named.app_context():
        page = session().scalars(sa.select(BookingPage).where(BookingPage.slug == "ann")).one()
        assert catalog.create_event_type(page, {"title": "Manage", "durations": [30]}).slug == "manage-2"
