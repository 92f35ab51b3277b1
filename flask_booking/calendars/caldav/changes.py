"""What changed in a CalDAV calendar: by sync-collection (RFC 6578), or where that can't be trusted by comparing etags.

A cursor is ours: besides the server's token it keeps for which window occurrences were expanded, and the mail addresses
of the calendar's owner, which say what was declined.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import hashlib
import json
import logging
import typing as t
import urllib.parse

from ...connections.problems import (
    CursorExpired,
    Gone,
    NotAllowed,
    ProviderProblem,
    Unreachable,
    Unreadable,
)
from ..ics.components import scan
from ..ics.occurrences import read
from ..ics.recurrence import Budget
from ..provider import Changes, RemoteCalendar, Resource, Window
from .client import Client, Stored, strong, understood
from .dav import CS, C, D, multiget, multistatus, path_of, sync_collection

BATCH = 50
"""Resources that are asked for at once."""
MOST_ROUNDS = 1000
"""How often a server may answer that there is more."""
SLACK = 86_400
"""Seconds that a window may have moved on before series have to be expanded anew."""

_log = logging.getLogger("flask_booking.calendars")


@dataclasses.dataclass(frozen=True)
class Cursor:
    """Where to go on.  Either ``token``, or ``ctag`` with a digest of each etag by the resource's name.

    ``proven``: the server was seen to answer a token with what changed since, and not with everything.
    """

    start: int
    end: int
    addresses: tuple[str, ...] = ()
    token: str = ""
    proven: bool = False
    ctag: str = ""
    etags: c.Mapping[str, str] = dataclasses.field(default_factory=dict)

    def text(self) -> str:
        """As it is kept."""
        return json.dumps(
            {name: value for name, value in dataclasses.asdict(self).items() if value}, separators=(",", ":")
        )

    @classmethod
    def of(cls, text: str) -> Cursor:
        """Raises :class:`CursorExpired` for one that another release has kept."""
        try:
            kept = json.loads(text)
            return cls(**{**kept, "addresses": tuple(kept.get("addresses", ()))})
        except (ValueError, TypeError, AttributeError):
            raise CursorExpired("unknown form") from None


class _NoTokens(Exception):
    """The server has no sync-collection, or none that can be used."""


def changes(client: Client, calendar: RemoteCalendar, text: str, window: Window) -> Changes:
    """See :meth:`.provider.CalendarProvider.changes`."""
    if not text:
        return _Reading(client, calendar, window).everything()
    cursor = Cursor.of(text)
    if window.end > cursor.end + SLACK or window.start < cursor.start - SLACK:
        raise CursorExpired("another window")
    reading = _Reading(client, calendar, Window(window.start, max(window.end, cursor.end)))
    return reading.since_token(cursor) if cursor.token else reading.since_etags(cursor)


class _Reading:
    """One reading of a calendar."""

    def __init__(self, client: Client, calendar: RemoteCalendar, window: Window) -> None:
        self._client, self._calendar, self._url, self._window = client, calendar, calendar.id, window
        self._folder = path_of(calendar.id).rstrip("/") + "/"
        self._budget = Budget()

    # -- everything -------------------------------------------------------------------------------------------------

    def everything(self) -> Changes:
        """All that is in the window."""
        cursor = Cursor(self._window.start, self._window.end, self._client.addresses(self._url))
        try:
            token, found, _ = self._collected("")
            paths = list(found)
            proven = self._proven(token, len(found)) if found else False
            cursor = dataclasses.replace(cursor, token=token, proven=proven)
        except _NoTokens:
            ctag, listing = self._ctag(), self._listed()
            paths = list(listing)
            cursor = dataclasses.replace(cursor, ctag=ctag, etags=self._digests(listing))
        stored, _ = self._fetched(paths)
        resources = [resource for resource in self._read(stored, cursor) if resource.events]
        return Changes(tuple(resources), cursor=cursor.text(), complete=True)

    def _proven(self, token: str, count: int) -> bool:
        """Ask again at once: some servers answer everything each time, and so never tell what was deleted."""
        _, found, removed = self._collected(token)
        if len(found) + len(removed) > count // 2:
            raise _NoTokens
        return True

    # -- what changed -----------------------------------------------------------------------------------------------

    def since_token(self, cursor: Cursor) -> Changes:
        """By the server's token."""
        try:
            token, found, removed = self._collected(cursor.token)
            if found and not cursor.proven:
                cursor = dataclasses.replace(cursor, proven=self._proven(token, len(found)))
        except _NoTokens:
            raise CursorExpired("no tokens any more") from None
        return self._changed(found, removed, dataclasses.replace(cursor, token=token))

    def since_etags(self, cursor: Cursor) -> Changes:
        """By comparing each etag, unless the calendar's own (ctag) says that there is nothing to compare."""
        ctag = self._ctag()
        if ctag and ctag == cursor.ctag:
            return Changes((), cursor=cursor.text())
        listing = self._listed()
        digests = self._digests(listing)
        found = [
            path
            for path, etag in listing.items()
            if not etag or cursor.etags.get(self._name(path)) != digests[self._name(path)]
        ]
        names = {self._name(path) for path in listing}
        removed = [urllib.parse.urljoin(self._folder, name) for name in cursor.etags if name not in names]
        return self._changed(found, removed, dataclasses.replace(cursor, ctag=ctag, etags=digests))

    def _changed(self, found: c.Iterable[str], removed: list[str], cursor: Cursor) -> Changes:
        stored, missing = self._fetched(list(found))
        gone = tuple(_id(path) for path in dict.fromkeys([*removed, *missing]))
        return Changes(tuple(self._read(stored, cursor)), removed=gone, cursor=cursor.text())

    # -- listings ---------------------------------------------------------------------------------------------------

    def _collected(self, token: str) -> tuple[str, dict[str, None], list[str]]:
        """The next token, and the paths of what changed and of what was removed.

        Raises :class:`CursorExpired`, :class:`Gone`, ``_NoTokens``.
        """
        found: dict[str, None] = {}
        removed: dict[str, None] = {}
        for _ in range(MOST_ROUNDS):
            answer = multistatus(self._asked(token))
            truncated = False
            for one in answer.responses:
                if one.path.rstrip("/") == self._folder.rstrip("/"):
                    truncated = truncated or one.status == 507
                elif one.status in (404, 410):
                    found.pop(one.path, None)
                    removed[one.path] = None
                elif not one.path.endswith("/"):
                    removed.pop(one.path, None)
                    found[one.path] = None
            if not answer.sync_token or (truncated and answer.sync_token == token):
                raise _NoTokens
            token = answer.sync_token
            if not truncated:
                return token, found, list(removed)
        raise Unreadable("no end of changes")

    def _asked(self, token: str) -> bytes:
        try:
            # Depth 0: the level is said in the body (RFC 6578 §3.2); some answer 400 to anything else.
            answer = self._client.report(self._url, sync_collection(token, f"{D}getetag"), depth="0")
        except Unreadable:
            raise _NoTokens from None
        except Unreachable as error:
            if not error.detail.isdecimal():
                raise
            self._there()  # in trouble with all, or with this alone?
            raise (CursorExpired(error.detail) if token else _NoTokens) from None
        status = answer.status_code
        if status == 207:
            return answer.content
        self._there()
        if token and status in (400, 403, 404, 409, 410, 412):
            raise CursorExpired(str(status))
        raise _NoTokens

    def _there(self) -> None:
        """Raises :class:`Gone` when the calendar isn't there, and whatever else is wrong with it."""
        self._client.own_properties(self._url, f"{D}resourcetype")

    def _ctag(self) -> str:
        _, found = self._client.own_properties(self._url, f"{CS}getctag")
        return found.text(f"{CS}getctag")

    def _listed(self) -> dict[str, str]:
        """The etag of each resource (empty where it has none) by its path."""
        _, found = self._client.properties(self._url, f"{D}getetag", f"{D}resourcetype", depth=1)
        listing = {}
        for one in found.responses:
            if one.status == 507:
                raise Unreadable("507")
            if one.path.endswith("/") or one.has(f"{D}resourcetype", f"{D}collection"):
                continue
            if one.path.rstrip("/") != self._folder.rstrip("/") and one.status < 400:
                listing[one.path] = one.text(f"{D}getetag")
        return listing

    def _name(self, path: str) -> str:
        return path.removeprefix(self._folder)

    def _digests(self, listing: c.Mapping[str, str]) -> dict[str, str]:
        return {
            self._name(path): hashlib.sha256(etag.encode()).hexdigest()[:12] if etag else ""
            for path, etag in listing.items()
        }

    # -- texts ------------------------------------------------------------------------------------------------------

    def _fetched(self, paths: list[str]) -> tuple[list[Stored], list[str]]:
        """The texts of these resources, and the paths of those that are gone meanwhile."""
        stored: list[Stored] = []
        missing: list[str] = []
        for place in range(0, len(paths), BATCH):
            self._batch(paths[place : place + BATCH], stored, missing)
        return stored, missing

    def _batch(self, paths: list[str], stored: list[Stored], missing: list[str]) -> None:
        try:
            answer = understood(self._client.report(self._url, multiget(paths)))
            responses = {one.path: one for one in multistatus(answer.content).responses}
        except (Unreadable, NotAllowed, Gone):
            if len(paths) > 1:  # too large together, or one of them breaks the answer
                half = len(paths) // 2
                self._batch(paths[:half], stored, missing)
                self._batch(paths[half:], stored, missing)
                return
            responses = {}
        for path in paths:
            one = responses.get(path)
            if one is not None and one.status in (404, 410):
                missing.append(path)
            elif one is not None and (text := one.text(f"{C}calendar-data")):
                stored.append(Stored(path, strong(one.text(f"{D}getetag")), text))
            else:
                self._single(path, stored, missing)

    def _single(self, path: str, stored: list[Stored], missing: list[str]) -> None:
        try:
            found = self._client.get(urllib.parse.urljoin(self._url, path))
        except (Unreadable, NotAllowed) as problem:
            # Its time isn't known; with nothing more to go by it can't close any.
            _log.warning("A calendar resource can't be read: %s", problem)
            return
        if found is None:
            missing.append(path)
        else:
            stored.append(found)

    def _read(self, stored: c.Iterable[Stored], cursor: Cursor) -> t.Iterator[Resource]:
        own, unreadable = frozenset(cursor.addresses), 0
        for one in stored:
            id = _id(one.path)
            try:
                found = read(
                    scan(one.text), self._window, time_zone=self._calendar.time_zone, own=own,
                    id=id, etag=one.etag, budget=self._budget,
                )  # fmt: skip
            except ProviderProblem:
                unreadable += 1
                continue
            unreadable += found.unreadable
            yield Resource(id, tuple(event for events in found.events.values() for event in events))
        if unreadable:
            _log.warning("%d events of a calendar can't be read", unreadable)


def _id(path: str) -> str:
    """The id of a resource: its path, or a digest of one that is absurdly long."""
    return path if len(path) <= 800 else "sha256:" + hashlib.sha256(path.encode()).hexdigest()
