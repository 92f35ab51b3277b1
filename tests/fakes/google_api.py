"""The Google Calendar API as the stand-in answers it: strict about what it is asked, true to what it promises."""

from __future__ import annotations

import copy
import secrets
from dataclasses import dataclass
from typing import Any

from . import google_schema as schema
from .google_accounts import Entry
from .google_calendar import Calendar, Event
from .google_schema import Refused
from .google_writing import Asks, Writing, method, shown

NOT_WITH_SYNC_TOKEN = (
    "iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin",
)  # fmt: skip
PAGING = ("pageToken", "syncToken", "fields", "prettyPrint", "quotaUser", "alt")
LONGEST_FREE_BUSY = 60 * 86_400


@dataclass
class Page:
    """A list that is being read page by page."""

    items: list[Any]
    asked: dict[str, Any]
    more: dict[str, Any]
    last: dict[str, Any]
    at: int = 0
    empty: bool = False


class Api(Writing):
    """The Calendar API: its methods that read, and those of :class:`Writing`."""

    def __init__(self) -> None:
        super().__init__()
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

    # -- reading ----------------------------------------------------------------------------------------------------

    @method("events.list")
    def events_list(self, asks: Asks, calendar: str) -> Any:
        query = asks.query
        place, role = self.place(asks, calendar)
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
        return self._first_page(query, size, [shown(one, role, query) for one in found], _head(place, role), last)

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
        place, role = self.place(asks, calendar)
        size = min(asks.query.get("maxResults", 250), 2500)
        if "pageToken" in asks.query:
            return self._next_page(asks.query, size)
        series = place.found(event)
        starts, ends = asks.query.get("timeMin", float("-inf")), asks.query.get("timeMax", float("inf"))
        found = place.occurrences(series, starts, ends) if series.get("recurrence") else []
        items = [shown(one, role, asks.query) for one in found]
        return self._first_page(asks.query, size, items, _head(place, role), {})

    @method("events.get")
    def events_get(self, asks: Asks, calendar: str, event: str) -> Any:
        place, role = self.place(asks, calendar)
        found = place.found(event)
        if place.waits.get(event, 0) > 0:
            place.waits[event] -= 1
        elif event in place.waits:
            found = self.conferred(place, copy.deepcopy(found))
        return shown(found, role, asks.query)

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
                place, _role = self.place(asks, item["id"])
                found[item["id"]] = {"busy": place.busy(starts, ends)}
            except Refused as refused:
                found[item["id"]] = {"errors": [{"domain": "global", "reason": refused.reason}], "busy": []}
        return answer

    @method("events.watch")
    def events_watch(self, asks: Asks, calendar: str) -> Any:
        place, _role = self.place(asks, calendar)
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
