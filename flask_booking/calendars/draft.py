"""A booking as an event in a host's calendar is to show it."""

from __future__ import annotations

import hashlib
import json

from ..i18n import gettext as _
from ..i18n import labelled, list_of, use_locale
from ..links import base_url, booking_url, manage_url
from ..models import Booking, BookingStatus, CalendarEvent
from ..scheduling.intake import answer_text
from ..scheduling.places import made_name
from ..state import crm
from .provider import EventDraft, Guest

HELD = (BookingStatus.CONFIRMED, BookingStatus.COMPLETED, BookingStatus.NO_SHOW)
"""Bookings that are in calendars.  A request isn't: nobody has agreed to it."""


def wanted(event: CalendarEvent) -> bool:
    """Whether there shall be an event now."""
    booking = event.booking
    return booking.status in HELD and any(host.id == event.host_id for host in booking.hosts)


def draft_of(event: CalendarEvent, *, base: str = "") -> EventDraft:
    """The event in the host's language; ``base`` is the CRM's address for the link to the booking.

    An event that invites is the guest's too: it names both, and leads to the guest's page instead of into the CRM.
    """
    booking, host = event.booking, event.host
    base = base or base_url()
    name = crm().display_name(host.user)
    with use_locale(host.language):
        return EventDraft(
            key=event.key,
            booking=booking.public_id,
            uid=booking.uid,
            sequence=booking.sequence,
            starts=int(booking.starts_at.timestamp()),
            ends=int(booking.ends_at.timestamp()),
            time_zone=host.time_zone,
            title=labelled(booking.title, list_of([booking.guest_name, *([name] if event.invites else [])]))[:200],
            description=_description(event, base),
            location=_location(event)[:500],
            url=_guest_url(booking, base) if event.invites else booking_url(booking.public_id, base=base),
            organizer=Guest(name, crm().email_of(host.user)),
            guests=(Guest(booking.guest_name, booking.guest_email),),
            invite=event.invites,
            conference=event.conference,
        )


def fingerprint(event: CalendarEvent) -> str:
    """What tells whether the calendar shows all of the booking already; by what name the CRM is reached doesn't
    matter to that."""
    draft = draft_of(event, base="https://crm.invalid")
    shown = [
        draft.uid, draft.sequence, draft.starts, draft.ends, draft.time_zone, draft.title, draft.description,
        draft.location, [(guest.name, guest.email) for guest in draft.guests], draft.invite, draft.conference,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()


def _location(event: CalendarEvent) -> str:
    """Where to be, or whom to call; nothing for a link that the calendar makes itself."""
    place = event.booking.location
    if name := made_name(place):
        return str(place.get("url") or ("" if event.conference else name))
    return str(place.get("url") or place.get("text") or event.booking.guest_phone or "")


def _description(event: CalendarEvent, base: str) -> str:
    booking, place = event.booking, event.booking.location
    password = str(place.get("password") or "")
    if event.invites:
        link = _("Move or cancel: %(url)s", url=_guest_url(booking, base))
    else:
        link = labelled(_("In the CRM"), booking_url(booking.public_id, base=base))
    paragraphs = [
        "\n".join(text for text in (booking.guest_name, booking.guest_email, booking.guest_phone) if text),
        "\n".join(str(place.get(key) or "") for key in ("text", "url") if place.get(key)),
        labelled(_("Password"), password) if password else "",
        "\n".join(labelled(answer["label"], answer_text(answer)) for answer in booking.answers),
        booking.notes,
        link if base else "",
    ]
    return "\n\n".join(text for text in paragraphs if text)[:8000]


def _guest_url(booking: Booking, base: str) -> str:
    return manage_url(booking.manage_token, page_slug=booking.event_type.page.slug, base=base)
