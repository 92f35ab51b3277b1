"""A booking for the guest's own calendar: links to the web calendars, and a file for all others.

Both say what the invitation in the mail says, so that nobody ends up with two different entries.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import email.utils
import urllib.parse

from flask import current_app

from ..messages.gather import invite, view_of
from ..messages.invitation import Invitation, Method, Status, calendar_bytes
from ..messages.view import Reader
from ..models import Booking, BookingStatus
from ..scheduling.invited import guests_uid
from .addresses import address

_STATES = {BookingStatus.PENDING: Status.TENTATIVE, BookingStatus.CANCELLED: Status.CANCELLED}


@dataclasses.dataclass(frozen=True)
class AddLinks:
    """Where a click puts the meeting into a calendar."""

    google: str
    outlook: str
    office: str
    file: str


def add_links(booking: Booking) -> AddLinks:
    """The addresses by which the meeting is added to a calendar."""
    # These addresses go to other companies: the guest's secret link doesn't.
    said = _said(booking, secret=False)
    google = {
        "action": "TEMPLATE",
        "text": said.summary,
        "dates": f"{_basic(said.starts)}/{_basic(said.ends)}",
        "details": said.description,
        "location": said.location,
    }
    microsoft = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": said.summary,
        "startdt": _extended(said.starts),
        "enddt": _extended(said.ends),
        "body": said.description,
        "location": said.location,
    }
    # Outlook shows a plus where a form would have a space.
    asked = urllib.parse.urlencode(microsoft, quote_via=urllib.parse.quote)
    return AddLinks(
        google="https://calendar.google.com/calendar/render?" + urllib.parse.urlencode(google),
        outlook=f"https://outlook.live.com/calendar/0/deeplink/compose?{asked}",
        office=f"https://outlook.office.com/calendar/0/deeplink/compose?{asked}",
        file=address("invite", token=booking.manage_token),
    )


def invitation_file(booking: Booking) -> bytes:
    """The meeting as an iCalendar object to be kept (METHOD:PUBLISH), with the UID and SEQUENCE of the mails."""
    said = _said(booking)
    return calendar_bytes(dataclasses.replace(said, uid=guests_uid(booking) or said.uid))


def _said(booking: Booking, *, secret: bool = True) -> Invitation:
    _name, organizer = email.utils.parseaddr(current_app.config["BOOKING_MAIL_FROM"])
    view = view_of(booking, Reader.GUEST)
    if not secret:
        view = dataclasses.replace(view, manage_url="", reschedule_url="", cancel_url="", reminders_url="")
    invitation = invite(view, Reader.GUEST, Method.PUBLISH, organizer, booking.created_at)
    return dataclasses.replace(invitation, status=_STATES.get(booking.status, Status.CONFIRMED))


def _basic(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")


def _extended(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
