"""How Microsoft Graph is asked: headers, paging, and what its refusals mean.

https://learn.microsoft.com/graph/api/overview.  Each request asks for times in UTC and for ids that stay the same when
an event is moved to another folder: ids of the two kinds must not be mixed.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import logging
import re
import typing as t
import urllib.parse

from flask import current_app

from ...connections.access import Access
from ...connections.problems import Changed, CursorExpired, Gone, MissingScope, NotAllowed, ProviderProblem, Unreadable

log = logging.getLogger(__name__)

PAGE_SIZE = 500
"""So many entries are asked for at once; Graph gives ten when nothing is said, and may always give fewer."""
MOST_PAGES = 1000
"""A service that goes on beyond this isn't in its right mind."""

_PREFER = f'outlook.timezone="UTC", IdType="ImmutableId", odata.maxpagesize={PAGE_SIZE}'
# The state behind a delta link is lost: any 4xx may say so, in any spelling.
_RESETS = {"syncstatenotfound", "syncstateinvalid", "resyncrequired"}
_REFUSALS: dict[str, type[ProviderProblem]] = {
    "mailboxnotenabledforrestapi": NotAllowed,  # a 404, but nothing is missing: there is no mailbox in the cloud
    "authorization_requestdenied": MissingScope,
}
_STATUSES: dict[int, type[ProviderProblem]] = {
    403: NotAllowed,
    404: Gone,
    409: Changed,
    410: Gone,
    412: Changed,
}


@dataclasses.dataclass(frozen=True)
class Answer:
    """What Graph answered: not always what was hoped for."""

    status: int
    body: c.Mapping[str, t.Any]

    @property
    def error(self) -> c.Mapping[str, t.Any]:
        """Graph's own words about a refusal: ``code``, ``message``, and at times more."""
        found = self.body.get("error")
        return found if isinstance(found, dict) else {}

    @property
    def code(self) -> str:
        """The code of a refusal, with nothing in it that doesn't belong into a log."""
        return re.sub(r"[^\w.-]", "", str(self.error.get("code", "")))[:80]

    def problem(self) -> ProviderProblem:
        """The refusal as a problem."""
        code = self.code.casefold()
        kind = CursorExpired if code in _RESETS else _REFUSALS.get(code) or _STATUSES.get(self.status, ProviderProblem)
        return kind(f"{self.status} {self.code}".strip())

    def value(self) -> c.Mapping[str, t.Any]:
        """What was asked for.  Raises :meth:`problem` when it was refused."""
        if not 200 <= self.status < 300:
            raise self.problem()
        return self.body


class Graph:
    """Microsoft Graph, asked in the name of one account."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._base = str(current_app.config["BOOKING_MICROSOFT_API_URL"]).rstrip("/")

    def ask(
        self,
        method: str,
        path: str,
        params: c.Mapping[str, str] | None = None,
        *,
        json: t.Any = None,
        etag: str = "",
    ) -> Answer:
        """Ask for a path, or for a link that Graph gave.

        Raises what :meth:`.Access.request` raises, and :class:`.Unreadable` for an answer that isn't JSON.
        """
        headers = {"Prefer": _PREFER, "Accept": "application/json"}
        if etag:
            headers["If-Match"] = etag
        answer = self._access.request(method, self._address(path, params), json=json, headers=headers)
        try:
            body = answer.json() if answer.content else {}
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            if answer.status_code < 300:
                raise Unreadable(f"{answer.status_code} without JSON")
            body = {}
        found = Answer(answer.status_code, body)
        if found.status >= 300:
            log.info("Graph: %s %s, request-id %s", found.status, found.code, answer.headers.get("request-id", ""))
        return found

    def pages(self, path: str, params: c.Mapping[str, str] | None = None) -> c.Iterator[c.Mapping[str, t.Any]]:
        """Each page of a list: any may be empty, only the last one is without ``@odata.nextLink``."""
        seen = set()
        for _ in range(MOST_PAGES):
            page = self.ask("GET", path, params).value()
            yield page
            link = page.get("@odata.nextLink")
            if not link:
                return
            if link in seen:
                break
            seen.add(link)
            path, params = str(link), None
        raise Unreadable("a list without an end")

    def all(self, path: str, params: c.Mapping[str, str] | None = None) -> c.Iterator[c.Mapping[str, t.Any]]:
        """Each entry of a list."""
        for page in self.pages(path, params):
            yield from entries(page)

    def gave(self, link: str) -> bool:
        """Whether a link can be Graph's: whoever is asked gets the account's token."""
        return link.startswith(f"{self._base}/")

    def _address(self, path: str, params: c.Mapping[str, str] | None) -> str:
        if not path.startswith("/"):
            if not self.gave(path):
                raise Unreadable("a link to somewhere else")
            return path
        # Graph wants spaces as %20.
        query = urllib.parse.urlencode(params or {}, quote_via=urllib.parse.quote, safe="$(),'")
        return f"{self._base}{path}" + (f"?{query}" if query else "")


def entries(page: c.Mapping[str, t.Any]) -> list[c.Mapping[str, t.Any]]:
    """What is on a page of a list."""
    found = page.get("value")
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise Unreadable("a list without entries")
    return found


def within(*parts: str) -> str:
    """A path beneath ``/me`` from its parts, ids among them: those of Exchange hold ``=`` and may hold ``/``."""
    return "/me/" + "/".join(urllib.parse.quote(part, safe="") for part in parts)
