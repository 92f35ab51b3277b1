"""A CalDAV server with the habits of others: a thin proxy before a real one, whose answers it bends as ordered."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from tests.fakes.base import Fake, served

_FORWARDED = ("Authorization", "Depth", "If-Match", "If-None-Match", "Content-Type", "Destination", "Accept")
_RETURNED = ("ETag", "DAV", "Content-Type", "Location", "WWW-Authenticate", "Allow")
_RESPONSE = re.compile(r"<(?:\w+:)?response>.*?</(?:\w+:)?response>", re.DOTALL)
_TOKEN = re.compile(r"(<(?:\w+:)?sync-token>)(.*?)(</(?:\w+:)?sync-token>)", re.DOTALL)


@dataclass
class Habits:
    """What a server does otherwise; the names in brackets are of those that are known for it."""

    put_etag: str = "strong"
    """``weak`` (GMX) or ``none`` (whoever rewrites what was stored)."""
    get_etag: str = "strong"
    stale_status: int = 0
    """The answer to a token that the server doesn't know."""
    sync_status: int = 0
    """The answer to any sync-collection, by who hasn't got it."""
    everything: bool = False
    """A token is answered with all there is, and never with what was deleted (SOGo, Purelymail)."""
    page: int = 0
    """So many changes at a time; 507 says that there are more (RFC 6578 §3.6)."""
    no_multiget: bool = False
    home: str = ""
    """Where calendars are said to be (iCloud: on another host)."""
    mail: str = ""
    """The owner's mail address."""
    schedules: bool = False
    """Mails invitations to those for whom the client doesn't (RFC 6638); see :attr:`QuirkyCalDAV.mailed`."""
    refuses_guests: bool = False
    overwrites: bool = False
    """``If-None-Match: *`` is ignored (Zimbra)."""
    demands_if_match: bool = False
    """409 without it (OX)."""
    redirects: dict[str, str] = field(default_factory=dict)
    """Paths that are elsewhere."""


class QuirkyCalDAV(Fake):
    """The proxy; ``habits`` may be changed at any time."""

    urls = Map([Rule("/", endpoint="any"), Rule("/<path:path>", endpoint="any")], strict_slashes=False)

    def __init__(self, upstream: str, habits: Habits | None = None) -> None:
        super().__init__()
        self.upstream, self.habits = upstream, habits or Habits()
        self.mailed: list[str] = []
        self._session = requests.Session()
        self._session.trust_env = False
        self._known: set[str] = set()

    def any(self, request: Request, path: str = "") -> Response:
        with self.lock:
            return self._bent(request)

    def _bent(self, request: Request) -> Response:
        habits, body = self.habits, request.get_data()
        if request.path in habits.redirects:
            return Response(status=302, headers={"Location": habits.redirects[request.path]})
        if b"sync-collection" in body:
            return self._sync(request, body)
        if b"calendar-multiget" in body and habits.no_multiget:
            return Response(status=501)
        if request.method == "PUT" and (refused := self._refused(request, body)):
            return refused
        answer = self._forwarded(request, body)
        if request.method == "PROPFIND":
            self._described(answer)
        if habits.schedules and request.method == "OPTIONS":
            answer.headers["DAV"] = answer.headers.get("DAV", "") + ", calendar-auto-schedule"
        self._etag(answer, habits.put_etag if request.method == "PUT" else habits.get_etag)
        return answer

    def _forwarded(self, request: Request, body: bytes) -> Response:
        headers = {name: request.headers[name] for name in _FORWARDED if name in request.headers}
        if self.habits.overwrites:
            headers.pop("If-None-Match", None)
        if (sent := headers.get("If-Match", "")).startswith("W/"):
            headers["If-Match"] = sent[2:]
        answer = self._session.request(
            request.method, self.upstream + urllib.parse.quote(request.path), data=body, headers=headers,
            allow_redirects=False, timeout=30,
        )  # fmt: skip
        returned = {name: answer.headers[name] for name in _RETURNED if name in answer.headers}
        return Response(answer.content, answer.status_code, returned)

    def _sync(self, request: Request, body: bytes) -> Response:
        habits = self.habits
        if habits.sync_status:
            return Response(status=habits.sync_status)
        asked = _TOKEN.search(body.decode())
        token = asked[2] if asked else ""
        place = 0
        if habits.page and (page := re.fullmatch(r"page-(\d+)-(.*)", token)):
            place, token = int(page[1]), page[2]
        if token and habits.stale_status:
            return Response(status=habits.stale_status)
        if habits.everything:
            token = ""
        answer = self._forwarded(
            request, _TOKEN.sub(lambda found: f"{found[1]}{token}{found[3]}", body.decode()).encode()
        )
        if not habits.page or answer.status_code != 207:
            return answer
        text = answer.get_data(as_text=True)
        members = _RESPONSE.findall(text)
        for member in members:
            text = text.replace(member, "", 1)
        some = members[place : place + habits.page]
        if place + habits.page < len(members):
            some.append(
                f"<response><href>{request.path}</href><status>HTTP/1.1 507 Insufficient Storage</status></response>"
            )
            text = _TOKEN.sub(lambda found: f"{found[1]}page-{place + habits.page}-{token}{found[3]}", text)
        answer.set_data(text.replace("</multistatus>", "".join(some) + "</multistatus>"))
        return answer

    def _refused(self, request: Request, body: bytes) -> Response | None:
        habits = self.habits
        text = body.decode().replace("\r\n ", "")
        guests = re.findall(r"^ATTENDEE.*$", text, re.MULTILINE)
        if habits.refuses_guests and guests:
            return Response(status=403)
        if habits.demands_if_match and request.path in self._known and "If-Match" not in request.headers:
            return Response(status=409)
        self._known.add(request.path)
        if habits.schedules and f"mailto:{habits.mail}" in "".join(re.findall(r"^ORGANIZER.*$", text, re.MULTILINE)):
            self.mailed += [
                line.strip().rpartition("mailto:")[2] for line in guests if "SCHEDULE-AGENT=CLIENT" not in line
            ]
        return None

    def _described(self, answer: Response) -> None:
        text = answer.get_data(as_text=True)
        if self.habits.home:
            text = re.sub(
                r"(<C:calendar-home-set><href>)(.*?)(</href>)",
                lambda found: f"{found[1]}{self.habits.home}{found[2]}{found[3]}",
                text,
            )
        if self.habits.mail:
            text = re.sub(
                r"(<C:calendar-user-address-set>)",
                lambda found: f"{found[1]}<href>mailto:{self.habits.mail}</href>",
                text,
            )
        answer.set_data(text)

    def _etag(self, answer: Response, kind: str) -> None:
        if kind == "none":
            answer.headers.pop("ETag", None)
        elif kind == "weak":
            if "ETag" in answer.headers:
                answer.headers["ETag"] = "W/" + answer.headers["ETag"]
            text = answer.get_data(as_text=True)
            if "getetag" in text:
                answer.set_data(re.sub(r"(<getetag>)(\")", r"\1W/\2", text))


@contextmanager
def quirky(upstream: str, certificate: Path | None = None, **habits: Any) -> Iterator[QuirkyCalDAV]:
    """The proxy behind a socket, over TLS with a certificate."""
    fake = QuirkyCalDAV(upstream, Habits(**habits))
    with served(fake, certificate):
        yield fake
    fake._session.close()
