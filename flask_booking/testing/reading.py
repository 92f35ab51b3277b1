"""Pages as a browser without scripts reads them: their text, and their forms as they would be sent."""

from __future__ import annotations

import dataclasses
import html
import re
import typing as t
from html.parser import HTMLParser

from werkzeug.test import TestResponse


@dataclasses.dataclass
class Form:
    """A form of a page: where it goes, and what it would send as it stands.  ``starts`` are the times in it."""

    action: str
    method: str
    values: dict[str, t.Any] = dataclasses.field(default_factory=dict)
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
    if not found:
        raise AssertionError(f"no form to {ending} in: {text_of(response)}")
    return found[0]


def text_of(response: TestResponse) -> str:
    """What can be read on a page, on one line."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", response.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())
