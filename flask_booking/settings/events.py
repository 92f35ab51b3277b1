"""A booking's event that isn't in the calendar as it should be: somebody changed it, or it couldn't be written."""

from __future__ import annotations

import sqlalchemy as sa
from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import orm as so

from ..calendars import differences
from ..errors import BookingError
from ..i18n import gettext as _
from ..models import Booking, CalendarEvent
from ..state import session
from . import access, calendar_words, notices
from .blueprint import blueprint


def of_booking(found: Booking) -> list[calendar_words.Entered]:
    """A booking's events in the calendars of its hosts."""
    rows = session().scalars(
        sa.select(CalendarEvent)
        .where(CalendarEvent.booking_id == found.id)
        .options(so.joinedload(CalendarEvent.calendar), so.joinedload(CalendarEvent.host))
        .order_by(CalendarEvent.host_id)
    )
    zone_key = access.desk().host.time_zone
    return [calendar_words.entered(row, zone_key, manageable=access.may_manage(row.host)) for row in rows]


@blueprint.post("/bookings/<public_id>/events/<key>/follow")
def follow_event(public_id: str, key: str) -> ResponseReturnValue:
    """Move the booking to where its event is."""
    found = access.booking(public_id)
    row = access.calendar_event(found, key)
    guest = found.guest_name
    try:
        differences.follow(row)
    except BookingError as error:
        session().rollback()
        notices.tell(_("The meeting stays where it is: %(reason)s", reason=error.description), kind="warning")
    else:
        notices.tell(_("Moved. %(guest)s gets a mail with the new time.", guest=guest))
    return _back(public_id)


@blueprint.post("/bookings/<public_id>/events/<key>/write")
def write_event(public_id: str, key: str) -> ResponseReturnValue:
    """Have the event written again, as the booking says."""
    found = access.booking(public_id)
    if differences.put_back(access.calendar_event(found, key)):
        notices.tell(_("The event is being entered into the calendar."))
    else:
        notices.tell(_("Its calendar isn't connected any more."), kind="warning")
    return _back(public_id)


def _back(public_id: str) -> ResponseReturnValue:
    return redirect(url_for("booking_settings.booking", public_id=public_id), 303)
