"""What the stand-in for Google does with events that are written to it, and how each request is checked."""

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
from .google_accounts import Account
from .google_calendar import Calendar, Event, checked_times
from .google_push import Channels
from .google_schema import Refused

WRITERS = ("owner", "writer", "writerWithoutPrivateAccess")
READ_ONLY = {
    "kind", "etag", "htmlLink", "created", "updated", "creator", "organizer", "hangoutLink", "recurringEventId",
    "originalStartTime", "locked", "privateCopy", "iCalUID", "id", "attendeesOmitted", "endTimeUnspecified",
}  # fmt: skip


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
        def endpoint(self: Writing, request: Request, **where: str) -> Response:
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


class Writing(Channels):
    """The API's methods that change events."""

    def __init__(self) -> None:
        super().__init__()
        self.calendars: dict[str, Calendar] = {}
        self.mails: list[Mail] = []
        self.meet_pending = 0
        """How many times an event is read before its Meet link is there."""
        self.meet_fails = False

    def place(self, asks: Asks, name: str, *, writes: bool = False) -> tuple[Calendar, str]:
        """The calendar and what the account may do there.  Raises 404, and 403 where it may not write."""
        entry = asks.account.entries.get(asks.account.email if name == "primary" else name)
        calendar = self.calendars.get(entry.calendar) if entry else None
        if entry is None or calendar is None:
            raise Refused("notFound")
        if writes and entry.role not in WRITERS:
            raise Refused("requiredAccessLevel")
        return calendar, entry.role

    @method("events.insert")
    def events_insert(self, asks: Asks, calendar: str) -> Any:
        place, _role = self.place(asks, calendar, writes=True)
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
        return shown(made, "owner", asks.query)

    @method("events.patch")
    def events_patch(self, asks: Asks, calendar: str, event: str) -> Any:
        place, _role = self.place(asks, calendar, writes=True)
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
        return shown(made, "owner", asks.query)

    @method("events.delete")
    def events_delete(self, asks: Asks, calendar: str, event: str) -> Any:
        place, _role = self.place(asks, calendar, writes=True)
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
        return place.put(event) if self.meet_pending else self.conferred(place, event)

    def conferred(self, place: Calendar, event: Event) -> Event:
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


def shown(event: Event, role: str, query: dict[str, Any]) -> Event:
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
