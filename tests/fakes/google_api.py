"""The Google Calendar API as the stand-in answers it: strict about what it is asked, true to what it promises."""

from __future__ import annotations

import copy
import functools
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from werkzeug.wrappers import Request, Response

from . import google_schema as schema
from .google_accounts import Account, Entry
from .google_calendar import Calendar, Event, checked_times
from .google_push import Channels
from .google_schema import Refused

WRITERS = ("owner", "writer", "writerWithoutPrivateAccess")
NOT_WITH_SYNC_TOKEN = (
    "iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin",
)  # fmt: skip
PAGING = ("pageToken", "syncToken", "fields", "prettyPrint", "quotaUser", "alt")
READ_ONLY = {
    "kind", "etag", "htmlLink", "created", "updated", "creator", "organizer", "hangoutLink", "recurringEventId",
    "originalStartTime", "locked", "privateCopy", "iCalUID", "id", "attendeesOmitted", "endTimeUnspecified",
}  # fmt: skip
LONGEST_FREE_BUSY = 60 * 86_400


@dataclass(frozen=True)
class Mail:
    """A mail that Google sent to somebody for an event."""

    kind: str
    """``invite``, ``update`` or ``cancel``."""
    to: str
    event: str
    uid: str
    sequence: int
    summary: str
    starts: int
    ends: int


@dataclass
class Page:
    """A list that is being read page by page."""

    items: list[Any]
    asked: dict[str, Any]
    more: dict[str, Any]
    last: dict[str, Any]
    at: int = 0
    empty: bool = False


@dataclass
class Asks:
    """A request that has been checked."""

    account: Account
    query: dict[str, Any]
    body: Any
    if_match: str | None


def method(name: str) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """An endpoint that is a method of the discovery document."""

    def wrap(function: Callable[..., Any]) -> Callable[..., Response]:
        @functools.wraps(function)
        def endpoint(self: Api, request: Request, **where: str) -> Response:
            try:
                grant = self.authorized(request, schema.METHODS[name]["scopes"])
                query, body = schema.query(name, request.args), schema.body(name, request)
                with self.lock:
                    value = function(self, Asks(grant.account, query, body, request.headers.get("If-Match")), **where)
                if value is None:
                    return Response(status=204)
                schema.answered(name, value)
                if "fields" in query:
                    value = schema.selected(value, query["fields"])
            except Refused as refused:
                return refused.answer()
            etag = {"ETag": value["etag"]} if "etag" in value else None
            return Response(json.dumps(value), 200, etag, mimetype="application/json")

        return endpoint

    return wrap


class Api(Channels):
    """The API's half of Google."""

    def __init__(self) -> None:
        super().__init__()
        self.calendars: dict[str, Calendar] = {}
        self.mails: list[Mail] = []
        self.meet_pending = 0
        """How many times an event is read before its Meet link is there."""
        self.meet_fails = False
        self.page_size = 2500
        """The most that a page has, whatever was asked for."""
        self.empty_pages = False
        """Whether each page comes only after one without anything."""
        self._pages: dict[str, Page] = {}
        self._sync: dict[str, tuple[str, int, dict[str, Any]]] = {}

    # -- calendars --------------------------------------------------------------------------------------------------

    @method("calendarList.list")
    def calendar_list(self, asks: Asks) -> Any:
        size = min(asks.query.get("maxResults", 100), 250)
        if "pageToken" in asks.query:
            return self._next_page(asks.query, size)
        found = [
            self._listed(entry)
            for entry in asks.account.entries.values()
            if (not entry.hidden or asks.query.get("showHidden"))
            and (not entry.deleted or asks.query.get("showDeleted"))
        ]
        return self._first_page(asks.query, size, found, {"kind": "calendar#calendarList", "etag": '"list"'}, {})

    def _listed(self, entry: Entry) -> dict[str, Any]:
        calendar = self.calendars.get(entry.calendar)
        item: dict[str, Any] = {"kind": "calendar#calendarListEntry", "etag": '"entry"', "id": entry.calendar}
        if entry.deleted or calendar is None:
            return item | {"deleted": True}
        item |= {
            "summary": calendar.summary, "timeZone": calendar.time_zone, "accessRole": entry.role, "selected": True,
            "backgroundColor": entry.colour, "foregroundColor": "#000000", "defaultReminders": [],
            "conferenceProperties": {"allowedConferenceSolutionTypes": list(calendar.conferences)},
        }  # fmt: skip
        if entry.name:
            item["summaryOverride"] = entry.name
        if entry.primary:
            item["primary"] = True
        if entry.hidden:
            item["hidden"] = True
        return item

    def _calendar(self, asks: Asks, name: str, *, writes: bool = False) -> tuple[Calendar, str]:
        """The calendar and what the account may do there.  Raises 404, and 403 where it may not write."""
        entry = asks.account.entries.get(asks.account.email if name == "primary" else name)
        calendar = self.calendars.get(entry.calendar) if entry else None
        if entry is None or calendar is None:
            raise Refused("notFound")
        if writes and entry.role not in WRITERS:
            raise Refused("requiredAccessLevel")
        return calendar, entry.role

    # -- reading ----------------------------------------------------------------------------------------------------

    @method("events.list")
    def events_list(self, asks: Asks, calendar: str) -> Any:
        query = asks.query
        place, role = self._calendar(asks, calendar)
        size = min(query.get("maxResults", 250), 2500)
        if "pageToken" in query:
            return self._next_page(query, size)
        single = query.get("singleEvents", False)
        if "syncToken" in query:
            found = place.since(self._read_sync(query, place), single=single)
        else:
            starts, ends = query.get("timeMin", float("-inf")), query.get("timeMax", float("inf"))
            if starts >= ends:
                raise Refused("timeRangeEmpty", location="timeMax")
            found = place.listed(starts, ends, single=single, deleted=query.get("showDeleted", False))
        found = [event for event in found if _matches(event, query)]
        last: dict[str, Any] = {}
        if "orderBy" in query:
            if query["orderBy"] == "startTime" and not single:
                raise Refused("invalidParameter", "orderBy=startTime needs singleEvents", "orderBy")
            found.sort(key=lambda one: place.times(one) if query["orderBy"] == "startTime" else one["updated"])
        else:
            token = secrets.token_urlsafe(12)
            self._sync[token] = (place.id, place.version, _lasting(query))
            last["nextSyncToken"] = token
        return self._first_page(query, size, [_shown(one, role, query) for one in found], _head(place, role), last)

    def _read_sync(self, query: dict[str, Any], place: Calendar) -> int:
        for name in NOT_WITH_SYNC_TOKEN:
            if name in query:
                raise Refused("invalid", f"Sync token cannot be used with {name}", name)
        if query.get("showDeleted") is False:
            raise Refused("invalid", "Sync token cannot be used with showDeleted=false", "showDeleted")
        kept = self._sync.get(query["syncToken"])
        if kept is None or kept[0] != place.id:
            raise Refused("fullSyncRequired", location="syncToken")
        if kept[2] != _lasting(query):
            raise Refused("invalid", "Parameters differ from those of the initial request", "syncToken")
        return kept[1]

    def _first_page(
        self, query: dict[str, Any], size: int, items: list[Any], more: dict[str, Any], last: dict[str, Any]
    ) -> dict[str, Any]:
        asked = {key: value for key, value in query.items() if key != "pageToken"}
        return self._page(Page(items, asked, more, last), size)

    def _next_page(self, query: dict[str, Any], size: int) -> dict[str, Any]:
        page = self._pages.get(query["pageToken"])
        if page is None:
            raise Refused("invalid", location="pageToken")
        if {key: value for key, value in query.items() if key != "pageToken"} != page.asked:
            raise Refused("invalid", "The parameters of a page must be those of the first", "pageToken")
        return self._page(copy.copy(page), size)

    def _page(self, page: Page, size: int) -> dict[str, Any]:
        size = min(size, self.page_size)
        answer = {**page.more, "items": []}
        if self.empty_pages and not page.empty:
            page.empty = True
        else:
            page.empty = False
            answer["items"] = page.items[page.at : page.at + size]
            page.at += size
        if page.at < len(page.items) or page.empty:
            token = secrets.token_urlsafe(12)
            self._pages[token] = page
            return {**answer, "nextPageToken": token}
        return {**answer, **page.last}

    @method("events.instances")
    def events_instances(self, asks: Asks, calendar: str, event: str) -> Any:
        place, role = self._calendar(asks, calendar)
        size = min(asks.query.get("maxResults", 250), 2500)
        if "pageToken" in asks.query:
            return self._next_page(asks.query, size)
        series = place.found(event)
        starts, ends = asks.query.get("timeMin", float("-inf")), asks.query.get("timeMax", float("inf"))
        found = place.occurrences(series, starts, ends) if series.get("recurrence") else []
        items = [_shown(one, role, asks.query) for one in found]
        return self._first_page(asks.query, size, items, _head(place, role), {})

    @method("events.get")
    def events_get(self, asks: Asks, calendar: str, event: str) -> Any:
        place, role = self._calendar(asks, calendar)
        found = place.found(event)
        if place.waits.get(event, 0) > 0:
            place.waits[event] -= 1
        elif event in place.waits:
            found = self._conferred(place, copy.deepcopy(found))
        return _shown(found, role, asks.query)

    # -- writing ----------------------------------------------------------------------------------------------------

    @method("events.insert")
    def events_insert(self, asks: Asks, calendar: str) -> Any:
        place, _role = self._calendar(asks, calendar, writes=True)
        body = asks.body
        event = {key: copy.deepcopy(value) for key, value in body.items() if key not in READ_ONLY}
        checked_times(event)
        if "id" in body and "iCalUID" in body:
            raise Refused("invalid", "Only one of id and iCalUID may be given")
        if "id" in body and not re.fullmatch(r"[0-9a-v]{5,1024}", body["id"]):
            raise Refused("invalid", "Invalid resource id value.", "id")
        event["id"] = body.get("id") or secrets.token_hex(13)
        if event["id"] in place.events:
            raise Refused("duplicate")
        if "iCalUID" in body:
            event["iCalUID"] = body["iCalUID"]
        self._checked(asks, place, event)
        conference = event.pop("conferenceData", None)
        made = place.put(event)
        if conference and asks.query.get("conferenceDataVersion") == 1:
            made = self._confer(place, made, conference)
        self._mail(asks.query, place, None, made)
        return _shown(made, "owner", asks.query)

    @method("events.patch")
    def events_patch(self, asks: Asks, calendar: str, event: str) -> Any:
        place, _role = self._calendar(asks, calendar, writes=True)
        before = place.found(event)
        if before["status"] == "cancelled" and asks.body.get("status") != "confirmed":
            raise Refused("deleted")
        if asks.if_match not in (None, "*", before["etag"]):
            raise Refused("conditionNotMet", location="If-Match")
        if not before["organizer"].get("self") and before["organizer"].get("email") != place.id:
            raise Refused("forbiddenForNonOrganizer")
        wanted = {key: value for key, value in asks.body.items() if key not in READ_ONLY}
        conference = wanted.pop("conferenceData", ...)
        after = _merged(copy.deepcopy(before), wanted)
        checked_times(after)
        self._checked(asks, place, after)
        if place.times(before) != (place.epoch(after["start"]), place.epoch(after["end"])):
            after["sequence"] = max(after.get("sequence", 0), before.get("sequence", 0) + 1)
        made = place.put(after)
        if conference is not ... and asks.query.get("conferenceDataVersion") == 1:
            made = self._confer(place, made, conference)
        self._mail(asks.query, place, before, made)
        return _shown(made, "owner", asks.query)

    @method("events.delete")
    def events_delete(self, asks: Asks, calendar: str, event: str) -> Any:
        place, _role = self._calendar(asks, calendar, writes=True)
        before = place.found(event)
        if before["status"] == "cancelled":
            raise Refused("deleted")
        if asks.if_match not in (None, "*", before["etag"]):
            raise Refused("conditionNotMet", location="If-Match")
        gone = place.change(event, status="cancelled", sequence=before.get("sequence", 0) + 1)
        self._mail(asks.query, place, before, gone)

    def _checked(self, asks: Asks, place: Calendar, event: Event) -> None:
        if place.epoch(event["end"]) < place.epoch(event["start"]):
            raise Refused("timeRangeEmpty", location="timeMax")
        for attendee in event.get("attendees", ()):
            if not re.fullmatch(r"[^@\s]+@[^@\s]+", attendee.get("email") or ""):
                raise Refused("invalid", "Invalid attendee email.")
        if event.get("attendees") and asks.account.service:
            raise Refused("forbiddenForServiceAccounts")
        for properties in event.get("extendedProperties", {}).values():
            if len(properties) > 300 or any(len(key) > 44 or len(value) > 1024 for key, value in properties.items()):
                raise Refused("invalid", "Extended properties are too large")
        if not re.match(r"https?://", event.get("source", {}).get("url", "https://")):
            raise Refused("invalid", "Invalid source url")
        asked = (event.get("conferenceData") or {}).get("createRequest")
        if asked and asks.query.get("conferenceDataVersion") == 1:
            self._check_conference(place, asked)

    def _check_conference(self, place: Calendar, asked: dict[str, Any]) -> None:
        if not asked.get("requestId"):
            raise Refused("required", "Missing conference request id")
        if asked.get("conferenceSolutionKey", {}).get("type", "hangoutsMeet") not in place.conferences:
            raise Refused("invalid", "Invalid conference type value.")

    def _confer(self, place: Calendar, event: Event, conference: dict[str, Any] | None) -> Event:
        """Begin to make a link, or take one away."""
        event = copy.deepcopy(event)
        if conference is None:
            event.pop("conferenceData", None)
            event.pop("hangoutLink", None)
            place.waits.pop(event["id"], None)
            return place.put(event)
        asked = conference.get("createRequest")
        before = event.get("conferenceData", {}).get("createRequest", {})
        if not asked or asked["requestId"] == before.get("requestId"):
            return event
        self._check_conference(place, asked)
        event["conferenceData"] = {"createRequest": {**asked, "status": {"statusCode": "pending"}}}
        place.waits[event["id"]] = self.meet_pending
        return place.put(event) if self.meet_pending else self._conferred(place, event)

    def _conferred(self, place: Calendar, event: Event) -> Event:
        place.waits.pop(event["id"], None)
        data = event["conferenceData"]
        if self.meet_fails:
            data["createRequest"]["status"]["statusCode"] = "failure"
            return place.put(event)
        letters = "".join(secrets.choice("abcdefghijkmnopqrstuvwxyz") for _ in range(10))
        meeting = f"{letters[:3]}-{letters[3:7]}-{letters[7:]}"
        data["createRequest"]["status"]["statusCode"] = "success"
        data["conferenceId"] = meeting
        data["conferenceSolution"] = {"key": {"type": "hangoutsMeet"}, "name": "Google Meet"}
        link = f"https://meet.google.com/{meeting}"
        data["entryPoints"] = [{"entryPointType": "video", "uri": link, "label": link.removeprefix("https://")}]
        event["hangoutLink"] = link
        return place.put(event)

    def _mail(self, query: dict[str, Any], place: Calendar, before: Event | None, after: Event) -> None:
        if query.get("sendUpdates", "none") == "none":
            return
        had = {one["email"].lower() for one in (before or {}).get("attendees", ()) if not one.get("self")}
        has = {one["email"].lower() for one in after.get("attendees", ()) if not one.get("self")}
        if after["status"] == "cancelled":
            had, has = had | has, set()
        starts, ends = place.times(after)
        for to in sorted(had | has):
            kind = "cancel" if to not in has else "update" if to in had else "invite"
            self.mails.append(
                Mail(kind, to, after["id"], after["iCalUID"], after["sequence"], after.get("summary", ""),
                     int(starts), int(ends))
            )  # fmt: skip

    # -- free and busy, channels ------------------------------------------------------------------------------------

    @method("freebusy.query")
    def freebusy_query(self, asks: Asks) -> Any:
        body = asks.body
        starts, ends = schema.instant(body["timeMin"], "timeMin"), schema.instant(body["timeMax"], "timeMax")
        if starts >= ends:
            raise Refused("timeRangeEmpty", location="timeMax")
        if ends - starts > LONGEST_FREE_BUSY:
            raise Refused("timeRangeTooLong")
        answer: dict[str, Any] = {"kind": "calendar#freeBusy", "timeMin": body["timeMin"], "timeMax": body["timeMax"]}
        answer["calendars"] = found = {}
        for number, item in enumerate(body.get("items", ())):
            try:
                if number >= min(body.get("calendarExpansionMax", 50), 50):
                    raise Refused("invalid", "tooManyCalendarsRequested")
                place, _role = self._calendar(asks, item["id"])
                found[item["id"]] = {"busy": place.busy(starts, ends)}
            except Refused as refused:
                found[item["id"]] = {"errors": [{"domain": "global", "reason": refused.reason}], "busy": []}
        return answer

    @method("events.watch")
    def events_watch(self, asks: Asks, calendar: str) -> Any:
        place, _role = self._calendar(asks, calendar)
        channel = self.open_channel(place, asks.body)
        answer = {
            "kind": "api#channel", "id": channel.id, "resourceId": channel.resource,
            "resourceUri": f"{self.url}/calendar/v3/calendars/{place.id}/events?alt=json",
            "expiration": str(channel.expires),
        }  # fmt: skip
        return answer | ({"token": channel.token} if channel.token else {})

    @method("channels.stop")
    def channels_stop(self, asks: Asks) -> Any:
        self.stop_channel(asks.body.get("id", ""), asks.body.get("resourceId", ""))


def _head(place: Calendar, role: str) -> dict[str, Any]:
    return {
        "kind": "calendar#events", "etag": f'"{place.version}"', "summary": place.summary,
        "timeZone": place.time_zone, "accessRole": role, "defaultReminders": [],
    }  # fmt: skip


def _lasting(query: dict[str, Any]) -> dict[str, Any]:
    """The parameters that all requests with a token of this list have to repeat."""
    return {key: value for key, value in query.items() if key not in PAGING and key not in NOT_WITH_SYNC_TOKEN}


def _matches(event: Event, query: dict[str, Any]) -> bool:
    if query.get("eventTypes") and event.get("eventType", "default") not in query["eventTypes"]:
        return False
    if "iCalUID" in query and event.get("iCalUID") != query["iCalUID"]:
        return False
    for kind in ("private", "shared"):
        properties = event.get("extendedProperties", {}).get(kind, {})
        for wanted in query.get(f"{kind}ExtendedProperty", ()):
            name, _, value = wanted.partition("=")
            if properties.get(name) != value:
                return False
    return True


def _shown(event: Event, role: str, query: dict[str, Any]) -> Event:
    """An event as an account with this role is shown it."""
    if role == "freeBusyReader":
        kept = ("kind", "etag", "id", "status", "start", "end", "transparency", "eventType", "recurringEventId",
                "originalStartTime", "iCalUID", "updated")  # fmt: skip
        return {key: event[key] for key in kept if key in event} | {"visibility": "private"}
    most = query.get("maxAttendees")
    if most is not None and len(event.get("attendees", ())) > most:
        theirs = [one for one in event["attendees"] if one.get("self")]
        return {**event, "attendees": theirs, "attendeesOmitted": True}
    return event


def _merged(event: Event, wanted: dict[str, Any]) -> Event:
    """A patch: objects are merged, lists replaced, null takes away."""
    for key, value in wanted.items():
        if value is None:
            event.pop(key, None)
        elif isinstance(value, dict):
            event[key] = _merged(event.get(key, {}), value)
        else:
            event[key] = copy.deepcopy(value)
    return event
