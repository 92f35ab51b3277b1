"""An event as Google's API has it, read into ours and made from ours.  Nothing here asks anybody.

Google's rules are those of the discovery document of Calendar API v3; what closes time is our reading of them: anything
but what is called off, marked as free, declined by the calendar's owner, a place to work, or a birthday.
"""

from __future__ import annotations

import base64
import collections.abc as c
import datetime as dt
import hashlib
import re
import typing as t
from zoneinfo import ZoneInfo

from ...zones import UnknownZone, zone
from ..provider import EventDraft, Guest, RemoteCalendar, RemoteEvent, Show, Window, Written

MEET = "google_meet"
MARK = "flask_booking_id"
"""The private property by which we know our own events."""
NAMED = "flask_booking_event"
"""The private property that repeats the event's id: a copy, or an occurrence of what became a series, has another."""
LISTED = "flask_booking_guests"
"""The private property that says which attendees are ours, as digests: others were added by hand, and stay."""
FREE_TYPES = frozenset({"workingLocation", "birthday"})

MOST_TITLE, MOST_DESCRIPTION, MOST_LOCATION = 1_000, 8_000, 1_000
"""Characters that we write at most: Google refuses long texts, and no text is worth a missing event."""
DIGEST = 5
"""Characters of a guest's digest: those of 200 guests, the most that Google takes, fit into a property of 1,024."""

INSTANCE = re.compile(r"(?P<series>.+)_\d{8}(T\d{6}Z)?")
"""How Google names the occurrences of a series."""

Event = dict[str, t.Any]


# -- reading ----------------------------------------------------------------------------------------------------------


def is_cancelled(event: Event) -> bool:
    """Whether an event was deleted or called off: Google goes on telling of it."""
    return bool(event.get("status") == "cancelled")


def series_of(event: Event) -> str:
    """The id of the series that this is an occurrence of; empty for an event of its own.

    Of a cancelled occurrence nothing but its id is sure, which then says it.
    """
    series = event.get("recurringEventId")
    if isinstance(series, str) and series:
        return series
    if is_cancelled(event) and (named := INSTANCE.fullmatch(event["id"])):
        return named["series"]
    return ""


def read_event(event: Event, time_zone: str) -> RemoteEvent | None:
    """An event for the mirror; None when it has no time.  All-day events are days of ``time_zone`` (IANA)."""
    span = times(event, time_zone)
    if span is None:
        return None
    return RemoteEvent(
        id=event["id"],
        starts=span[0],
        ends=span[1],
        show=show_of(event),
        title=_text(event.get("summary")),
        booking=mark_of(event),
        uid=_text(event.get("iCalUID")),
        etag=_text(event.get("etag")),
        declined=answer_of_owner(event) == "declined",
        cancelled=is_cancelled(event),
    )


def show_of(event: Event) -> Show:
    """Whether an event closes its owner's time."""
    answer = answer_of_owner(event)
    if (
        is_cancelled(event)
        or event.get("transparency") == "transparent"
        or answer == "declined"
        or event.get("eventType") in FREE_TYPES
    ):
        return Show.FREE
    if event.get("status") == "tentative" or answer in ("tentative", "needsAction"):
        return Show.TENTATIVE
    return Show.BUSY


def answer_of_owner(event: Event) -> str:
    """What the calendar's owner answered to an invitation; empty when they weren't asked."""
    for attendee in _attendees(event):
        if attendee.get("self"):
            return _text(attendee.get("responseStatus"))
    return ""


def mark_of(event: Event) -> str:
    """:attr:`EventDraft.booking` of an event of ours; empty for others, and for what was made from ours by hand."""
    private = _private(event)
    return _text(private.get(MARK)) if private.get(NAMED, event["id"]) == event["id"] else ""


def times(event: Event, time_zone: str) -> tuple[int, int] | None:
    """Start and end in epoch seconds; None without a start.  Without a usable end it has no length, or a day."""
    starts = _instant(event.get("start"), time_zone)
    if starts is None:
        return None
    ends = _instant(event.get("end"), time_zone)
    if ends is None:
        ends = starts if event["start"].get("dateTime") else starts + 86_400
    return starts, max(starts, ends)


def touches(event: RemoteEvent, window: Window) -> bool:
    """Whether a mirror of this part of the calendar has it."""
    return event.starts < window.end and max(event.ends, event.starts + 1) > window.start


def written(event: Event, draft: EventDraft, time_zone: str) -> Written:
    """What is to be kept of our own event."""
    starts, ends = times(event, time_zone) or (0, 0)
    wanted = draft.conference == MEET
    link = join_url(event) if wanted else ""
    return Written(
        id=event["id"],
        etag=_text(event.get("etag")),
        uid=_text(event.get("iCalUID")),
        starts=starts,
        ends=ends,
        page_url=_web(event.get("htmlLink")),
        join_url=link,
        join_pending=wanted and not link and _conference_status(event) == "pending",
        declined=answer_of_owner(event) == "declined",
    )


def join_url(event: Event) -> str:
    """The link to the video meeting; empty as long as there is none."""
    data = event.get("conferenceData")
    points = data.get("entryPoints") if isinstance(data, dict) else None
    for point in points if isinstance(points, list) else ():
        if isinstance(point, dict) and point.get("entryPointType") == "video" and _web(point.get("uri")):
            return _web(point["uri"])
    return _web(event.get("hangoutLink"))


# -- writing ----------------------------------------------------------------------------------------------------------


def event_id(draft: EventDraft, version: int) -> str:
    """The name that we give an event.  An id is spent for ever once its event was deleted: the next try has the next
    version.
    """
    return draft.key if version == 0 else f"{draft.key}v{version}"


def new_event(draft: EventDraft, calendar: RemoteCalendar, name: str) -> Event:
    """The body that makes the event under this name."""
    listed = lists_guests(draft, f"{name}@google.com")
    event: Event = {
        "id": name,
        "summary": _title(draft),
        "description": _description(draft, listed),
        "start": _moment(draft.starts, draft.time_zone),
        "end": _moment(draft.ends, draft.time_zone),
        "guestsCanModify": False,
        "reminders": {"useDefault": True},
        "extendedProperties": {"private": {MARK: draft.booking, NAMED: name}},
    }
    if draft.location:
        event["location"] = draft.location[:MOST_LOCATION]
    if _web(draft.url):
        event["source"] = {"title": _title(draft), "url": draft.url}
    guests = _guests(draft, listed)
    if guests:
        event["attendees"] = [_attendee(guest) for guest in guests.values()]
        event["extendedProperties"]["private"][LISTED] = _digests(guests)
        if len(guests) > 1:  # of a meeting for several the guests don't know each other
            event["guestsCanSeeOtherGuests"] = False
    if MEET in calendar.conferencing and draft.conference == MEET:
        event["conferenceData"] = _conference(f"{name}-{draft.sequence}")
    return event


def difference(event: Event, draft: EventDraft, calendar: RemoteCalendar) -> Event:
    """The patch that makes the event what the draft says; empty when it is that already.

    Lists replace each other as a whole in a patch, so the attendees there are carry on with what they answered.  Only
    that the calendar's owner declined is over when the event gets another time, or when there is nothing else to
    write: then somebody decided that it stands.
    """
    listed = lists_guests(draft, _text(event.get("iCalUID")))
    patch: Event = {}
    for name, value in (
        ("summary", _title(draft)),
        ("description", _description(draft, listed)),
        ("location", draft.location[:MOST_LOCATION]),
    ):
        if _plain(event.get(name)) != _plain(value):
            patch[name] = value
    if times(event, calendar.time_zone) != (draft.starts, draft.ends):
        for name, epoch in (("start", draft.starts), ("end", draft.ends)):
            patch[name] = _moment(epoch, draft.time_zone)
            if (event.get(name) or {}).get("date"):
                patch[name]["date"] = None  # or it would be a day and a time at once
    private = _private(event)
    wanted = {MARK: draft.booking, NAMED: event["id"]}
    if not event.get("attendeesOmitted"):  # not all were told to us: writing some would remove the others
        guests = _guests(draft, listed)
        wanted[LISTED] = _digests(guests)
        attendees = _merged_attendees(event, guests)
        if attendees is not None:
            patch["attendees"] = attendees
            if len(guests) > 1 and len(_text(private.get(LISTED))) <= DIGEST:
                patch["guestsCanSeeOtherGuests"] = False
    changed = {name: value or None for name, value in wanted.items() if _text(private.get(name)) != value}
    if changed:
        patch["extendedProperties"] = {"private": changed}
    if MEET in calendar.conferencing and draft.conference == MEET and not join_url(event):
        before, status = _text(_create_request(event).get("requestId")), _conference_status(event)
        request = f"{event['id']}-{draft.sequence}"
        if status == "failure" and before.startswith(request):
            request = f"{before}-"  # the same one would be ignored
        if status != "pending" and before != request:
            patch["conferenceData"] = _conference(request)
    if answer_of_owner(event) == "declined" and (not patch or "start" in patch) and not event.get("attendeesOmitted"):
        patch["attendees"] = [_agreed(one) for one in patch.get("attendees", _attendees(event))]
    return patch


def lists_guests(draft: EventDraft, uid: str) -> bool:
    """Whether guests may be attendees: when Google invites them, or when its event is in their calendars the same as
    in our invitation.  With another UID a guest at Google would have the meeting twice.
    """
    return draft.invite or draft.uid == uid


def send_updates(draft: EventDraft, body: Event | None = None) -> str:
    """Whom Google mails: all when it invites, and when ``body`` takes off the list those whom it had invited.

    They get our invitation instead, and have the meeting twice unless Google's is called off.
    """
    listed = ((body or {}).get("extendedProperties") or {}).get("private", {}).get(LISTED, "")
    return "all" if draft.invite or listed is None else "none"


def _merged_attendees(event: Event, guests: c.Mapping[str, Guest]) -> list[Event] | None:
    """The attendees as they should be: ours, each with the answer given so far, and those added by hand.  None when
    that is what is there.
    """
    there = _attendees(event)
    before = _text(_private(event).get(LISTED))
    known = {before[at : at + DIGEST] for at in range(0, len(before), DIGEST)}
    kept = [
        attendee
        for attendee in there
        if _email(attendee) in guests
        or any(attendee.get(role) for role in ("self", "organizer", "resource"))
        or _digest(_email(attendee)) not in known
    ]
    present = {_email(attendee) for attendee in kept}
    added = [_attendee(guest) for email, guest in guests.items() if email not in present]
    return kept + added if added or len(kept) != len(there) else None


def _agreed(attendee: Event) -> Event:
    return {**attendee, "responseStatus": "accepted"} if attendee.get("self") else attendee


def _guests(draft: EventDraft, listed: bool) -> dict[str, Guest]:
    """Those to be attendees, each once."""
    return {guest.email.lower(): guest for guest in draft.guests} if listed else {}


def _attendee(guest: Guest) -> Event:
    return {"email": guest.email, "displayName": guest.name} if guest.name else {"email": guest.email}


def _conference(request: str) -> Event:
    """Asks for a link.  The same request is ignored when it comes again, so that a repeated try makes no second one."""
    return {"createRequest": {"requestId": request, "conferenceSolutionKey": {"type": "hangoutsMeet"}}}


def _title(draft: EventDraft) -> str:
    return draft.title[:MOST_TITLE]


def _description(draft: EventDraft, listed: bool) -> str:
    """Plain text.  Google takes it for HTML, so what a guest wrote must not make a tag, such as a link that leads
    elsewhere than it says: an invisible space after ``<`` ends that.
    """
    text = draft.description
    if not listed:
        people = [
            ", ".join(part for part in (guest.name, guest.email) if part)
            for guest in draft.guests
            if guest.email.lower() not in text.lower()
        ]
        text = "\n\n".join(part for part in (text, "\n".join(people)) if part)
    return re.sub(r"<(?=[A-Za-z/!?])", "<\u200b", text)[:MOST_DESCRIPTION]


def _digests(guests: c.Mapping[str, Guest]) -> str:
    return "".join(_digest(email) for email in guests)[: 1_020 // DIGEST * DIGEST]


def _digest(email: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(email.encode()).digest())[:DIGEST].decode()


def _moment(epoch: int, time_zone: str) -> Event:
    local = dt.datetime.fromtimestamp(epoch, known_zone(time_zone))
    return {"dateTime": local.isoformat(timespec="seconds"), "timeZone": str(local.tzinfo)}


# -- odds and ends of what Google sends -----------------------------------------------------------------------------


def known_zone(*names: str) -> ZoneInfo:
    """The first of these zones that there is, else UTC."""
    for name in names:
        try:
            return zone(name)
        except UnknownZone:
            continue
    return zone("UTC")


def _instant(when: object, time_zone: str) -> int | None:
    """Epoch seconds of an ``EventDateTime``; None for what is none."""
    if not isinstance(when, dict):
        return None
    try:
        if when.get("dateTime"):
            moment = dt.datetime.fromisoformat(when["dateTime"])
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=known_zone(_text(when.get("timeZone")), time_zone))
        else:
            day = dt.date.fromisoformat(when["date"])
            moment = dt.datetime.combine(day, dt.time(), known_zone(time_zone))
        return int(moment.timestamp())
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _conference_status(event: Event) -> str:
    status = _create_request(event).get("status")
    return _text(status.get("statusCode")) if isinstance(status, dict) else ""


def _create_request(event: Event) -> Event:
    data = event.get("conferenceData")
    request = data.get("createRequest") if isinstance(data, dict) else None
    return request if isinstance(request, dict) else {}


def _private(event: Event) -> c.Mapping[str, t.Any]:
    properties = event.get("extendedProperties")
    private = properties.get("private") if isinstance(properties, dict) else None
    return private if isinstance(private, dict) else {}


def _attendees(event: Event) -> list[Event]:
    found = event.get("attendees")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _email(attendee: Event) -> str:
    return _text(attendee.get("email")).lower()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _plain(value: object) -> str:
    """A text as it compares with what Google made of it: line ends and margins are its own."""
    return _text(value).replace("\r\n", "\n").strip()


def _web(value: object) -> str:
    """An address that may stand in a link."""
    text = _text(value)
    return text if text.startswith(("https://", "http://")) else ""
