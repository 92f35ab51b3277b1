"""What holds for every page: it answers, and nothing inline could be smuggled into it."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from example_app.extensions import db
from example_app.models import Mail
from tests.example_app.conftest import log_in
from tests.example_app.test_mailbox import letter

# The package's own pages, tested with it.
BOOKING = ("/book/", "/settings/booking/")


class Page(HTMLParser):
    """The links of a page, and whatever in it a strict Content-Security-Policy would stop."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "style" or (tag == "script" and not values.get("src")):
            self.inline.append(tag)
        self.inline += [f"{tag} {name}" for name in values if name == "style" or name.startswith("on")]
        self.inline += [f"{tag} {value}" for value in values.values() if (value or "").startswith("javascript:")]
        if tag == "a" and values.get("href"):
            self.links.append(values["href"] or "")


def test_inline_scripts_and_styles_would_be_found() -> None:
    found = Page("<p style='x'><style></style><script>1</script><a href='javascript:x' onclick='y'></a>").inline
    assert found == ["p style", "style", "script", "a onclick", "a javascript:x"]


def test_every_page_that_links_lead_to_answers_under_a_strict_policy(booked: Flask) -> None:
    cleo = log_in(booked.test_client(), "cleo")
    with booked.app_context():
        db.session.add(Mail.of(letter()))
        db.session.commit()
    ahead, seen = ["/", "/login", "/nowhere"], {"/nowhere"}
    # One of a kind is enough: the pages of forty contacts are made by one view.
    kinds: dict[tuple[str | None, tuple[str, ...]], int] = {}
    while ahead:
        path = ahead.pop()
        answer = cleo.get(path)
        assert answer.status_code in ({404} if path == "/nowhere" else {200, 302}), path
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if answer.mimetype != "text/html":
            continue
        page = Page(answer.text)
        assert page.inline == [], path
        for link in page.links:
            parts = urlsplit(urljoin(f"http://localhost{path}", link))
            onward = parts.path + (f"?{parts.query}" if parts.query else "")
            if parts.hostname != "localhost" or onward in seen or parts.path.startswith(BOOKING):
                continue
            seen.add(onward)
            endpoint, _ = booked.url_map.bind("localhost").match(parts.path, method="GET")
            kind = (endpoint, tuple(sorted(parts.query.split("&"))))
            kinds[kind] = kinds.get(kind, 0) + 1
            if kinds[kind] <= 2:
                ahead.append(onward)
    assert len(seen) > 30


def test_a_broken_page_says_sorry_without_asking_who_is_there(seeded: Flask) -> None:
    seeded.config["PROPAGATE_EXCEPTIONS"] = False
    seeded.add_url_rule("/broken", view_func=lambda: 1 // 0, endpoint="broken")
    answer = seeded.test_client().get("/broken")
    assert answer.status_code == 500
    assert "Something broke" in answer.text
    assert "ZeroDivisionError" not in answer.text
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/", "/contacts/", "/activities/", "/users/", "/mailbox/"])
def test_nothing_of_the_crm_is_kept_by_caches(cleo: FlaskClient, path: str) -> None:
    assert cleo.get(path).headers["Cache-Control"] == "private, no-store"
