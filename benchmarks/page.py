"""What a guest's browser loads for the first page with times: every file it names, as the server sends it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient

from benchmarks.booking import new_app
from benchmarks.table import Row
from example_app.seed import seed

PAGE = "/book/ann/consultation"
KILOBYTE = 1000


class Named(HTMLParser):
    """The files that a page makes a browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        address = values.get("src") if tag in {"script", "img", "source"} else None
        if tag == "link" and (values.get("rel") or "") in {"stylesheet", "icon", "modulepreload", "preload"}:
            address = values.get("href")
        if address and not address.startswith("data:"):
            self.found.append(address)


def weigh(client: FlaskClient, page: str) -> dict[str, int]:
    """The bytes of ``page`` and of each file it names, uncompressed and without headers."""
    answer = client.get(page)
    named = Named()
    named.feed(answer.text)
    weights = {page: len(answer.data)}
    for address in named.found:
        path = urljoin(page, address)
        if urlsplit(path).netloc:
            raise RuntimeError(f"the page names a file of another server: {path}")
        weights[path] = len(client.get(path).data)
    return weights


def rows() -> Iterator[Row]:
    """The weight of the guest's page."""
    with tempfile.TemporaryDirectory() as folder:
        app = new_app(f"sqlite:///{folder}/page.sqlite", folder)
        with app.app_context():
            seed()
        weights = weigh(app.test_client(), PAGE)
    yield Row.at_most_goal("guest page, all files, uncompressed", sum(weights.values()) / KILOBYTE, 50, "kB")
