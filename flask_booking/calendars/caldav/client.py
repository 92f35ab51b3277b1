"""What a CalDAV server is asked, and where its accounts and calendars are found (RFC 4791, 5397, 6764).

Addresses that servers answer are paths or whole addresses, and may be on another host: each is put together with the
address that the answer came from, after redirects.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t
import urllib.parse

import dns.exception
import dns.resolver
import requests

from ...connections.access import Access
from ...connections.addresses import same_family, typed_url
from ...connections.problems import (
    Gone,
    LeadsElsewhere,
    NeedsReconnect,
    NotAllowed,
    ProviderProblem,
    Unreachable,
    Unreadable,
)
from ..ics.components import decoded
from .dav import C, D, Multistatus, Response, multistatus, path_of, propfind

_XML = {"Content-Type": "application/xml; charset=utf-8"}


@dataclasses.dataclass(frozen=True)
class Principal:
    """Somebody's account: its address, where its calendars are, and its mail addresses in lower case."""

    url: str
    homes: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    inbox: str = ""


@dataclasses.dataclass(frozen=True)
class Stored:
    """A resource as the server has it.  ``etag`` is empty when it has none that could be compared (RFC 9110 §8.8.1);
    ``weak`` is one that it has all the same."""

    path: str
    etag: str
    text: str
    weak: str = ""


class Client:
    """Requests of CalDAV through an access."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def ask(
        self, method: str, url: str, body: bytes = b"", headers: c.Mapping[str, str] | None = None
    ) -> requests.Response:
        """Any request.  Raises as the access does, and :class:`Unreadable` for what the server hasn't got (501)."""
        try:
            return self._access.request(method, url, data=body or None, headers=headers or {})
        except Unreachable as error:
            if error.detail == "501":
                raise Unreadable("501") from None
            raise

    def properties(self, url: str, *names: str, depth: int = 0) -> tuple[str, Multistatus]:
        """PROPFIND: where the answer came from, and what it says.

        Raises :class:`Gone`, :class:`NotAllowed`, and :class:`Unreadable` where nobody speaks WebDAV.
        """
        answer = self.ask("PROPFIND", url, propfind(*names), {**_XML, "Depth": str(depth)})
        return str(answer.url), multistatus(understood(answer).content)

    def own_properties(self, url: str, *names: str) -> tuple[str, Response]:
        """The properties of one resource.  Raises as :meth:`properties`."""
        where, found = self.properties(url, *names)
        if not found.responses:
            raise Unreadable("nothing about the resource")
        understood_status(found.responses[0].status)  # Xandikos says within a 207 that there is nothing
        return where, found.responses[0]

    def report(self, url: str, body: bytes, depth: str = "1") -> requests.Response:
        """REPORT, whatever the answer is."""
        return self.ask("REPORT", url, body, {**_XML, "Depth": depth})

    def get(self, url: str) -> Stored | None:
        """A resource; None when there is none."""
        answer = self.ask("GET", url, headers={"Accept": "text/calendar"})
        if answer.status_code in (404, 410):
            return None
        if answer.status_code != 200:
            understood(answer)
            raise Unreadable(f"GET {answer.status_code}")
        etag = answer.headers.get("ETag", "")
        return Stored(path_of(url), strong(etag), decoded(answer.content), etag if etag.startswith("W/") else "")

    # -- discovery ------------------------------------------------------------------------------------------------

    def principal(self) -> Principal:
        """The account that name and password open, found from the address its owner gave.

        Raises :class:`NeedsReconnect` for a wrong password, :class:`Unreadable` where there is no CalDAV server.
        """
        given = typed_url(str(self._access.settings["url"]))
        problem: ProviderProblem = Unreadable("no CalDAV server")
        for url in _candidates(given):
            try:
                where, found = self.own_properties(url, f"{D}current-user-principal", f"{D}resourcetype")
            except (Gone, NotAllowed, Unreadable, LeadsElsewhere) as error:
                problem = error if isinstance(error, LeadsElsewhere) else problem
                continue
            if found.has(f"{D}current-user-principal", f"{D}unauthenticated"):
                raise NeedsReconnect("unauthenticated")
            if hrefs := found.hrefs(f"{D}current-user-principal"):
                return self._described(urllib.parse.urljoin(where, hrefs[0]), where)
            if found.has(f"{D}resourcetype", f"{C}calendar"):
                return Principal(where, (where,), self._named())
        raise problem

    def _described(self, url: str, given: str) -> Principal:
        names = (f"{C}calendar-home-set", f"{C}calendar-user-address-set", f"{C}schedule-inbox-URL")
        where, found = self.own_properties(url, *names)
        homes = [urllib.parse.urljoin(where, href) for href in found.hrefs(names[0])]
        addresses = [
            urllib.parse.unquote(href[7:]).strip().lower()
            for href in found.hrefs(names[1])
            if href.lower().startswith("mailto:")
        ]
        inbox = [urllib.parse.urljoin(where, href) for href in found.hrefs(names[2])]
        return Principal(
            where,
            tuple(dict.fromkeys(homes or [given])),
            tuple(dict.fromkeys([*addresses, *self._named()])),
            inbox[0] if inbox else "",
        )

    def _named(self) -> tuple[str, ...]:
        account = self._access.account.strip().lower()
        return (account,) if "@" in account else ()

    def addresses(self, calendar_url: str) -> tuple[str, ...]:
        """The mail addresses of whoever signs in, asked by way of a calendar, as far as they can be found."""
        try:
            where, found = self.own_properties(calendar_url, f"{D}current-user-principal")
            if hrefs := found.hrefs(f"{D}current-user-principal"):
                return self._described(urllib.parse.urljoin(where, hrefs[0]), where).addresses
        except (Gone, NotAllowed, Unreadable, LeadsElsewhere):
            pass
        return self._named()


def understood(answer: requests.Response) -> requests.Response:
    """``answer`` if it is a success.  Raises as :func:`understood_status`."""
    understood_status(answer.status_code)
    return answer


def understood_status(status: int) -> None:
    """Raises for what is no success :class:`Gone`, :class:`NotAllowed`, :class:`Unreadable`, and :class:`Unreachable`
    for what is only locked or slow."""
    if status in (404, 410):
        raise Gone(str(status))
    if status == 403:
        raise NotAllowed(str(status))
    if status in (408, 423, 425):
        raise Unreachable(str(status))
    if not 200 <= status < 300:
        raise Unreadable(str(status))


def strong(etag: str) -> str:
    """``etag`` if it can be compared and kept."""
    etag = etag.strip()
    return "" if etag.startswith("W/") or len(etag) > 250 else etag


def _candidates(given: str) -> t.Iterator[str]:
    """Where to begin: as it was given, then where every server should have a sign (RFC 6764 §5), then by DNS."""
    parts = urllib.parse.urlsplit(given)
    root = urllib.parse.urlunsplit((parts.scheme, parts.netloc, "", "", ""))
    yield from dict.fromkeys([given, f"{root}/.well-known/caldav", f"{root}/"])
    found = _by_dns(parts.hostname or "") if parts.scheme == "https" and parts.path in ("", "/") else ""
    # Nobody vouches for what DNS says: the password goes to another host of the same family only.
    if found and same_family(given, found):
        yield found


def _by_dns(host: str) -> str:
    """The server that a domain names with SRV (RFC 6764 §3); empty for none."""
    try:
        found = dns.resolver.resolve(f"_caldavs._tcp.{host}", "SRV", lifetime=5)
        best = min(found, key=lambda record: (record.priority, -record.weight))
    except (dns.exception.DNSException, ValueError):
        return ""
    target = str(best.target).rstrip(".")
    return f"https://{target}:{best.port}/.well-known/caldav" if target else ""
