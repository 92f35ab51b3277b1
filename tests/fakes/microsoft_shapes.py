"""What events look like at the stand-in for Microsoft Graph, and how requests say what they want of them."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from werkzeug.wrappers import Request

from .microsoft_errors import Refused
from .microsoft_mailbox import IMMUTABLE, MUTABLE, WINDOWS, Item, Mailbox
from .microsoft_schema import properties_of

IANA = {windows: iana for iana, windows in WINDOWS.items()}
_EXPAND = re.compile(r"singleValueExtendedProperties\(\$filter=(id eq '[^']*'(?: or id eq '[^']*')*)\)")
_FILTER = re.compile(
    r"singleValueExtendedProperties/any\(ep: ?ep/id eq '([^']*)' and ep/value eq '([^']*)'\)", re.IGNORECASE
)
_STAMP = "2026-11-01T08:00:00.0000000Z"


@dataclass(frozen=True)
class Wanted:
    """How a request wants events shown."""

    zone: str = "UTC"
    immutable: bool = False
    page: int = 10
    select: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()
    applied: str = ""


def wanted(request: Request, allowed: set[str]) -> Wanted:
    """Read the query and ``Prefer``.  Raises :class:`Refused` for a query that Graph would refuse."""
    query = request.args
    if unknown := {name for name in query if name not in allowed}:
        raise Refused(400, "ErrorInvalidUrlQuery", f"Not supported here: {sorted(unknown)}")
    select = tuple(filter(None, query.get("$select", "").split(",")))
    if bad := [name for name in select if name not in properties_of("event")]:
        raise Refused(400, "RequestBroker--ParseUri", f"Could not find a property named '{bad[0]}'.")
    expand: tuple[str, ...] = ()
    if query.get("$expand"):
        matched = _EXPAND.fullmatch(query["$expand"])
        if matched is None:
            raise Refused(400, "ErrorInvalidUrlQueryFilter", "This can't be expanded.")
        expand = tuple(re.findall(r"id eq '([^']*)'", matched[1]))
    prefers = _prefers(request)
    zone = prefers.get("outlook.timezone", "UTC")
    zone_named(zone)
    page = int(prefers.get("odata.maxpagesize") or 10)
    if "$top" in query:
        page = int(query["$top"])
        if not 1 <= page <= 1000:
            raise Refused(400, "BadRequest", "Invalid $top.")
    applied = ", ".join(name if value == "" else f'{name}="{value}"' for name, value in prefers.items())
    return Wanted(zone, prefers.get("IdType") == "ImmutableId", page, select, expand, applied)


def property_filter(text: str) -> tuple[str, str]:
    """The extended property and value that events are asked for by."""
    matched = _FILTER.fullmatch(text)
    if matched is None:
        raise Refused(400, "ErrorInvalidUrlQueryFilter", f"The query filter is not supported: {text}")
    return matched[1], matched[2]


def zone_named(name: str) -> ZoneInfo:
    """The zone of a name of Windows or of IANA.  Raises :class:`Refused` for any other."""
    try:
        return ZoneInfo(IANA.get(name, name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        text = f"The following TimeZone value is not supported: '{name}'."
        raise Refused(400, "TimeZoneNotSupportedException", text) from None


def shown_id(raw: str, how: Wanted) -> str:
    """Ids of the two kinds differ, and both lead to the event."""
    return raw if how.immutable else MUTABLE + raw.removeprefix(IMMUTABLE)


def shown(item: Item, mailbox: Mailbox, how: Wanted, *, echo: bool = False, shifted: bool = False) -> dict[str, Any]:
    """An event as JSON.  ``echo`` shows times in the event's own zone by its Windows name whatever was asked for;
    ``shifted`` takes the dates of all-day events for instants of the mailbox."""
    zone, label = zone_named(how.zone), how.zone
    if echo:
        zone, label = ZoneInfo(item.zone), item.shown_zone
    everything = {
        "id": shown_id(item.id, how),
        "createdDateTime": _STAMP,
        "lastModifiedDateTime": _STAMP,
        "changeKey": f"{item.version}",
        "categories": [],
        "transactionId": item.transaction,
        "originalStartTimeZone": item.shown_zone,
        "originalEndTimeZone": item.shown_zone,
        "iCalUId": item.uid,
        "subject": item.subject,
        "bodyPreview": item.body["content"][:255],
        "importance": "normal",
        "sensitivity": item.sensitivity,
        "isAllDay": item.all_day,
        "isCancelled": item.cancelled,
        "isOrganizer": item.organizer == mailbox.mail,
        "responseRequested": True,
        "seriesMasterId": shown_id(item.master, how) if item.master else None,
        "showAs": item.show_as,
        "type": item.type,
        "webLink": f"https://outlook.office365.com/owa/?itemid={item.id}",
        "onlineMeetingUrl": None,
        "isOnlineMeeting": bool(item.meeting),
        "onlineMeetingProvider": "teamsForBusiness" if item.meeting else "unknown",
        "allowNewTimeProposals": True,
        "hideAttendees": item.hide_attendees,
        "responseStatus": {"response": item.response, "time": "0001-01-01T00:00:00Z"},
        "body": item.body,
        "location": {"displayName": item.location, "locationType": "default"},
        "start": _clock(item.start, zone, label, item, mailbox, shifted),
        "end": _clock(item.end, zone, label, item, mailbox, shifted),
        "attendees": item.attendees,
        "organizer": {"emailAddress": {"address": item.organizer, "name": item.organizer}},
        "onlineMeeting": {"joinUrl": item.meeting, "conferenceId": "123456789"} if item.meeting else None,
    }
    names = how.select or tuple(everything)
    if how.select and "isOnlineMeeting" not in how.select:
        names = tuple(name for name in names if name != "onlineMeeting")
    result: dict[str, Any] = {"@odata.etag": item.etag, "id": everything["id"]}
    result |= {name: everything[name] for name in names if name in everything}
    found = [{"id": name, "value": item.properties[name]} for name in how.expand if name in item.properties]
    if found:
        result["singleValueExtendedProperties"] = found
    return result


def bare(item: Item, mailbox: Mailbox, how: Wanted) -> dict[str, Any]:
    """An occurrence as a delta has it: nothing in it says whether it takes its owner's time."""
    names = ("id", "seriesMasterId", "type", "start", "end")
    full = shown(item, mailbox, how)
    return {"@odata.type": "#microsoft.graph.event", **{name: full[name] for name in names}}


def read_time(value: dict[str, Any], skew: dict[str, int]) -> tuple[int, str]:
    """The instant of a ``dateTimeTimeZone`` and its zone's IANA name; ``skew`` are seconds by which Microsoft's rules
    of a zone differ from everybody else's."""
    name = value.get("timeZone") or "UTC"
    zone = zone_named(name)
    wall = dt.datetime.fromisoformat(value["dateTime"][:19])
    return int(wall.replace(tzinfo=zone).timestamp()) + skew.get(name, 0), zone.key


def _clock(at: int, zone: ZoneInfo, label: str, item: Item, mailbox: Mailbox, shifted: bool) -> dict[str, str]:
    if item.all_day:
        # Dates hang in no zone: midnight is shown whatever is asked for.
        wall = dt.datetime.fromtimestamp(at, dt.UTC)
        if shifted:
            wall = wall.replace(tzinfo=ZoneInfo(mailbox.zone)).astimezone(zone)
    else:
        wall = dt.datetime.fromtimestamp(at, zone)
    return {"dateTime": f"{wall:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": label}


def _prefers(request: Request) -> dict[str, str]:
    found = {}
    for part in ",".join(request.headers.getlist("Prefer")).split(","):
        name, _, value = part.strip().partition("=")
        if name:
            found[name.strip()] = value.strip().strip('"')
    return found
