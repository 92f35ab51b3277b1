"""Events as Microsoft Graph shows them and wants them: values in, values out, nothing is asked here.

https://learn.microsoft.com/graph/api/resources/event.
"""

from __future__ import annotations

import collections.abc as c
import datetime as dt
import hashlib
import json
import typing as t

from ...connections.problems import Unreadable
from ...zones import UnknownZone, zone
from ..provider import EventDraft, RemoteCalendar, RemoteEvent, Show, Window, Written
from ..windows_zones import iana_name

DAY = 86_400
# Where a wall clock stands isn't known: somewhere between UTC+14 and UTC−12.
_AHEAD, _BEHIND = 14 * 3600, 12 * 3600

_PROPERTY = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name flask_booking_"
MARK = f"{_PROPERTY}id"
"""The extended property with :attr:`.EventDraft.booking`."""
KEY = f"{_PROPERTY}key"
"""The one with :attr:`.EventDraft.key`."""
WROTE = f"{_PROPERTY}wrote"
"""What we wrote last, where it can't be read back: Outlook rewrites texts, and hosts add guests of their own."""

MARKED = {"$expand": f"singleValueExtendedProperties($filter=id eq '{MARK}')"}
VIEW = {
    "$select": "id,subject,start,end,isAllDay,showAs,isCancelled,responseStatus,sensitivity,type,seriesMasterId,"
    "iCalUId,originalStartTimeZone",
    **MARKED,
}
"""What is asked for of events that may stand in the way."""
WHOLE = {
    "$select": "id,subject,start,end,isAllDay,isCancelled,isOrganizer,responseStatus,iCalUId,originalStartTimeZone,"
    "location,attendees,webLink,isOnlineMeeting,onlineMeetingProvider,onlineMeeting",
    "$expand": f"singleValueExtendedProperties($filter=id eq '{MARK}' or id eq '{WROTE}')",
}
"""What is asked for of an event of ours.  ``onlineMeeting`` is left out where ``isOnlineMeeting`` isn't asked for."""

TEAMS = "teamsForBusiness"
Event: t.TypeAlias = c.Mapping[str, t.Any]


def read(event: Event, time_zone: str = "") -> RemoteEvent:
    """An occurrence as the mirror keeps it; ``time_zone`` is the calendar's.

    Raises :class:`.Unreadable` for one without times: to leave it out would be to take it for free.
    """
    starts, ends = span(event, time_zone)
    response = _response(event)
    return RemoteEvent(
        id=str(event.get("id") or ""),
        starts=starts,
        ends=ends,
        show=_show(event, response),
        title="" if event.get("sensitivity") in ("private", "confidential") else str(event.get("subject") or ""),
        booking=_property(event, MARK),
        uid=str(event.get("iCalUId") or ""),
        etag=str(event.get("@odata.etag") or ""),
        declined=response == "declined",
        cancelled=bool(event.get("isCancelled")),
    )


def written(event: Event, time_zone: str = "") -> Written:
    """An event of ours as it is now."""
    starts, ends = span(event, time_zone)
    meeting = event.get("onlineMeeting")
    join_url = str(meeting.get("joinUrl") or "") if isinstance(meeting, dict) else ""
    return Written(
        id=str(event.get("id") or ""),
        etag=str(event.get("@odata.etag") or ""),
        uid=str(event.get("iCalUId") or ""),
        starts=starts,
        ends=ends,
        page_url=str(event.get("webLink") or ""),
        join_url=join_url,
        join_pending=bool(event.get("isOnlineMeeting")) and not join_url,
        declined=_response(event) == "declined",
    )


def series(event: Event) -> str:
    """The id of what changes as one: the series of an occurrence, or else the event."""
    return str(event.get("seriesMasterId") or event.get("id") or "")


def touches(event: RemoteEvent, window: Window) -> bool:
    """Whether any of an event's time is in a window."""
    return event.starts < window.end and (event.ends > window.start or event.starts >= window.start)


def span(event: Event, time_zone: str = "") -> tuple[int, int]:
    """When an event starts and ends.

    An all-day event lasts from midnight to midnight of its own dates in ``time_zone``, or without one in the zone it
    was made in.  Where it isn't known what a clock showed, the event takes all the time that it may take.
    """
    start, end = _wall(event.get("start")), _wall(event.get("end"))
    if not event.get("isAllDay"):
        starts, ends = min(_instants(*start)), max(_instants(*end))
        return starts, max(starts, ends)
    made_in = iana_name(event.get("originalStartTimeZone"))
    first = _date(*start, made_in or time_zone)
    last = max(_date(*end, made_in or time_zone), first + dt.timedelta(days=1))
    shown_in = iana_name(time_zone) or made_in
    return min(_midnights(first, shown_in)), max(_midnights(last, shown_in))


def times(draft: EventDraft, *, utc: bool = False) -> dict[str, t.Any]:
    """A draft's start and end for Graph.  Wall clocks of the host's zone, since invitations show the times in it; but
    UTC when asked for, or where a wall clock isn't enough: an hour that comes twice when clocks go back."""
    name = draft.time_zone
    try:
        there = zone(name)
    except UnknownZone:
        utc = True
    walls = []
    for instant in (draft.starts, draft.ends):
        wall = dt.datetime.fromtimestamp(instant, dt.UTC if utc else there)
        if wall.replace(fold=0).timestamp() != instant:
            return times(draft, utc=True)
        walls.append({"dateTime": wall.strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": "UTC" if utc else name})
    return {"start": walls[0], "end": walls[1], "isAllDay": False}


def made(draft: EventDraft, *, transaction: str, utc: bool = False) -> dict[str, t.Any]:
    """A draft as a new event.  ``transaction`` makes a repeated request harmless."""
    event: dict[str, t.Any] = {
        "subject": _subject(draft),
        "body": _body(draft),
        "location": {"displayName": draft.location},
        **times(draft, utc=utc),
        "showAs": "busy",
        "allowNewTimeProposals": False,
        "transactionId": transaction,
        "singleValueExtendedProperties": [
            {"id": MARK, "value": draft.booking},
            {"id": KEY, "value": draft.key},
            {"id": WROTE, "value": _wrote(draft)},
        ],
    }
    if draft.invite and draft.guests:
        event["attendees"] = [_attendee(guest.name, guest.email) for guest in draft.guests]
        event["hideAttendees"] = True  # guests of a group don't know each other
    if draft.conference == "teams":
        event |= {"isOnlineMeeting": True, "onlineMeetingProvider": TEAMS}
    return event


def differences(event: Event, draft: EventDraft, calendar: RemoteCalendar, *, utc: bool = False) -> dict[str, t.Any]:
    """What has to be changed for an event to be what a draft says; nothing else may be sent.

    Graph mails the guests for each change, and a new body would tear out the block by which Teams knows its meeting.
    Guests whom the host has added stay.
    """
    change: dict[str, t.Any] = {}
    if bool(event.get("isAllDay")) or span(event) != (draft.starts, draft.ends):
        change |= times(draft, utc=utc)
    if _told(event.get("subject")) != _told(_subject(draft)):
        change["subject"] = _subject(draft)
    online = bool(event.get("isOnlineMeeting"))
    location = event.get("location")
    shown = location.get("displayName") if isinstance(location, dict) else ""
    # Teams writes its own name where no place is given.
    if _told(shown) != _told(draft.location) and (draft.location or not online):
        change["location"] = {"displayName": draft.location}
    wrote = _parsed(_property(event, WROTE))
    if wrote.get("text") != _digest(draft) and not online:
        change["body"] = _body(draft)
    if (guests := _attendees(event, draft, wrote)) is not None:
        change |= {"attendees": guests, "hideAttendees": True}
    if draft.conference == "teams" and not online and "teams" in calendar.conferencing:
        change |= {"isOnlineMeeting": True, "onlineMeetingProvider": TEAMS}
    marked = _property(event, MARK) == draft.booking
    if not marked or "body" in change or "attendees" in change:
        change["singleValueExtendedProperties"] = [
            {"id": MARK, "value": draft.booking},
            {"id": KEY, "value": draft.key},
            {"id": WROTE, "value": _wrote(draft)},
        ]
    return change


def _show(event: Event, response: str) -> Show:
    shows = str(event.get("showAs") or "unknown")
    if event.get("isCancelled") or response == "declined" or shows in ("free", "workingElsewhere"):
        return Show.FREE
    if shows == "tentative" or (shows == "busy" and response in ("tentativelyAccepted", "notResponded")):
        return Show.TENTATIVE
    return Show.BUSY


def _response(event: Event) -> str:
    status = event.get("responseStatus")
    return str(status.get("response") or "") if isinstance(status, dict) else ""


def _property(event: Event, name: str) -> str:
    """The value of an extended property; Graph may spell the name of one in its own way."""
    found = event.get("singleValueExtendedProperties")
    for each in found if isinstance(found, list) else []:
        if isinstance(each, dict) and str(each.get("id", "")).casefold() == name.casefold():
            return str(each.get("value") or "")
    return ""


def _wall(value: t.Any) -> tuple[dt.datetime, str]:
    """What a clock shows, and the IANA name of the zone it hangs in, empty when that isn't known."""
    try:
        text, name = value["dateTime"], value.get("timeZone")
        # Seven decimals, which Exchange always writes, don't matter here; an offset isn't allowed, but would.
        wall, offset = dt.datetime.fromisoformat(text[:19]), text[19:].lstrip(".0123456789")
        if offset:
            return dt.datetime.fromisoformat(text[:19] + offset).astimezone(dt.UTC).replace(tzinfo=None), "UTC"
        return wall, "UTC" if name == "UTC" else iana_name(name)
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError):
        raise Unreadable("an event without times") from None


def _instants(wall: dt.datetime, name: str) -> tuple[int, int]:
    """When a clock showed that: the earliest and the latest instant it may have been."""
    if name:
        instant = int(wall.replace(tzinfo=dt.UTC if name == "UTC" else zone(name)).timestamp())
        return instant, instant
    instant = int(wall.replace(tzinfo=dt.UTC).timestamp())
    return instant - _AHEAD, instant + _BEHIND


def _date(wall: dt.datetime, name: str, made_in: str) -> dt.date:
    """The date of an all-day event.  Graph gives midnight whatever zone is asked for; where it doesn't, it has taken
    the midnight of the zone that the event was made in for an instant, which is undone here."""
    if wall.time() == dt.time(0) or not (name and made_in):
        return wall.date()
    there = wall.replace(tzinfo=zone(name)).astimezone(zone(made_in))
    return (there + dt.timedelta(hours=12)).date()


def _midnights(date: dt.date, name: str) -> tuple[int, int]:
    return _instants(dt.datetime.combine(date, dt.time(0)), name)


def _subject(draft: EventDraft) -> str:
    return draft.title[:255]


def _text(draft: EventDraft) -> str:
    """The words of an event.  Guests whom Outlook shall not invite are told of here: it would mail each attendee."""
    parts = [draft.description.strip()]
    if not draft.invite:
        parts += ["\n".join(f"{guest.name} <{guest.email}>" for guest in draft.guests)]
    if draft.url and draft.url not in draft.description:
        parts += [draft.url]
    return "\n\n".join(part for part in parts if part)


def _body(draft: EventDraft) -> dict[str, str]:
    return {"contentType": "text", "content": _text(draft)}


def _digest(draft: EventDraft) -> str:
    return hashlib.sha256(_text(draft).encode()).hexdigest()[:32]


def _wrote(draft: EventDraft) -> str:
    guests = sorted(guest.email.casefold() for guest in draft.guests) if draft.invite else []
    return json.dumps({"text": _digest(draft), "guests": guests})


def _parsed(text: str) -> dict[str, t.Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _told(value: t.Any) -> str:
    """A text as Outlook may give it back: blanks put together, the end cut off."""
    return " ".join(str(value or "").split())[:255].rstrip()


def _attendee(name: str, email: str) -> dict[str, t.Any]:
    return {"emailAddress": {"address": email, "name": name}, "type": "required"}


def _address(attendee: t.Any) -> str:
    found = attendee.get("emailAddress") if isinstance(attendee, dict) else None
    return str(found.get("address") or "").casefold() if isinstance(found, dict) else ""


def _attendees(event: Event, draft: EventDraft, wrote: c.Mapping[str, t.Any]) -> list[t.Any] | None:
    """The attendees as they have to be, with the answers of those who were there; None when nothing changes.

    A list replaces the one before it as a whole.
    """
    found = event.get("attendees")
    there = found if isinstance(found, list) else []
    invited = wrote.get("guests")
    wanted = {guest.email.casefold(): guest for guest in draft.guests} if draft.invite else {}
    gone = {str(email) for email in invited} - set(wanted) if isinstance(invited, list) else set()
    new = [guest for email, guest in wanted.items() if email not in {_address(each) for each in there}]
    kept = [each for each in there if _address(each) not in gone]
    if not new and len(kept) == len(there):
        return None
    return kept + [_attendee(guest.name, guest.email) for guest in new]
