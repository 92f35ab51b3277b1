"""Making, changing and removing one event on a CalDAV server, whatever earlier tries and other people did.

An event is named after its UID, so that a try whose answer was lost is found by the next one.  Servers say in several
ways that the UID is taken: 409 or 403 (RFC 4791), 412 (Xandikos).
"""

from __future__ import annotations

import datetime as dt
import re
import urllib.parse

import requests

from ...connections.problems import Changed, Gone, NotAllowed, Unreachable
from ..ics.components import scan
from ..ics.occurrences import is_cancelled
from ..provider import EventDraft, RemoteCalendar, Written
from .client import Client, Stored, strong, understood
from .dav import C, D, conditions, multistatus, path_of, query_uid
from .event import NotOurs, People, changed_text, new_text, ours

TRIES = 4
"""How often a write is tried again when somebody changed the event meanwhile."""

_TEXT = {"Content-Type": "text/calendar; charset=utf-8"}
_TAKEN = f"{C}no-uid-conflict"
_REFUSED = (400, 403, 409, 415, 422)
_STALE = (409, 412, 428)


class Writing:
    """One booking's event in one calendar."""

    def __init__(self, client: Client, calendar: RemoteCalendar, draft: EventDraft, people: People | None) -> None:
        self._client, self._calendar, self._draft, self._people = client, calendar, draft, people
        self._folder = path_of(calendar.id).rstrip("/") + "/"
        # A name that servers and file systems take as it is; else the key, which also never changes.
        name = draft.uid if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,180}", draft.uid) else draft.key
        self._path = f"{self._folder}{name}.ics"

    def write(self, known: Written | None) -> Written:
        """See :meth:`.provider.CalendarProvider.write`."""
        return self._change(known.id, revive=False) if known else self._make()

    # -- making -----------------------------------------------------------------------------------------------------

    def _make(self) -> Written:
        path = self._path
        for _ in range(TRIES):
            answer = self._put(path, new_text(self._draft, self._people, _now()), {"If-None-Match": "*"})
            if 200 <= answer.status_code < 300:
                return self._written(path, answer)
            found = self._made_before(answer, path)
            if found is not None:
                try:
                    return self._change(found.path, revive=True)
                except Gone:
                    continue  # deleted meanwhile
            else:
                self._refused(answer)
        raise Changed("made and deleted all the time")

    def _made_before(self, answer: requests.Response, path: str) -> Stored | None:
        """What an earlier try has made, when the server's refusal says that there is something."""
        if answer.status_code not in (403, 409, 412):
            return None
        named = conditions(answer.content).get(_TAKEN)
        if answer.status_code == 403 and named is None:
            return None
        if named is None and answer.status_code == 412 and (found := self._ours(self._client.get(self._url(path)))):
            return found
        for other in named or ():
            if other.startswith(self._folder) and (found := self._ours(self._client.get(self._url(other)))):
                return found
        if found := self._by_uid():
            return found
        if named is not None:
            # In another calendar of the same account, which the event is about to leave: later it is gone there.
            raise Changed("the UID is taken elsewhere")
        return None

    def _by_uid(self) -> Stored | None:
        answer = self._client.report(self._calendar.id, query_uid(self._draft.uid))
        for one in multistatus(understood(answer).content).responses:
            stored = Stored(one.path, strong(one.text(f"{D}getetag")), one.text(f"{C}calendar-data"))
            if one.status < 400 and self._ours(stored):
                return stored
        return None

    def _ours(self, stored: Stored | None) -> Stored | None:
        try:
            return stored if stored and ours(scan(stored.text), self._draft.uid) else None
        except NotOurs:
            return None

    # -- changing ---------------------------------------------------------------------------------------------------

    def _change(self, path: str, *, revive: bool) -> Written:
        """Change what is at ``path``; with ``revive`` also what was called off.  Raises :class:`Gone`."""
        for _ in range(TRIES):
            stored = self._client.get(self._url(path))
            if stored is None or not self._ours(stored):
                raise Gone("404")
            if not revive and is_cancelled(ours(scan(stored.text), self._draft.uid)):
                raise Gone("cancelled")
            text = changed_text(stored.text, self._draft, self._people, _now(), self._calendar.time_zone)
            if text is None:
                return self._as_drafted(path, stored.etag)
            answer = self._put(path, text, {"If-Match": stored.etag} if stored.etag else {})
            if answer.status_code in _STALE and not stored.etag and stored.weak:
                # Some demand a condition and have nothing but weak etags to make one of.
                answer = self._put(path, text, {"If-Match": stored.weak})
            if 200 <= answer.status_code < 300:
                return self._written(path, answer)
            self._refused(answer)
        raise Changed("412")

    def _refused(self, answer: requests.Response) -> None:
        """Returns when it is worth another try: somebody was faster, or the server may object to the guests only.

        Raises :class:`Gone` when there is no such calendar (some say 409 then), :class:`NotAllowed`.
        """
        if answer.status_code == 412:
            return
        if answer.status_code in _REFUSED:
            if self._people is not None and not self._people.invite:
                self._people = None  # the event matters more than who is listed
                return
            self._client.own_properties(self._calendar.id, f"{D}resourcetype")
            raise NotAllowed(str(answer.status_code))
        understood(answer)

    # -- removing ---------------------------------------------------------------------------------------------------

    def remove(self, known: Written | None) -> None:
        """See :meth:`.provider.CalendarProvider.remove`."""
        path, etag = (known.id, known.etag) if known else (self._path, "")
        if not etag:
            found = self._ours(self._client.get(self._url(path))) or (None if known else self._by_uid())
            if found is None:
                return
            path, etag = found.path, found.etag or found.weak
        for _ in range(TRIES):
            answer = self._client.ask("DELETE", self._url(path), headers={"If-Match": etag} if etag else {})
            if 200 <= answer.status_code < 300 or answer.status_code in (404, 410):
                return
            if answer.status_code not in _STALE:
                understood(answer)
            found = self._ours(self._client.get(self._url(path)))
            if found is None:
                return  # gone, or somebody else's by now
            etag = found.etag or ("" if etag else found.weak)
        raise Changed("412")

    # -- requests ---------------------------------------------------------------------------------------------------

    def _url(self, path: str) -> str:
        return urllib.parse.urljoin(self._calendar.id, path)

    def _put(self, path: str, text: str, condition: dict[str, str]) -> requests.Response:
        try:
            return self._client.ask("PUT", self._url(path), text.encode(), {**_TEXT, **condition})
        except Unreachable as error:
            if error.detail == "507":  # no room for it
                raise NotAllowed("507") from None
            raise

    def _written(self, path: str, answer: requests.Response) -> Written:
        # Without a strong etag the server has written something else than we sent (RFC 4791 §5.3.4).
        etag = strong(answer.headers.get("ETag", ""))
        if not etag and (stored := self._client.get(self._url(path))):
            etag = stored.etag
        return self._as_drafted(path, etag)

    def _as_drafted(self, path: str, etag: str) -> Written:
        return Written(path, etag, self._draft.uid, self._draft.starts, self._draft.ends)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
