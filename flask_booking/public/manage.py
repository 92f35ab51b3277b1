"""The guest's own page of a booking: what was agreed on, for the calendar, and the way to move or cancel it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
import typing as t

from flask import Response, redirect, request
from flask.typing import ResponseReturnValue

from ..errors import ChangeRefused, InvalidInput
from ..i18n import format_date, format_times, labelled, zone_label
from ..i18n import gettext as _
from ..models import Booking, BookingStatus
from ..scheduling import booking_by_token, cancel, remind_guest
from ..scheduling.change import check_changeable
from ..scheduling.intake import answer_text
from ..scheduling.places import link_missing, made_name
from ..scheduling.reasons import reason_text
from ..scheduling.reminders import guest_is_reminded
from ..state import session
from ..zones import UnknownZone, canonical
from .addresses import address
from .blueprint import blueprint, guarded
from .calendars import add_links, invitation_file
from .form import where
from .language import speak_of_booking
from .people import faces_of
from .shell import Shell, render, shell_for


@dataclasses.dataclass(frozen=True)
class Meeting:
    """A booking as its guest sees it.  ``state`` is ``confirmed``, ``pending``, ``cancelled`` or ``past``."""

    booking: Booking
    token: str
    state: str
    zone: str
    may_move: bool
    may_cancel: bool
    why_not: str

    @property
    def day(self) -> str:
        return format_date(self.booking.starts_at, self.zone)

    @property
    def times(self) -> str:
        return format_times(self.booking.starts_at, self.booking.ends_at, self.zone)

    @property
    def zone_label(self) -> str:
        return zone_label(self.zone, self.booking.starts_at)

    @property
    def tile(self) -> tuple[str, str]:
        """Month and day of the month: a leaf of a calendar."""
        starts = self.booking.starts_at
        return format_date(starts, self.zone, style="month name"), format_date(starts, self.zone, style="day number")

    @property
    def place(self) -> str:
        return where(self.location, asked=self.state == "pending")

    @property
    def location(self) -> dict[str, t.Any]:
        """The place as the guest may know it now."""
        return self.booking.told_location

    @property
    def join_url(self) -> str:
        """Where to join, for a place whose link was made for this meeting."""
        made = self.state == "confirmed" and made_name(self.location)
        return str(self.location.get("url") or "") if made else ""

    @property
    def link_to_come(self) -> bool:
        """Whether the meeting's link is still to be made."""
        return self.state == "confirmed" and link_missing(self.location)

    def url(self, endpoint: str = "manage", **query: str | int | None) -> str:
        """The address of a step for this booking; ``None`` leaves a parameter out."""
        return address(endpoint, query, token=self.token)

    @property
    def event_url(self) -> str:
        """Where the same can be booked again; empty where it can't."""
        event = self.booking.event_type
        if not event.active or event.archived_at is not None or not event.page.active:
            return ""
        return address("event", {"tz": self.zone}, page=event.page.slug, event=event.slug)


def meeting(token: str) -> Meeting:
    """The booking of a manage link.  Raises :class:`~flask_booking.errors.NotBookable`."""
    booking = booking_by_token(token[:100])
    speak_of_booking(booking.guest_locale)
    why_not_move, why_not_cancel = _refusal(booking, moving=True), _refusal(booking, moving=False)
    try:
        zone = canonical(request.args.get("tz", "")[:64] or booking.guest_time_zone)
    except UnknownZone:
        zone = booking.guest_time_zone
    tell = why_not_move and (why_not_cancel or not booking.hosts)
    why_not = (why_not_cancel or why_not_move) if tell else ""
    return Meeting(booking, token, _state(booking), zone, not why_not_move, not why_not_cancel, why_not)


def _refusal(booking: Booking, *, moving: bool) -> str:
    try:
        check_changeable(booking, "guest", int(time.time()), moving=moving)
    except ChangeRefused as error:
        return error.description
    return ""


def _state(booking: Booking) -> str:
    if booking.status is BookingStatus.CANCELLED:
        return "cancelled"
    if not booking.live or booking.ends_at <= dt.datetime.now(dt.UTC):
        return "past"
    return "pending" if booking.status is BookingStatus.PENDING else "confirmed"


def shell_of(shown: Meeting, title: str) -> Shell:
    """The shell in the looks of the event type that was booked."""
    event = shown.booking.event_type
    return shell_for(title, event.page, event)


@blueprint.get("/manage/<token>", strict_slashes=False)
@guarded("manage", secret=True)
def manage(token: str) -> ResponseReturnValue:
    """The booking; ``?new=1`` right after it was made."""
    shown = meeting(token)
    new = bool(request.args.get("new")) and shown.state in ("confirmed", "pending")
    moved = bool(request.args.get("moved")) and shown.state in ("confirmed", "pending")
    heading = _heading(shown, new, moved)
    return render(
        "manage.html",
        shell_of(shown, labelled(heading, shown.booking.title)),
        meeting=shown,
        booking=shown.booking,
        event=shown.booking.event_type,
        faces=faces_of(shown.booking),
        heading=heading,
        lead=_lead(shown, new),
        answer_text=answer_text,
        reason=reason_text(shown.booking.reason, shown.booking.cancelled_by),
        new=new,
        reminded=shown.state == "confirmed" and guest_is_reminded(session(), shown.booking),
        add=add_links(shown.booking) if shown.state in ("confirmed", "pending") else None,
    )


def _heading(shown: Meeting, new: bool, moved: bool) -> str:
    if moved and shown.state == "confirmed":
        return _("Your meeting was moved")
    if shown.state == "cancelled" and not shown.booking.agreed:
        return _("You withdrew your request") if shown.booking.withdrawn else _("Your request was declined")
    if shown.state == "past" and not shown.booking.agreed:
        return _("Your request wasn't answered in time")
    return {
        "confirmed": _("You are booked") if new else _("Your meeting"),
        "pending": _("Your request was sent") if new else _("Your request"),
        "cancelled": _("This meeting is cancelled"),
        "past": _("This meeting is over"),
    }[shown.state]


def _lead(shown: Meeting, new: bool) -> str:
    email = shown.booking.guest_email
    match shown.state:
        case "pending":
            kept = _("The time is kept for you.")
            return kept + " " + _("You will hear by e-mail at %(email)s as soon as it is answered.", email=email)
        case "confirmed" if new:
            return _("An invitation is on its way to %(email)s.", email=email)
        case _:
            return ""


@blueprint.get("/manage/<token>/invite.ics")
@guarded("manage", secret=True)
def invite(token: str) -> ResponseReturnValue:
    """The booking as a file for any calendar."""
    shown = meeting(token)
    response = Response(invitation_file(shown.booking), mimetype="text/calendar")
    response.headers["Content-Type"] = "text/calendar; charset=utf-8; method=PUBLISH"
    response.headers["Content-Disposition"] = 'attachment; filename="invite.ics"'
    return response


@blueprint.get("/manage/<token>/reminders")
@guarded("manage", secret=True)
def reminders(token: str) -> ResponseReturnValue:
    """Where mail clients without one-click unsubscribing lead: the booking, which has the button."""
    return redirect(meeting(token).url(), 303)


@blueprint.post("/manage/<token>/reminders")
@guarded("manage", secret=True)
def set_reminders(token: str) -> ResponseReturnValue:
    """Stop this meeting's reminders, or have them again.  A mail client's one click (RFC 8058) isn't redirected."""
    shown = meeting(token)
    remind_guest(shown.booking.id, request.form.get("wanted") == "yes")
    return ("", 204) if "List-Unsubscribe" in request.form else redirect(shown.url(), 303)


@blueprint.get("/manage/<token>/cancel")
@guarded("manage", secret=True)
def ask_cancel(token: str) -> ResponseReturnValue:
    """Whether to cancel, and why."""
    shown = meeting(token)
    return _cancel_form(shown) if shown.may_cancel else redirect(shown.url(), 303)


@blueprint.post("/manage/<token>/cancel")
@guarded("manage", secret=True)
def do_cancel(token: str) -> ResponseReturnValue:
    """Cancel; its time is free at once."""
    shown = meeting(token)
    try:
        cancel(shown.booking.id, actor="guest", reason=request.form.get("reason", ""))
    except InvalidInput as error:
        return _cancel_form(meeting(token), error), 422
    return redirect(shown.url(), 303)


def _cancel_form(shown: Meeting, error: InvalidInput | None = None) -> str:
    asked = shown.state == "pending"
    title = shown.booking.title
    return render(
        "cancel.html",
        shell_of(shown, _("Withdraw: %(title)s", title=title) if asked else _("Cancel: %(title)s", title=title)),
        meeting=shown,
        booking=shown.booking,
        event=shown.booking.event_type,
        faces=faces_of(shown.booking),
        asked=asked,
        reason=request.form.get("reason", "")[:5000],
        problem=error.description if error else "",
    )
