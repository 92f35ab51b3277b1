"""Calendars that are published at a secret address (iCal, ``webcal://``): read-only, and read whole each time.

Most calendar services can publish one.  Whoever knows the address sees the calendar, so it is kept like a password.
"""

from __future__ import annotations

import collections.abc as c
import hashlib
import json
import logging
import re
import typing as t
import urllib.parse

import requests
from flask import current_app

from ...connections.access import Access
from ...connections.addresses import typed_url
from ...connections.password import AddressAccess
from ...connections.problems import CursorExpired, Gone, NotAllowed, Unreadable
from ...i18n import gettext_noop
from ..provider import (
    Account,
    Changes,
    EventDraft,
    RemoteCalendar,
    Resource,
    Sign,
    Watch,
    WatchRequest,
    Window,
    Written,
)
from .components import CalendarText, decoded, scan
from .occurrences import read
from .times import known_name

SLACK = 86_400
"""Seconds that a window may have moved on before series have to be expanded anew."""
MOST_EVENTS = 50_000
"""Occurrences in a window; more are nobody's."""

_log = logging.getLogger("flask_booking.calendars")


class AddressedAccess(Access, t.Protocol):
    """What this provider gets: :class:`~flask_booking.connections.password.AddressAccess`."""

    address: str


class ICal:
    """The provider; see :class:`~.provider.CalendarProvider`."""

    name = "ical"
    label = gettext_noop("Calendar address (iCal)")
    sign = Sign.ADDRESS
    can_write = False
    can_watch = False

    def open(self, secret: c.Mapping[str, t.Any], settings: c.Mapping[str, t.Any], account: str) -> Access:
        """See :class:`~.provider.OwnAccess`."""
        private = bool(current_app.config["BOOKING_PRIVATE_ADDRESSES"])
        return AddressAccess(str(secret["address"]), settings=settings, private=private)

    def account(self, access: Access) -> Account:
        """The calendar's own name, or that of its server.  The id tells nothing of the address."""
        address = _address(access)
        name = _name(self._fetched(access)) or urllib.parse.urlsplit(address).hostname or ""
        return Account(_digest(address.encode()), name[:254])

    def calendars(self, access: Access) -> list[RemoteCalendar]:
        """The one that there is."""
        text = self._fetched(access)
        name = _name(text) or urllib.parse.urlsplit(_address(access)).hostname or ""
        zone = known_name(text.head.get("X-WR-TIMEZONE", ""))
        return [RemoteCalendar(_digest(_address(access).encode()), name, time_zone=zone)]

    def changes(self, access: Access, calendar: RemoteCalendar, cursor: str, window: Window) -> Changes:
        """All that is in ``window``; or nothing, when the server or the text itself says that nothing changed.

        The time zone that the text names goes before the calendar's.
        """
        known = _kept(cursor, window)
        headers = {
            name: known[key]
            for name, key in (("If-None-Match", "etag"), ("If-Modified-Since", "modified"))
            if known.get(key)
        }
        answer = self._asked(access, headers)
        if answer.status_code == 304:
            return Changes((), cursor=cursor)
        digest = _digest(answer.content)
        if known and digest == known.get("digest"):
            return Changes((), cursor=cursor)
        text = _calendar(answer)
        zone = known_name(text.head.get("X-WR-TIMEZONE", "")) or calendar.time_zone
        found = read(text, window, time_zone=zone)
        if sum(map(len, found.events.values())) > MOST_EVENTS:
            raise Unreadable("too many occurrences")
        if found.unreadable:
            _log.warning("%d events of a calendar can't be read", found.unreadable)
        resources = tuple(Resource(_id(uid), tuple(events)) for uid, events in found.events.items())
        kept = {
            "start": window.start,
            "end": window.end,
            "digest": digest,
            "etag": answer.headers.get("ETag", "")[:1000],
            "modified": answer.headers.get("Last-Modified", "")[:100],
        }
        return Changes(resources, cursor=json.dumps(kept, separators=(",", ":")), complete=True)

    def _fetched(self, access: Access) -> CalendarText:
        return _calendar(self._asked(access, {}))

    def _asked(self, access: Access, headers: dict[str, str]) -> requests.Response:
        answer = access.request(
            "GET", _address(access), headers={"Accept": "text/calendar, text/plain;q=0.5, */*;q=0.1", **headers}
        )
        status = answer.status_code
        if status in (404, 410):
            raise Gone(str(status))
        if status == 403:
            raise NotAllowed(str(status))
        if status != 200 and not (status == 304 and headers):
            raise Unreadable(str(status))
        return answer

    # -- what can't be done -----------------------------------------------------------------------------------------

    def write(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, known: Written | None) -> Written:
        """Nobody can write here."""
        raise NotAllowed("read-only")

    def remove(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, known: Written | None) -> None:
        """Nothing of ours is here."""

    def look(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, known: Written) -> Written | None:
        """Nothing of ours was ever here."""
        raise NotAllowed("read-only")

    def watch(self, access: Access, calendar: RemoteCalendar, request: WatchRequest) -> Watch:
        """Servers tell nobody."""
        raise NotAllowed("no notifications")

    def unwatch(self, access: Access, watch: Watch) -> None:
        """There is nothing to end."""


def _address(access: Access) -> str:
    return typed_url(t.cast("AddressedAccess", access).address)


def _calendar(answer: requests.Response) -> CalendarText:
    """The calendar that was answered.  Raises :class:`Unreadable` for a web page, and for what was cut off: what is
    missing would be taken for free."""
    body = answer.content
    if not re.match(rb"(?:\xef\xbb\xbf)?\s*BEGIN:VCALENDAR", body[:200], re.IGNORECASE):
        raise Unreadable("no calendar")
    text = scan(decoded(body))
    if not text.complete:
        raise Unreadable("cut off")
    return text


def _kept(cursor: str, window: Window) -> dict[str, str]:
    """What a cursor says that still holds for ``window``; nothing, if series have to be expanded anew."""
    if not cursor:
        return {}
    try:
        kept = json.loads(cursor)
        holds = window.end <= kept["end"] + SLACK and window.start >= kept["start"] - SLACK
        return {key: str(kept[key]) for key in ("digest", "etag", "modified")} if holds else {}
    except (ValueError, KeyError, TypeError):
        raise CursorExpired("unknown form") from None


def _name(text: CalendarText) -> str:
    return text.head.get("X-WR-CALNAME") or text.head.get("NAME") or ""


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _id(uid: str) -> str:
    return uid if len(uid) <= 800 else "sha256:" + _digest(uid.encode())
