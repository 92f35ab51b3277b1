"""A booking for the guest's own calendar: links to the web calendars, and a file for all others."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email.utils
import urllib.parse

from flask import current_app, url_for

from ..i18n import gettext as _
from ..messages.invitation import Invitation, Method, Person, Status, calendar_bytes
from ..models import Booking, BookingStatus
from ..state import crm
from .form import where

_STATES = {BookingStatus.PENDING: Status.TENTATIVE, BookingStatus.CANCELLED: Status.CANCELLED}


@dataclasses.dataclass(frozen=True)
class AddLinks:
    """Where a click puts the meeting into a calendar."""

    google: str
    outlook: str
    office: str
    file: str


def add_links(booking: Booking, token: str) -> AddLinks:
    """The addresses by which the meeting is added to a calendar."""
    title, text, place = _summary(booking), _description(booking, token), _place(booking)
    google = {
        "action": "TEMPLATE",
        "text": title,
        "dates": f"{_basic(booking.starts_at)}/{_basic(booking.ends_at)}",
        "details": text,
        "location": place,
    }
    microsoft = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": title,
        "startdt": _extended(booking.starts_at),
        "enddt": _extended(booking.ends_at),
        "body": text,
        "location": place,
    }
    asked = urllib.parse.urlencode(microsoft, quote_via=urllib.parse.quote)
    return AddLinks(
        google="https://calendar.google.com/calendar/render?" + urllib.parse.urlencode(google),
        outlook=f"https://outlook.live.com/calendar/0/deeplink/compose?{asked}",
        office=f"https://outlook.office.com/calendar/0/deeplink/compose?{asked}",
        file=url_for("booking_public.invite", token=token),
    )


def invitation_file(booking: Booking, token: str) -> bytes:
    """The meeting as an iCalendar object to be kept (METHOD:PUBLISH), with the UID and SEQUENCE of the mails."""
    name, address = email.utils.parseaddr(current_app.config["BOOKING_MAIL_FROM"])
    return calendar_bytes(
        Invitation(
            method=Method.PUBLISH,
            uid=booking.uid,
            sequence=booking.sequence,
            starts=booking.starts_at,
            ends=booking.ends_at,
            stamp=booking.created_at,
            status=_STATES.get(booking.status, Status.CONFIRMED),
            summary=_summary(booking),
            organizer=Person(_hosts(booking) or name, address),
            description=_description(booking, token),
            location=_place(booking),
            url=public_address("manage", token=token),
        )
    )


def public_address(endpoint: str, **values: str) -> str:
    """The whole address of a public page, by ``BOOKING_PUBLIC_URL`` where it is set."""
    base = current_app.config["BOOKING_PUBLIC_URL"]
    path = url_for(f"booking_public.{endpoint}", **values)
    if not base:
        return url_for(f"booking_public.{endpoint}", _external=True, **values)
    # The configured address has the path that the CRM is mounted at already.
    mounted = urllib.parse.urlsplit(base).path.rstrip("/")
    return base.rstrip("/") + path.removeprefix(mounted)


def _summary(booking: Booking) -> str:
    return _("%(title)s with %(name)s", title=booking.title, name=_hosts(booking))


def _hosts(booking: Booking) -> str:
    return ", ".join(crm().display_name(host.user) for host in booking.hosts)


def _place(booking: Booking) -> str:
    place = booking.location
    return " · ".join(text for text in (where(place), place.get("url", "")) if text)


def _description(booking: Booking, token: str) -> str:
    return _("Change or cancel: %(url)s", url=public_address("manage", token=token))


def _basic(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")


def _extended(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
