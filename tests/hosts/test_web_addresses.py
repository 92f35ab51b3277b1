"""Where a CRM is mounted: beneath a path, behind a proxy, several in one process; and where booking can't be."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Blueprint, Flask, current_app, url_for
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from flask_booking import FlaskBooking
from flask_booking.errors import BookingConfigError
from flask_booking.jobs.context import as_if_asked
from tests.hosts import web
from tests.hosts.test_web_habits import Make
from tests.hosts.test_web_habits import make as make
from tests.hosts.way import walk

PLAIN: dict[str, Any] = {"BOOKING_BASE_TEMPLATE": None}


class Linking(web.SessionCRM):
    """Knows the page of each contact, which mails to hosts link to."""

    def contact_url(self, contact: Any) -> str:
        return url_for("desk", contact=contact.id)


def links(crm: web.SessionCRM, name: str = "/manage/") -> set[str]:
    """What stands before ``name`` in the links of all mails."""
    texts = [part.get_content() for mail in crm.sent for part in mail.walk() if part.get_content_type() == "text/plain"]
    return {word.partition(name)[0] for text in texts for word in text.split() if name in word}


@pytest.mark.parametrize(
    ("config", "home"),
    [
        ({}, "http://crm.example/crm"),
        ({"TRUSTED_HOSTS": ["crm.example"]}, "http://crm.example/crm"),
        ({"SERVER_NAME": "crm.example", "APPLICATION_ROOT": "/crm"}, "http://crm.example/crm"),
        ({"BOOKING_PUBLIC_URL": "https://meet.example/crm/"}, "https://meet.example/crm"),
    ],
    ids=["proxy", "trusted", "server-name", "public-url"],
)
def test_pages_and_mails_lead_beneath_the_path_of_the_crm(make: Make, config: dict[str, Any], home: str) -> None:
    crm = Linking()
    app = make(web.desks, crm, **PLAIN, **config)
    app.wsgi_app = web.Beneath(app.wsgi_app, "/crm")  # type: ignore[method-assign]
    walk(app, web.logged_in(app, "/crm"), root="/crm")
    assert links(crm) == {f"{home}/book"}
    assert links(crm, "/desk") == {home}


def test_a_worker_makes_links_where_only_some_hosts_are_trusted(make: Make) -> None:
    app = make(web.desks, web.SessionCRM(), TRUSTED_HOSTS=[".crm.example"], **PLAIN)
    with app.app_context(), as_if_asked(app):
        assert url_for("desk", _external=True) == "http://crm.example/desk"


def test_several_crms_of_one_process_know_nothing_of_each_other(make: Make) -> None:
    one, other = web.SessionCRM(), web.SessionCRM()
    first = make(web.desks, one, **PLAIN)
    second = make(web.handmade, other, **PLAIN, BOOKING_URL_PREFIX="/meet", BOOKING_PUBLIC_URL="https://b.example")
    first.wsgi_app = DispatcherMiddleware(first.wsgi_app, {"/b": second.wsgi_app})  # type: ignore[method-assign]
    walk(first, web.logged_in(first))
    assert second.test_client().get("/meet/ann-meyer").status_code == 404
    walk(second, web.logged_in(second))
    assert (links(one), links(other)) == ({"http://localhost/book"}, {"https://b.example/meet"})
    assert first.test_client().get("/b/meet/ann-meyer").status_code == 200


def test_it_is_mounted_on_the_app_that_current_app_means(make: Make) -> None:
    app = make(web.desks)
    app.config |= PLAIN | {"BOOKING_WORKER": False}
    with app.app_context():
        FlaskBooking().init_app(current_app, web.db, crm=web.SessionCRM())
    assert app.test_client().get("/book/nobody").status_code == 404
    assert app.extensions["booking"].db is web.db


def _named_alike(app: Flask) -> None:
    app.register_blueprint(Blueprint("booking_api", __name__))


@pytest.mark.parametrize(
    ("app", "dress", "config", "sentence"),
    [
        ({}, _named_alike, {}, "a blueprint called booking_api, a name of flask_booking: rename it"),
        ({}, web.desks, {"BOOKING_URL_PREFIX": "meet"}, 'BOOKING_URL_PREFIX is "meet" and must begin with a slash'),
        ({"host_matching": True, "static_host": "crm.example"}, web.desks, {}, "made with host_matching=True"),
    ],
)
def test_an_app_on_which_no_page_would_be_found_is_refused(
    app: dict[str, Any], dress: web.Dress, config: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BookingConfigError, match=sentence):
        web.make_host("sqlite://", dress, crm=web.SessionCRM(), app=Flask("crm", **app), **config)


def test_what_mounts_nothing_says_so() -> None:
    with pytest.raises(BookingConfigError, match=r"write FlaskBooking\(app, db, crm=CRM\(User, …\)\)"):
        FlaskBooking(Flask("crm"))
    wrapped: Any = DispatcherMiddleware(Flask("crm"), {})
    with pytest.raises(BookingConfigError, match="needs the Flask app itself, not the DispatcherMiddleware around it"):
        FlaskBooking().init_app(wrapped, web.db, crm=web.SessionCRM())
