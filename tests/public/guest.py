"""A guest who reads pages and fills in forms as a browser without scripts does."""

from __future__ import annotations

import dataclasses
import html
import re
import urllib.parse
from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

DETAILS = {"name": "Sam Hill", "email": "sam@example.com"}


@dataclasses.dataclass
class Form:
    """A form of a page: where it goes, and what it would send as it stands."""

    action: str
    method: str
    values: dict[str, Any] = dataclasses.field(default_factory=dict)
    starts: list[str] = dataclasses.field(default_factory=list)


class _Reader(HTMLParser):
    """Collects forms; a text area's text and every choice made before are part of what is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get")))
        if not self.forms or "name" not in given:
            return
        form, name, value = self.forms[-1], given["name"], given.get("value", "")
        if name == "start" and (tag == "button" or given.get("type") == "radio"):
            form.starts.append(value)
        elif tag == "textarea":
            self._area, form.values[name] = name, ""
        elif tag == "input" and (given.get("type") not in ("radio", "checkbox") or "checked" in given):
            form.values[name] = value

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1].values[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None


def forms(response: TestResponse) -> list[Form]:
    """The forms of a page."""
    reader = _Reader()
    reader.feed(response.text)
    return reader.forms


def form_to(response: TestResponse, ending: str) -> Form:
    """The form whose action ends so, before any parameters."""
    found = [form for form in forms(response) if form.action.partition("?")[0].endswith(ending)]
    assert found, f"no form to {ending} in: {text_of(response)}"
    return found[0]


def text_of(response: TestResponse) -> str:
    """What can be read on a page, on one line."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", response.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def heading(response: TestResponse) -> str:
    """The page's heading."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", response.text, re.DOTALL)
    assert found, response.text[:500]
    return html.unescape(re.sub(r"<[^>]+>", "", found[1])).strip()


def times(response: TestResponse) -> list[str]:
    """The starts on a page of times."""
    return [start for form in forms(response) for start in form.starts]


def choose(client: FlaskClient, address: str, start: str | None = None) -> TestResponse:
    """Open the times at ``address``, press one of them (the first), and return the page that follows."""
    page = client.get(address)
    form = form_to(page, "/hold")
    answer = client.post(form.action, data={**form.values, "start": start or form.starts[0]})
    return client.get(answer.location) if answer.status_code == 303 else answer


def send(client: FlaskClient, page: TestResponse, **values: Any) -> TestResponse:
    """Fill in the details on ``page`` and send them."""
    form = form_to(page, "/details")
    return client.post(form.action, data={**form.values, **DETAILS, **values})


def book(client: FlaskClient, address: str, **values: Any) -> str:
    """Book the first time at ``address``; returns the address of the confirmation."""
    answer = send(client, choose(client, address), **values)
    assert answer.status_code == 303, text_of(answer)
    return str(answer.location)


def manage(confirmation: str) -> str:
    """The address of the guest's page, without parameters."""
    return urllib.parse.urlsplit(confirmation).path
