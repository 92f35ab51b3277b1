"""Google Calendar, with Google Meet.

Changes are asked for with a sync token over expanded events.  Two of Google's habits shape what is done with them: it
tells of occurrences far beyond what was asked for first, and of a deleted series it tells only some of them.  So what
changed of a series is never pieced together: its occurrences in the window are read anew.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import datetime as dt
import re
import typing as t

import flask

from ...connections.access import Access, configured
from ...connections.problems import Changed, Gone, MissingScope
from ...connections.service import OAuthService
from ..provider import (
    Account,
    Changes,
    EventDraft,
    Notice,
    RemoteCalendar,
    RemoteEvent,
    Resource,
    Sign,
    Watch,
    WatchRequest,
    Window,
    Written,
)
from .answers import Invalid, address, ask, items, pages, read
from .events import (
    MEET,
    Event,
    difference,
    event_id,
    is_cancelled,
    mark_of,
    new_event,
    read_event,
    send_updates,
    series_of,
    touches,
    written,
)
from .push import read_notification

__all__ = ["Google", "read_notification"]

SCOPE = "https://www.googleapis.com/auth/"
CALENDARS, EVENTS, FREE_BUSY = (
    SCOPE + name for name in ("calendar.calendarlist.readonly", "calendar.events", "calendar.freebusy")
)
COLOUR = re.compile("#[0-9a-fA-F]{6}")
WRITERS = frozenset({"owner", "writer", "writerWithoutPrivateAccess"})

FIELDS = (
    "id,status,etag,summary,start,end,transparency,eventType,iCalUID,recurringEventId,"
    "attendees(self,responseStatus),extendedProperties/private"
)
"""What the mirror needs of an event: descriptions and lists of guests can be a hundred times as much."""
READING: dict[str, t.Any] = {"maxResults": 2500, "maxAttendees": 1}
"""With one attendee at most Google gives only the calendar's owner."""
CHANGES: dict[str, t.Any] = {
    **READING,
    "singleEvents": "true",
    "fields": f"nextPageToken,nextSyncToken,timeZone,items({FIELDS})",
}
"""The same for each request: with other ones than at first a sync token promises nothing."""
OCCURRENCES: dict[str, t.Any] = {**READING, "fields": f"nextPageToken,timeZone,items({FIELDS})"}
MOST_SERIES = 20
"""When more series than this changed, to read everything is cheaper than to read each."""
VERSIONS = 50
"""So often a booking's event may have been deleted and made again."""
TRIES = 4
"""So often a change is begun anew that somebody else's came in between."""


class Google:
    """See :class:`~flask_booking.calendars.provider.CalendarProvider`."""

    name = "google"
    label = "Google Calendar"
    sign = Sign.OAUTH
    can_write = True
    can_watch = True

    def service(self, config: c.Mapping[str, t.Any]) -> OAuthService:
        """Google's addresses and the CRM's client there.  Raises :class:`Misconfigured` without one.

        A refresh token is given with the first consent only, unless consent is asked for each time.
        """
        return OAuthService(
            name=self.name,
            client_id=configured(config, "BOOKING_GOOGLE_CLIENT_ID"),
            client_secret=configured(config, "BOOKING_GOOGLE_CLIENT_SECRET"),
            authorize_url=configured(config, "BOOKING_GOOGLE_AUTHORIZE_URL"),
            token_url=configured(config, "BOOKING_GOOGLE_TOKEN_URL"),
            revoke_url=config.get("BOOKING_GOOGLE_REVOKE_URL") or "",
            scopes=("openid", "email", CALENDARS, EVENTS, FREE_BUSY),
            needed=frozenset({CALENDARS, EVENTS}),
            authorize_params={"access_type": "offline", "prompt": "consent", "include_granted_scopes": "true"},
        )

    # -- reading ------------------------------------------------------------------------------------------------------

    def account(self, access: Access) -> Account:
        """The person, by an id that stays when the address changes."""
        url = configured(flask.current_app.config, "BOOKING_GOOGLE_USERINFO_URL")
        person = read(access.request("GET", url))
        if not person.get("sub"):
            raise MissingScope("no sub")
        return Account(str(person["sub"]), str(person.get("email") or person["sub"]))

    def calendars(self, access: Access) -> list[RemoteCalendar]:
        """Those of the account's list, hidden ones too: what is hidden on screen takes time all the same."""
        params = {"maxResults": 250, "showHidden": "true"}
        return [
            _calendar(item)
            for page in pages(access, address("users", "me", "calendarList"), params)
            for item in items(page)
            if not item.get("deleted") and item.get("accessRole") != "none"
        ]

    def changes(self, access: Access, calendar: RemoteCalendar, cursor: str, window: Window) -> Changes:
        """See the protocol.  The resource of an occurrence is its series.

        Days are days of the zone that the answer says.  When that isn't the one that was known, all are read anew.
        """
        place = address("calendars", calendar.id, "events")
        params = CHANGES | ({"syncToken": cursor} if cursor else _bounds(window))
        found: dict[str, Event] = {}
        token, time_zone = "", calendar.time_zone
        for page in pages(access, place, params):
            found |= {item["id"]: item for item in items(page)}
            token = page.get("nextSyncToken") or ""
            time_zone = str(page.get("timeZone") or time_zone)
        if not cursor:
            live = [item for item in found.values() if not is_cancelled(item)]
            return Changes(_resources(live, time_zone, window), cursor=token, complete=True, time_zone=time_zone)
        if time_zone != calendar.time_zone:
            return self.changes(access, calendar, "", window)

        series = {name for name in map(series_of, found.values()) if name}
        if len(series) > MOST_SERIES:
            return self.changes(access, calendar, "", window)
        singles = [item for item in found.values() if not series_of(item) and item["id"] not in series]
        changed = [_resource(item["id"], [item], time_zone, window) for item in singles if not is_cancelled(item)]
        removed = [item["id"] for item in singles if is_cancelled(item)]
        for name in sorted(series):
            try:
                occurrences = self._occurrences(access, place, name, window)
            except Gone:
                removed.append(name)
            else:
                changed.append(_resource(name, occurrences, time_zone, window))
        return Changes(tuple(changed), tuple(removed), token)

    def _occurrences(self, access: Access, place: str, series: str, window: Window) -> list[Event]:
        params = OCCURRENCES | _bounds(window)
        there = pages(access, f"{place}/{address(series, 'instances')}", params)
        return [item for page in there for item in items(page) if not is_cancelled(item)]

    def look(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, known: Written) -> Written | None:
        """See the protocol.  That there is no such event proves nothing when there is no such calendar (any more):
        then :class:`~flask_booking.connections.problems.Gone` is raised.
        """
        event = self._event(access, calendar, known.id)
        if event is None:
            ask(access, "GET", address("calendars", calendar.id, "events"), params={"maxResults": 1, "fields": "kind"})
        if event is None or is_cancelled(event):
            return None
        return written(event, draft, calendar.time_zone)

    def _event(self, access: Access, calendar: RemoteCalendar, name: str) -> Event | None:
        """An event as it is, deleted ones too; None when there never was one."""
        try:
            return ask(access, "GET", address("calendars", calendar.id, "events", name))
        except Gone:
            return None

    # -- writing ------------------------------------------------------------------------------------------------------

    def write(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, known: Written | None) -> Written:
        """See the protocol."""
        if known is not None:
            return self._change(access, calendar, draft, known.id)
        for version in range(VERSIONS):
            name = event_id(draft, version)
            try:
                event = self._send(
                    access, "POST", address("calendars", calendar.id, "events"), draft,
                    new_event(draft, calendar, name),
                )  # fmt: skip
                return written(event, draft, calendar.time_zone)
            except Changed:  # 409: the id is taken, by an earlier try or by one that was deleted since
                there = self._event(access, calendar, name)
            if there is None:
                raise Changed("409, and 404")  # two of Google's servers disagree: the next try may find it
            if not is_cancelled(there) and mark_of(there) == draft.booking:
                return self._change(access, calendar, draft, name)
        raise Changed(f"{VERSIONS} ids taken")

    def _change(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, name: str) -> Written:
        for _ in range(TRIES):
            event = self._event(access, calendar, name)
            if event is None or is_cancelled(event):
                raise Gone(name)
            patch = difference(event, draft, calendar)
            if not patch:
                return written(event, draft, calendar.time_zone)
            where = address("calendars", calendar.id, "events", name)
            try:
                event = self._send(access, "PATCH", where, draft, patch, {"If-Match": event["etag"]}) or event
            except Changed:
                continue
            return written(event, draft, calendar.time_zone)
        raise Changed(f"{TRIES} times 412")

    def _send(
        self,
        access: Access,
        method: str,
        path: str,
        draft: EventDraft,
        body: Event,
        headers: c.Mapping[str, str] | None = None,
    ) -> Event:
        """Make or change an event; without the link when the calendar can't have one.  Empty when nothing was left."""
        params = {"conferenceDataVersion": 1, "sendUpdates": send_updates(draft, body)}
        try:
            return ask(access, method, path, params=params, json=body, headers=headers)
        except Invalid:
            if "conferenceData" not in body:
                raise
        rest = {name: value for name, value in body.items() if name != "conferenceData"}
        return ask(access, method, path, params=params, json=rest, headers=headers) if rest else {}

    def remove(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, known: Written | None) -> None:
        """See the protocol."""
        if known is not None:
            self._delete(access, calendar, draft, known.id)
            return
        for version in range(VERSIONS):
            name = event_id(draft, version)
            event = self._event(access, calendar, name)
            if event is None:
                return
            if not is_cancelled(event) and mark_of(event) == draft.booking:
                self._delete(access, calendar, draft, name)
                return

    def _delete(self, access: Access, calendar: RemoteCalendar, draft: EventDraft, name: str) -> None:
        where = address("calendars", calendar.id, "events", name)
        with contextlib.suppress(Gone):
            ask(access, "DELETE", where, params={"sendUpdates": send_updates(draft)})

    # -- being told ---------------------------------------------------------------------------------------------------

    def watch(self, access: Access, calendar: RemoteCalendar, request: WatchRequest) -> Watch:
        """A channel.  It can't be renewed: before it ends a new one is made, and then the old one is stopped."""
        body = {
            "id": request.channel,
            "type": "web_hook",
            "address": request.address,
            "token": request.token,
            "expiration": str(request.expires * 1000),
        }
        channel = ask(access, "POST", address("calendars", calendar.id, "events", "watch"), json=body)
        try:
            expires = int(channel["expiration"]) // 1000
        except (KeyError, TypeError, ValueError):
            expires = request.expires
        return Watch(request.channel, str(channel.get("resourceId") or ""), expires)

    def unwatch(self, access: Access, watch: Watch) -> None:
        """See the protocol."""
        with contextlib.suppress(Gone):
            ask(access, "POST", address("channels", "stop"), json={"id": watch.id, "resourceId": watch.resource})

    def heard(self, headers: c.Mapping[str, str], body: bytes) -> list[Notice]:
        """See :class:`.Listening`.  The first word of a channel says nothing of the calendar."""
        found = read_notification(headers)
        if found is None or found[2] == "sync":
            return []
        return [Notice(token=found[1], channel=found[0])]

    def greeting(self, query: c.Mapping[str, str]) -> str | None:
        """Google doesn't ask."""
        return None


def _calendar(item: dict[str, t.Any]) -> RemoteCalendar:
    colour = str(item.get("backgroundColor") or "")
    allowed = (item.get("conferenceProperties") or {}).get("allowedConferenceSolutionTypes") or ()
    return RemoteCalendar(
        id=item["id"],
        name=str(item.get("summaryOverride") or item.get("summary") or item["id"]),
        time_zone=str(item.get("timeZone") or ""),
        colour=colour if COLOUR.fullmatch(colour) else "",
        writable=item.get("accessRole") in WRITERS,
        primary=bool(item.get("primary")),
        conferencing=(MEET,) if "hangoutsMeet" in allowed else (),
    )


def _bounds(window: Window) -> dict[str, str]:
    """The window as Google's: events whose end lies after ``timeMin``, and whose start lies before ``timeMax``."""
    return {
        name: dt.datetime.fromtimestamp(epoch, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for name, epoch in (("timeMin", window.start), ("timeMax", window.end))
    }


def _resources(found: list[Event], time_zone: str, window: Window) -> tuple[Resource, ...]:
    """Events by the resource that they belong to, in the order of the list."""
    parts: dict[str, list[Event]] = {}
    for event in found:
        parts.setdefault(series_of(event) or event["id"], []).append(event)
    return tuple(_resource(name, events, time_zone, window) for name, events in parts.items())


def _resource(name: str, found: list[Event], time_zone: str, window: Window) -> Resource:
    read: list[RemoteEvent] = []
    for event in found:
        one = read_event(event, time_zone)
        if one is not None and touches(one, window):
            read.append(one)
    return Resource(name, tuple(read))
