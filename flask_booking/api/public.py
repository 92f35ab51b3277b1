"""What a guest can do: see a page, its event types and free times; book; see, move and cancel the booking."""

from __future__ import annotations

import datetime as dt
import time
import typing as t

from flask import Response, request
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, PlainValidator

from .. import guards, links, scheduling
from ..errors import InvalidInput, NoLongerOffered, NotBookable
from ..i18n import current_locale
from ..i18n import gettext as _
from ..models import Booking, BookingPage, EventType
from ..scheduling.guest_form import questions_of
from ..scheduling.intake import check
from ..scheduling.offers import LONGEST_DAYS, Moved
from ..scheduling.places import Place, offered, offered_by
from ..state import crm, session, state
from ..zones import UnknownZone, zone
from .blueprint import answer, api, body

FARTHEST = dt.timedelta(days=5 * 366)
"""How far ahead programs may look: an answer takes the longer the farther a rule of a blocked time is followed."""
KEY_LEAST = 16
"""How many characters an idempotency key has at least: an order number or a name would be guessed."""


def utc_text(epoch: int) -> str:
    """An instant as RFC 3339 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


@api.get("/public/<page_slug>")
def page(page_slug: str) -> Response:
    """A booking page with the event types that can be booked."""
    guards.check_rate("page")
    found = _page(page_slug)
    listed = [event for event in found.event_types if event.active and event.archived_at is None]
    places = offered_by(listed)
    return answer(
        {
            "slug": found.slug,
            "title": found.title or crm().display_name(found.host.user),
            "welcome": found.welcome,
            "url": links.page_url(found.slug),
            "event_types": [_event(found, event, places[event.id]) for event in listed],
        }
    )


@api.get("/public/challenge")
def challenge() -> Response:
    """The arithmetic to do before booking, where ``BOOKING_PROOF_OF_WORK`` asks for it; its solution is ``altcha``."""
    guards.check_rate("page")
    response = answer({"challenge": guards.new_challenge()})
    response.headers["Cache-Control"] = "no-store"
    return response


@api.get("/public/<page_slug>/<event_slug>")
def event_type(page_slug: str, event_slug: str) -> Response:
    """One event type: durations, places to meet, questions."""
    guards.check_rate("page")
    address = _address(page_slug, event_slug)
    found = t.cast(EventType, session().get(EventType, address.event_type_id))
    return answer(_event(found.page, found, offered(found)))


@api.get("/public/<page_slug>/<event_slug>/slots")
def slots(page_slug: str, event_slug: str) -> Response:
    """The free times from the date ``start`` to the date ``end``, both included, in the zone ``tz``.

    ``next`` is the first free time after the range when there is none in it.
    """
    guards.check_rate("slots")
    address = _address(page_slug, event_slug)
    args = request.args
    start, end = _range(args.get("start"), args.get("end"), args.get("tz") or "UTC")
    duration = _duration(args.get("duration"))
    offers = scheduling.offers(address, start=start, end=end, duration=duration)
    key = ("json", offers.key, args.get("tz"))
    text: str | None = state().offers.get(key)
    if text is None:
        length = offers.duration * 60
        found = [{"start": utc_text(at), "end": utc_text(at + length)} for at in offers.starts]
        after = None if found else scheduling.next_slot(address, after=end, duration=duration)
        text = answer(
            {
                "time_zone": args.get("tz") or "UTC",
                "duration": offers.duration,
                "slots": found,
                "next": None if after is None else utc_text(after),
            }
        ).get_data(as_text=True)
        if found:  # what comes next changes with other ranges, whose keys aren't this one's
            state().offers.put(key, text)
    return Response(text, mimetype="application/json", headers={"Cache-Control": "no-cache"})


def _instant(value: object) -> dt.datetime:
    """Numbers, also in quotes, are no instants: a lax reader would take ``0`` for the year 1970."""
    try:
        found = dt.datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or found.microsecond or not 1970 < found.year < 9000:
        raise ValueError(_("Please give an instant such as 2026-12-01T14:00:00Z."))
    return found


Instant = t.Annotated[dt.datetime, BeforeValidator(_instant)]
"""RFC 3339 with an offset."""


def _key(value: str) -> str:
    """Who guesses a guest's key and address is answered with the booking, and with the link that manages it."""
    if len(value) < KEY_LEAST:
        raise ValueError(_("Please make a key of at least %(least)s characters, such as a UUID.", least=KEY_LEAST))
    return value


def _answer(value: object) -> str | bool | list[str]:
    """One of three kinds; a list is for questions with several answers."""
    one = isinstance(value, str | bool)
    if one or (isinstance(value, list) and all(isinstance(each, str) for each in value)):
        return t.cast("str | bool | list[str]", value)
    raise ValueError(_("Please answer with a text, with true or false, or with a list of texts."))


Answer = t.Annotated[str | bool | list[str], PlainValidator(_answer)]
"""What a guest answers to a question; a plain union would tell one mistake three times."""


class BookingBody(BaseModel):
    """A guest's request.  ``start`` is RFC 3339 with an offset; ``answers`` maps ids of questions to texts."""

    start: Instant
    name: str = Field(max_length=2000)
    email: str = Field(max_length=2000)
    time_zone: str = Field(max_length=100)
    duration: int | None = None
    phone: str = Field("", max_length=200)
    location: str | None = Field(None, max_length=40)
    answers: dict[str, Answer] = Field(default_factory=dict, max_length=100)
    notes: str = Field("", max_length=20_000)
    hold: str | None = Field(None, max_length=400)
    idempotency_key: t.Annotated[str, Field(max_length=200), AfterValidator(_key)] | None = None
    altcha: str = Field("", max_length=2000)


@api.post("/public/<page_slug>/<event_slug>/bookings")
def book(page_slug: str, event_slug: str) -> Response:
    """Book a free time."""
    guards.check_rate("book")
    address = _address(page_slug, event_slug)
    wanted = body(BookingBody)
    event = t.cast(EventType, session().get(EventType, address.event_type_id))
    try:
        intake = check(
            event,
            name=wanted.name,
            email=wanted.email,
            phone=wanted.phone,
            time_zone=wanted.time_zone,
            locale=current_locale(),
            answers=wanted.answers,
            location=wanted.location,
            notes=wanted.notes,
        )
    except InvalidInput:  # perhaps only since the first of two requests: the host asks for more
        earlier = _earlier(event.id, wanted)
        if earlier is None:
            raise
        return answer(_booking(earlier), 201)
    request = scheduling.BookingRequest(
        start=wanted.start,
        intake=intake,
        duration=wanted.duration,
        hold=wanted.hold,
        idempotency_key=wanted.idempotency_key,
        source="api",
    )
    guards.check_work(wanted.altcha, known=lambda: scheduling.asked_before(address.event_type_id, request))
    booking = scheduling.book(address.event_type_id, request)
    return answer(_booking(booking), 201)


def _earlier(event_type_id: int, wanted: BookingBody) -> Booking | None:
    key = wanted.idempotency_key
    if not key:
        return None
    return scheduling.booked_before(
        event_type_id, email=wanted.email, key=key, start=wanted.start, duration=wanted.duration
    )


@api.get("/public/bookings/<token>")
def booking_detail(token: str) -> Response:
    """A guest's booking, by the token of its manage link."""
    guards.check_rate("manage")
    return answer(_booking(scheduling.booking_by_token(token)))


class CancelBody(BaseModel):
    """Why the guest cancels."""

    reason: str = Field("", max_length=5000)


@api.post("/public/bookings/<token>/cancel")
def cancel(token: str) -> Response:
    """Cancel a guest's booking; its time is free at once."""
    guards.check_rate("manage")
    booking = scheduling.booking_by_token(token)
    wanted = body(CancelBody)
    return answer(_booking(scheduling.cancel(booking.id, actor="guest", reason=wanted.reason)))


class RescheduleBody(BaseModel):
    """The new time, and why."""

    start: Instant
    reason: str = Field("", max_length=5000)


@api.post("/public/bookings/<token>/reschedule")
def reschedule(token: str) -> Response:
    """Move a guest's booking to another free time."""
    guards.check_rate("manage")
    booking = scheduling.booking_by_token(token)
    wanted = body(RescheduleBody)
    return answer(_booking(scheduling.reschedule(booking.id, wanted.start, actor="guest", reason=wanted.reason)))


def _address(page_slug: str, event_slug: str) -> scheduling.EventAddress:
    try:
        found = scheduling.find_event(page_slug, event_slug)
    except Moved as moved:
        found = scheduling.find_event(moved.page, moved.slug)
    if not found.hosts:
        raise NoLongerOffered
    return found


def _page(slug: str) -> BookingPage:
    found = scheduling.page_by_slug(slug)
    if found is None:
        raise NotBookable
    if not found.active or not found.host.active:
        raise NoLongerOffered
    return found


def _range(start: str | None, end: str | None, zone_key: str) -> tuple[int, int]:
    """The instants between the first local midnight and the one after the last date, in epoch seconds."""
    problems: dict[str, str] = {}
    dates = []
    for name, text in (("start", start), ("end", end)):
        try:
            dates.append(dt.date.fromisoformat(text or ""))
        except ValueError:
            problems[name] = _("Please give a date such as 2026-12-31.")
    try:
        tz = zone(zone_key)
    except UnknownZone:
        problems["tz"] = _("This time zone isn't known. Example: Europe/Paris.")
    if len(dates) == 2 and not dt.date(1970, 1, 3) <= dates[0] <= dates[1] < dt.date(9990, 1, 1):
        problems["end"] = _("The last date comes after the first one.")
    elif len(dates) == 2 and dates[0] > dt.datetime.now(dt.UTC).date() + FARTHEST:
        problems["start"] = _("Ask for a time within the next five years.")
    elif len(dates) == 2 and (dates[1] - dates[0]).days >= LONGEST_DAYS:
        problems["end"] = _("At most 62 days.")
    if problems:
        raise InvalidInput(fields=problems)
    first, last = (dt.datetime.combine(date, dt.time(), tz) for date in (dates[0], dates[1] + dt.timedelta(days=1)))
    return int(first.timestamp()), int(last.timestamp())


def _duration(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 5:
        raise InvalidInput(fields={"duration": _("Please give the duration in minutes.")})
    return int(text)


def _event(found: BookingPage, event: EventType, places: list[Place]) -> dict[str, t.Any]:
    return {
        "slug": event.slug,
        "title": event.title,
        "description": event.description,
        "durations": event.durations,
        "seats": event.seats,
        "requires_approval": event.requires_approval,
        "locations": [_place(place) for place in places],
        "questions": questions_of(event),
        "url": links.page_url(found.slug, event.slug),
    }


def _place(place: dict[str, t.Any]) -> dict[str, t.Any]:
    """A place to meet as anybody may see it: numbers and links of hosts are told once the meeting is booked."""
    private = place["kind"] in {"phone_host", "link"}
    return {"id": place["id"], "kind": place["kind"], "text": "" if private else place["text"]}


def _booking(booking: Booking) -> dict[str, t.Any]:
    """What a guest may know of the own booking."""
    return {
        "id": booking.public_id,
        "title": booking.title,
        "start": utc_text(int(booking.starts_at.timestamp())),
        "end": utc_text(int(booking.ends_at.timestamp())),
        "time_zone": booking.guest_time_zone,
        "status": booking.status.value,
        "location": booking.told_location,
        "manage_url": links.manage_url(booking.manage_token, page_slug=booking.event_type.page.slug),
    }
